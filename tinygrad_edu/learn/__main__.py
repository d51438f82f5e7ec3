"""The command line of the tools: ``python -m tinygrad_edu.learn <tool> ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tinygrad_edu.learn import parity, roofline

# Every tool has a first docstring line, add_arguments(parser), and run(args), which returns the exit code.
TOOLS = {"parity": parity, "roofline": roofline}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run the tool, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_edu.learn", description=__doc__)
    tools = parser.add_subparsers(dest="tool", metavar="tool", required=True)
    for name, module in TOOLS.items():
        description = (module.__doc__ or "").strip()
        tool = tools.add_parser(name, help=description.splitlines()[0], description=description)
        module.add_arguments(tool)
    args = parser.parse_args(arguments)
    return TOOLS[args.tool].run(args)


if __name__ == "__main__":
    sys.exit(main())
