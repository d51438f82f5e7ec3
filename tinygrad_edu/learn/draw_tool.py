"""Draw the graph of your own script as SVG: what its forward computed, with its modules as frames.

The script runs as it is, with the arguments that stand behind -- at the end, until the backward that is asked
for; there it is stopped. What it imports as torch is this engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.learn.drawing import draw
from tinygrad_edu.learn.drawing.draw import MAX_BOXES
from tinygrad_edu.learn.step import run_script
from tinygrad_edu.learn.tape import Tape


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this tool."""
    parser.add_argument(
        "script", type=Path, help="the Python file to run; its own arguments stand at the end, after --"
    )
    parser.add_argument(
        "--backward",
        type=int,
        default=1,
        metavar="N",
        help="the forward before which backward is drawn (default: the first)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the picture (default: the script's name with .svg, in this folder)",
    )
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
    output = (
        args.output or Path(args.script.stem + ".svg")
    ).absolute()  # the script may go to another folder
    if not args.script.is_file():
        print(f"draw: expected a Python file, there is none at {args.script}", file=sys.stderr)
        return 2
    if not output.parent.is_dir() or output.is_dir() or args.backward < 1 or args.max_boxes < 2:
        expected = "a file name in a folder that exists, a backward of 1 or more, and 2 boxes or more"
        print(
            f"draw: expected {expected}, got {output}, {args.backward} and {args.max_boxes}", file=sys.stderr
        )
        return 2
    tape = Tape(backward_number=args.backward, max_bytes=0)
    code = run_script(tape, [str(args.script), *args.script_arguments], to_the_end=False)
    if not tape.forward:
        print(
            "draw: the script ran no operation of this engine, so there is nothing to draw", file=sys.stderr
        )
        return code or 1
    draw(tape, sizes=args.sizes, max_boxes=args.max_boxes).save(output)
    print(
        f"draw: {output} has the graph of {len(tape.forward)} operations. Open it in a browser.",
        file=sys.stderr,
    )
    return code
