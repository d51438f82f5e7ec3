"""Replay a forward and a backward of your own script, step by step, on a page that opens in a browser.

The script runs as it is, with the arguments that stand behind -- at the end, until the backward that is asked for
has been recorded; there it is stopped, unless --whole-script is given. What it imports as torch is this engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.learn.scripts import (
    add_backward_and_output,
    add_script,
    checked_output,
    nothing_recorded,
    record_script,
    what_is_missing,
)
from tinygrad_edu.learn.stepper.page import stepper_page
from tinygrad_edu.learn.tape import Tape


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this tool."""
    add_script(parser)
    add_backward_and_output(parser, "the page", ".html")
    parser.add_argument("--whole-script", action="store_true", help="let the script run on to its end")


def run(args: argparse.Namespace) -> int:
    """Run the script, write the page, and return the exit code."""
    output = checked_output("step", args, ".html")
    if output is None:
        return 2
    tape = Tape(backward_number=args.backward)
    code = record_script(tape, [str(args.script), *args.script_arguments], args.whole_script)
    if not tape.forward:
        return nothing_recorded("step", code)
    output.write_text(stepper_page(tape, args.script.name), encoding="utf-8")
    print(outcome(tape, output), file=sys.stderr)
    return code


def outcome(tape: Tape, output: Path) -> str:
    """Say what has been written, and what is missing."""
    size = output.stat().st_size
    written = f"{output} ({size / 1e6:.1f} MB)" if size >= 1e6 else f"{output} ({size / 1e3:.0f} kB)"
    count = len(tape.forward)
    steps = f"{count} step{'' if count == 1 else 's'} forward, {len(tape.backward)} backward"
    if not tape.finished:
        return f"step: {what_is_missing(tape)}; {written} has what ran: {steps}"
    return f"step: backward number {tape.backward_number} is in {written}: {steps}. Open it in a browser."
