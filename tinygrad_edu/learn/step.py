"""Replay a forward and a backward of your own script, step by step, on a page that opens in a browser.

The script runs as it is, with the arguments that stand behind -- at the end, until the backward that is asked for
has been recorded; there it is stopped, unless --whole-script is given. What it imports as torch is this engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.autograd.observer import attach, detach
from tinygrad_edu.learn.recorder import Recorder
from tinygrad_edu.learn.stepper.page import stepper_page
from tinygrad_edu.learn.tape import Tape


class Recorded(BaseException):
    """Stops the script when its backward has been recorded: no ``except Exception`` of the script catches it."""


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
        help="which backward of the script is shown (default: the first)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the page (default: the script's name with .html, in this folder)",
    )
    parser.add_argument("--whole-script", action="store_true", help="let the script run on to its end")


def run(args: argparse.Namespace) -> int:
    """Run the script, write the page, and return the exit code."""
    output = args.output or Path(args.script.stem + ".html")
    if not args.script.is_file():
        print(f"step: expected a Python file, there is none at {args.script}", file=sys.stderr)
        return 2
    if not output.parent.is_dir() or output.is_dir():
        print(f"step: expected a file name in a folder that exists, got {output}", file=sys.stderr)
        return 2
    if args.backward < 1:
        print(f"step: --backward counts from 1, got {args.backward}", file=sys.stderr)
        return 2
    output = output.absolute()  # the script may go to another folder
    tape = Tape(backward_number=args.backward)
    code = run_script(tape, [str(args.script), *args.script_arguments], args.whole_script)
    if not tape.forward:
        print(
            "step: the script ran no operation of this engine, so there is nothing to show", file=sys.stderr
        )
        return code or 1
    output.write_text(stepper_page(tape, args.script.name), encoding="utf-8")
    print(outcome(tape, output), file=sys.stderr)
    return code


def run_script(tape: Tape, arguments: list[str], to_the_end: bool) -> int:
    """Run a script on this engine while a tape is written; return its exit code."""
    from tinygrad_edu import run as program

    recorder = Recorder(tape, when_finished=None if to_the_end else stop)
    attach(recorder)
    try:
        program.main(arguments)
    except Recorded:
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        detach(recorder)
        recorder.close()
    return 0


def stop() -> None:
    """Stop the script."""
    raise Recorded


def outcome(tape: Tape, output: Path) -> str:
    """Say what has been written, and what is missing."""
    size = output.stat().st_size
    written = f"{output} ({size / 1e6:.1f} MB)" if size >= 1e6 else f"{output} ({size / 1e3:.0f} kB)"
    count = len(tape.forward)
    steps = f"{count} step{'' if count == 1 else 's'} forward, {len(tape.backward)} backward"
    if not tape.finished:
        return f"step: backward number {tape.backward_number} never came to its end; {written} has what ran: {steps}"
    return f"step: backward number {tape.backward_number} is in {written}: {steps}. Open it in a browser."
