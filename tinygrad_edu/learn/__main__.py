"""The command line of the tools: ``python -m tinygrad_edu.learn <tool> ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tinygrad_edu.learn import debugger_config, draw_tool, explain_tool, kernels_tool, parity, roofline, step
from tinygrad_edu.learn.watching import command as watch

# Every tool has a first docstring line, add_arguments(parser), and run(args), which returns the exit code.
TOOLS = {
    "debugger-config": debugger_config,
    "draw": draw_tool,
    "explain": explain_tool,
    "kernels": kernels_tool,
    "parity": parity,
    "roofline": roofline,
    "step": step,
    "watch": watch,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run the tool, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_edu.learn", description=__doc__)
    tools = parser.add_subparsers(dest="tool", metavar="tool", required=True)
    for name, module in TOOLS.items():
        description = (module.__doc__ or "").strip()
        tool = tools.add_parser(name, help=description.splitlines()[0], description=description)
        module.add_arguments(tool)
    own, behind = split_at_dashes(sys.argv[1:] if arguments is None else arguments)
    args = parser.parse_args(own)
    if behind and not hasattr(args, "script"):
        parser.error(f"{args.tool} runs no script that could be given {' '.join(behind)}")
    args.script_arguments = behind
    return TOOLS[args.tool].run(args)


def split_at_dashes(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what stands before the first ``--``, and what stands behind it: that is for the script of the user."""
    own = list(arguments)
    place = own.index("--") if "--" in own else len(own)
    return own[:place], own[place + 1 :]


if __name__ == "__main__":
    sys.exit(main())
