"""Draw the graph of your own script as SVG: what its forward computed, with its modules as frames.

The script runs as it is, with the arguments that stand behind -- at the end, until the backward that is asked
for; there it is stopped. What it imports as torch is this engine.
"""

from __future__ import annotations

import argparse
import sys

from tinygrad_edu.learn.drawing import draw
from tinygrad_edu.learn.drawing.draw import MAX_BOXES
from tinygrad_edu.learn.scripts import (
    add_backward_and_output,
    add_script,
    checked_output,
    nothing_recorded,
    record_script,
    what_is_missing,
)
from tinygrad_edu.learn.tape import Tape


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this tool."""
    add_script(parser)
    add_backward_and_output(parser, "the picture", ".svg")
    parser.add_argument(
        "--max-boxes",
        type=int,
        default=MAX_BOXES,
        metavar="N",
        help="fold modules and repeated pieces until there are no more boxes than this (default: %(default)s)",
    )
    parser.add_argument(
        "--sizes", action="store_true", help="write how much each operation keeps for its backward"
    )


def run(args: argparse.Namespace) -> int:
    """Run the script, write the picture, and return the exit code."""
    output = checked_output("draw", args, ".svg")
    if output is None:
        return 2
    if args.max_boxes < 2:
        print(f"draw: --max-boxes is 2 or more, got {args.max_boxes}", file=sys.stderr)
        return 2
    tape = Tape(backward_number=args.backward, max_bytes=0)
    code = record_script(tape, [str(args.script), *args.script_arguments], to_the_end=False)
    if not tape.forward:
        return nothing_recorded("draw", code)
    draw(tape, sizes=args.sizes, max_boxes=args.max_boxes).save(output)
    missing = "" if tape.finished else f"{what_is_missing(tape)}; "
    graph = f"the graph of {len(tape.forward)} operations"
    print(f"draw: {missing}{output} has {graph}. Open it in a browser.", file=sys.stderr)
    return code
