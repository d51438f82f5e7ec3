"""Show a family of kernels, rung beside rung, on a page: their times on this machine, and their text.

Of the convolution, the page also animates im2col and the product of matrices whose tile stays in registers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.learn.ladder import kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this tool."""
    parser.add_argument(
        "family",
        nargs="?",
        default="convolution",
        help="a family of kernels, such as pooling, or one of its kernels, such as max_pool2d (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the page; without it, only the times are printed"
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print the times, write the page, and return the exit code."""
    try:
        ladder = kernels(args.family)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if args.output is not None and not args.output.absolute().parent.is_dir():
        print(f"kernels: expected a file name in a folder that exists, got {args.output}", file=sys.stderr)
        return 2
    print(ladder)
    if args.output is not None:
        ladder.save(args.output)
        print(f"kernels: {args.output} has the page. Open it in a browser.", file=sys.stderr)
    return 0
