"""Run your script with errors that explain themselves: which line, which operands, where the graph was cut.

The script runs as it is, with the arguments that stand behind -- at the end. Lines are noted while it runs, so that
an error can name them, and tracebacks show your frames alone. What it imports as torch is this engine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from tinygrad_edu.learn.anomaly import detect_anomaly
from tinygrad_edu.learn.explaining import explain
from tinygrad_edu.learn.tracebacks import short_tracebacks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this tool."""
    parser.add_argument(
        "script", type=Path, help="the Python file to run; its own arguments stand at the end, after --"
    )
    parser.add_argument("--anomaly", action="store_true", help="stop at the first NaN or Inf, and report it")
    parser.add_argument("--full-tracebacks", action="store_true", help="show the frames of the engine, too")


def run(args: argparse.Namespace) -> int:
    """Run the script and return its exit code."""
    if not args.script.is_file():
        print(f"explain: expected a Python file, there is none at {args.script}", file=sys.stderr)
        return 2
    from tinygrad_edu import run as program

    with contextlib.ExitStack() as stack:
        stack.enter_context(short_tracebacks(not args.full_tracebacks))
        stack.enter_context(explain())
        if args.anomaly:
            stack.enter_context(detect_anomaly())
        try:
            program.main([str(args.script), *args.script_arguments])
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
