"""Say what is wrong with a training that ``learn.watch`` has written down, and draw it.

python -m tinygrad_edu.learn watch run.jsonl                 what is wrong, in words
python -m tinygrad_edu.learn watch run.jsonl -o run.png      and the picture (PNG, SVG, PDF, HTML; the extra viz)
python -m tinygrad_edu.learn watch run.jsonl --tensorboard runs/first   for TensorBoard (the extra tensorboard)
"""

from __future__ import annotations

import argparse
import sys

from tinygrad_edu.learn.watching.findings import findings, report
from tinygrad_edu.learn.watching.records import read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the tool takes."""
    parser.add_argument("file", help="what learn.watch(model, optimizer, file=...) has written")
    parser.add_argument("-o", "--output", help="where to draw the picture")
    parser.add_argument("--tensorboard", metavar="FOLDER", help="where to write event files")


def run(args: argparse.Namespace) -> int:
    """Print what is wrong; return 1 if anything is, 2 if there is no such file, else 0."""
    try:
        head, records = read(args.file)
    except (OSError, ValueError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    print(report(head, records))
    if args.output:
        from tinygrad_edu.learn.watching.picture import draw

        draw(head, records, args.output)
        print(f"The picture is in {args.output}.")
    if args.tensorboard:
        from tinygrad_edu.learn.watching.events import write_events

        write_events(head, records, args.tensorboard)
        print(f"The event files are in {args.tensorboard}.")
    return 1 if findings(head, records) else 0
