"""The command: runs the databases, shows how far it is, prints what differs."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

from tests.torch_databases.databases import entry_name, module_db, op_db, optim_db
from tests.torch_databases.known import unexplained, write_page
from tests.torch_databases.modules import run_module
from tests.torch_databases.operators import Report, run_operator
from tests.torch_databases.optimizers import run_optimizer


def chosen_entries(names: list[str] | None) -> list[tuple]:
    """Return the runners and entries of all databases, or those that are named, with or without a variant."""
    everything = [(run_operator, entry) for entry in op_db]
    everything += [(run_module, entry) for entry in module_db]
    everything += [(run_optimizer, entry) for entry in optim_db]
    if names is None:
        return everything
    return [
        (run, entry)
        for run, entry in everything
        if entry_name(entry) in names or entry_name(entry).partition("[")[0] in names
    ]


def print_entry(report: Report, per_entry: int, everything: bool) -> None:
    """Print how one entry differs, if it does."""
    differences = report.differences if everything else unexplained(report)
    if differences:
        tqdm.write(
            f"{report.name}: {report.samples - report.equal} of {report.samples} samples differ, "
            f"{report.raised} of {report.error_inputs} errors raised"
        )
    for line in differences[:per_entry]:
        tqdm.write(f"    {line}")


def print_totals(reports: list[Report]) -> None:
    """Print what is missing, which entries are the worst, and the totals."""
    missing = [r.name for r in reports if not r.found]
    if missing:
        print("missing:", ", ".join(missing))
    variants = sorted({name for r in reports if r.found for name in r.missing_variants})
    if variants:
        print("missing methods:", ", ".join(variants))
    left = sorted([(len(unexplained(r)), r.name) for r in reports if unexplained(r)], reverse=True)
    if left:
        print("unexplained, the worst first:", ", ".join(f"{name} ({count})" for count, name in left))
    samples, equal = sum(r.samples for r in reports), sum(r.equal for r in reports)
    errors, raised = sum(r.error_inputs for r in reports), sum(r.raised for r in reports)
    print(f"entries   {len(reports) - len(missing):6d} found of {len(reports)}")
    print(f"samples   {equal:6d} equal of {samples} ({equal / max(samples, 1):.2%})")
    print(f"left out  {sum(r.left_out for r in reports):6d} samples, which need what only PyTorch has")
    print(f"errors    {raised:6d} raised of {errors} ({raised / max(errors, 1):.2%})")
    print(f"entries with differences that are not explained: {len(left)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torch_databases", description=__doc__)
    parser.add_argument("--names", help="entries, by commas: add,nn.functional.relu,nn.Linear,optim.SGD")
    parser.add_argument("--dtypes", help="float32,int64,...; all by default")
    parser.add_argument("--limit", type=int, help="at most so many samples of an entry in a dtype")
    parser.add_argument("--dtype-limit", type=int, help="in at most so many dtypes")
    parser.add_argument("--show", type=int, default=1, help="how many differences of an entry to print")
    parser.add_argument("--all", action="store_true", help="print differences that are explained, too")
    parser.add_argument(
        "--write-docs", action="store_true", help="write the known reasons into docs/, run nothing"
    )
    args = parser.parse_args()
    if args.write_docs:
        write_page()
        return 0
    entries = chosen_entries(args.names.split(",") if args.names else None)
    dtypes = args.dtypes.split(",") if args.dtypes else None
    reports = []
    with tqdm(entries, unit="entry", disable=not sys.stderr.isatty()) as progress:
        for run, entry in progress:
            progress.set_postfix_str(entry_name(entry))
            few = {"dtype_limit": args.dtype_limit} if run is run_operator else {}
            reports.append(run(entry, dtypes, args.limit, **few))
            print_entry(reports[-1], args.show, args.all)
    print_totals(reports)
    return int(any(unexplained(report) for report in reports))


if __name__ == "__main__":
    sys.exit(main())
