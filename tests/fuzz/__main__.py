"""Wrong calls of every public name.

python -m tests.fuzz --calls 14400 --seed 0            a summary and the worst offenders
python -m tests.fuzz --calls 500 --names Conv,pool     of names that contain one of these
python -m tests.fuzz --calls 500 --list raw            every call with this fault
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from tests.fuzz.report import faults, offenders, said, summary
from tests.fuzz.runner import run_all, wrong_calls


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="how many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", default="", help="parts of names, separated by commas")
    parser.add_argument(
        "--list", default="", help="also print each call with this fault: raw, nameless, returned ..."
    )
    parser.add_argument("--json", type=Path, help="write all calls and outcomes there")
    args = parser.parse_args()
    calls = wrong_calls(args.calls, args.seed, [name for name in args.names.split(",") if name])
    with tqdm(total=len(calls), unit="call", disable=not sys.stderr.isatty()) as bar:
        results = run_all(calls, bar.update)
    print(summary(results))
    print(offenders(results))
    for result in results:
        if args.list and any(fault.startswith(args.list) for fault in faults(result)):
            print(f"{result.call.wrong}\n    {result.here.place}\n    {said(result)}")
    if args.json:
        rows = [[*vars(r.call).values(), *vars(r.here).values(), r.there] for r in results]
        args.json.write_text(json.dumps(rows, indent=0))


if __name__ == "__main__":
    main()
