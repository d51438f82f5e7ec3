"""What the tools that run a script of the user share: its arguments, the checks before it, and how it ends."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.autograd.observer import attach, detach
from tinygrad_edu.learn.recorder import Recorder
from tinygrad_edu.learn.tape import Tape


class Recorded(BaseException):
    """Stops the script when its backward has been recorded: no ``except Exception`` of the script catches it."""


def add_script(parser: argparse.ArgumentParser) -> None:
    """Add the script that is to be run."""
    parser.add_argument(
        "script", type=Path, help="the Python file to run; its own arguments stand at the end, after --"
    )


def add_backward_and_output(parser: argparse.ArgumentParser, what: str, suffix: str) -> None:
    """Add which backward of a script is wanted, and the file that is written of it."""
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
        help=f"{what} (default: the script's name with {suffix}, in this folder)",
    )


def is_file(tool: str, script: Path) -> bool:
    """Tell whether there is such a script; say so if not."""
    if not script.is_file():
        print(f"{tool}: expected a Python file, there is none at {script}", file=sys.stderr)
    return script.is_file()


def checked_output(tool: str, args: argparse.Namespace, suffix: str) -> Path | None:
    """Return where a tool writes, as an absolute path: the script may go to another folder; None if that is wrong."""
    output: Path = args.output or Path(args.script.stem + suffix)
    if not is_file(tool, args.script):
        return None
    if suffix == ".svg" and output.suffix.lower() != suffix:
        print(f"{tool}: expected a file name that ends in .svg, got {output}", file=sys.stderr)
        return None
    if not output.parent.is_dir() or output.is_dir():
        print(f"{tool}: expected a file name in a folder that exists, got {output}", file=sys.stderr)
        return None
    if args.backward < 1:
        print(f"{tool}: --backward counts from 1, got {args.backward}", file=sys.stderr)
        return None
    return output.absolute()


def run_script(arguments: list[str]) -> int:
    """Run a script on this engine, and return its exit code; say what ``sys.exit`` was given, as Python does."""
    from tinygrad_edu import run as program

    try:
        program.main(arguments)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


def record_script(tape: Tape, arguments: list[str], to_the_end: bool) -> int:
    """Run a script while a tape is written; return its exit code."""
    recorder = Recorder(tape, when_finished=None if to_the_end else stop)
    attach(recorder)
    try:
        return run_script(arguments)
    except Recorded:
        return 0
    finally:
        detach(recorder)
        recorder.close()


def stop() -> None:
    """Stop the script."""
    raise Recorded


def nothing_recorded(tool: str, code: int) -> int:
    """Say that a script has run nothing that a tool could show; return the exit code of the tool."""
    print(
        f"{tool}: the script ran no operation of this engine in its main thread, so there is nothing to show",
        file=sys.stderr,
    )
    return code or 1


def what_is_missing(tape: Tape) -> str:
    """Say which backward a script did not come to, or not to the end of."""
    wanted = tape.backward_number
    if tape.begun >= wanted:
        return f"backward number {wanted} did not come to its end"
    called = {0: "no backward", 1: "only one backward"}.get(tape.begun, f"only {tape.begun} backwards")
    return f"the script ran {called}" + (f", and none is number {wanted}" if wanted > 1 else "")
