"""Run your script with errors that explain themselves: which line, which operands, where the graph was cut.

The script runs as it is, with the arguments that stand behind -- at the end. Lines are noted while it runs, so that
an error can name them, and tracebacks show your frames alone. What it imports as torch is this engine.
"""

from __future__ import annotations

import argparse
import contextlib

from tinygrad_edu.learn.anomaly import detect_anomaly
from tinygrad_edu.learn.explaining import explain
from tinygrad_edu.learn.scripts import add_script, is_file, run_script
from tinygrad_edu.learn.tracebacks import short_tracebacks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this tool."""
    add_script(parser)
    parser.add_argument("--anomaly", action="store_true", help="stop at the first NaN or Inf, and report it")
    parser.add_argument("--full-tracebacks", action="store_true", help="show the frames of the engine, too")


def run(args: argparse.Namespace) -> int:
    """Run the script and return its exit code."""
    if not is_file("explain", args.script):
        return 2
    with contextlib.ExitStack() as stack:
        stack.enter_context(short_tracebacks(not args.full_tracebacks))
        stack.enter_context(explain())
        if args.anomaly:
            stack.enter_context(detect_anomaly())
        return run_script([str(args.script), *args.script_arguments])
