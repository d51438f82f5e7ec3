"""Compare two devices, operation by operation: results, gradients, and time.

python -m tinygrad_edu.learn parity --device gpu writes a table, parity.md, parity.json and parity.png. Exit code:
0 if all is within its tolerance, 1 if not, 2 if there is no such device, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tinygrad_edu.learn.parity_compare import TOLERANCES, Engine, NoSuchEngine, Row, compare
from tinygrad_edu.learn.parity_output import Report, as_markdown, as_table, write_json
from tinygrad_edu.learn.parity_picture import draw
from tinygrad_edu.learn.parity_programs import PROGRAMS
from tinygrad_edu.learn.parity_recipe import SIZES
from tinygrad_edu.learn.parity_recipes import OPERATIONS

RECIPES: Sequence[Any] = [*OPERATIONS, *PROGRAMS]
SECONDS = 0.02  # to time one call on one engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    engines = "cpu, gpu, cuda:<index>, or cpu-reference (plain Python loops in place of compiled kernels)"
    parser.add_argument("--device", default="gpu", help=f"what to test: {engines} (default: gpu)")
    parser.add_argument("--against", default="cpu", help="what is taken to be right (default: cpu)")
    parser.add_argument(
        "--out", type=Path, default=Path("parity_report"), metavar="DIR", help="where to write"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes only, and no times")
    parser.add_argument("--ops", nargs="+", metavar="NAME", help="only these, such as conv2d nn.Linear")
    parser.add_argument("--no-picture", action="store_true", help="write no parity.png")


def run(args: argparse.Namespace) -> int:
    """Make the report, print and write it, and return the exit code."""
    try:
        engines = [Engine(args.device), Engine(args.against)]
        recipes = chosen_recipes(args.ops)
    except (NoSuchEngine, ValueError) as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2
    report = make_report(recipes, engines, quick=args.quick)
    print(as_table(report))
    write(report, args.out, picture=not args.no_picture)
    if report.is_partial:
        return 130
    return 1 if report.failures else 0


def chosen_recipes(names: Sequence[str] | None) -> Sequence[Any]:
    """Return the recipes with these names; all for None.

    Raises
    ------
    ValueError
        If there is none of such a name.
    """
    known = {recipe.name for recipe in RECIPES}
    for name in names or []:
        if name not in known:
            raise ValueError(f"--ops: there is no {name!r}; there are {', '.join(sorted(known))}")
    return [recipe for recipe in RECIPES if names is None or recipe.name in names]


def make_report(recipes: Sequence[Any], engines: list[Engine], *, quick: bool = False) -> Report:
    """Run recipes on two engines, with a progress bar; Ctrl-C leaves a report of what has been run.

    Parameters
    ----------
    recipes : sequence of recipes
        What to run; :data:`RECIPES` is everything.
    engines : list of two Engine
        The device, and what it is compared with.
    quick : bool
        Run small sizes only, and take no times.

    Examples
    --------
    >>> cpu = Engine("cpu")
    >>> report = make_report(chosen_recipes(["exp"]), [cpu, cpu], quick=True)
    >>> [(row.name, row.dtype, row.verdict, row.forward.absolute) for row in report.rows]
    [('exp', 'float32', 'PASS', 0.0), ('exp', 'float64', 'PASS', 0.0)]
    """
    # Plain loops would take hours for a typical size.
    only_small = quick or any(engine.is_reference for engine in engines)
    sizes = SIZES[:1] if only_small else SIZES
    tasks = list(itertools.product(recipes, sizes, TOLERANCES))
    report = Report([engine.describe() for engine in engines], len(tasks))
    try:
        with tqdm(tasks, desc="parity", unit="row", delay=1, dynamic_ncols=True) as progress:
            for recipe, size, dtype in progress:
                progress.set_postfix_str(f"{recipe.name}, {size}", refresh=False)
                row = compare(recipe, size, dtype, engines, 0 if quick else SECONDS)
                report.rows.append(row)
                say_failure(row)
    except KeyboardInterrupt:
        report.is_partial = True
    return report


def say_failure(row: Row) -> None:
    """Print at once, above the progress bar, what is not as it should be."""
    if row.verdict != "PASS":
        tqdm.write(f"{row.verdict}: {row.name}, {row.size}, {row.dtype}: {row.message}", file=sys.stderr)


def write(report: Report, folder: Path, *, picture: bool = True) -> None:
    """Write the report's files, and say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parity.md").write_text(as_markdown(report), encoding="utf-8")
    write_json(report, folder / "parity.json")
    written = ["parity.md", "parity.json"]
    if picture and report.rows:
        try:
            draw(report, folder / "parity.png")
            written.append("parity.png")
        except ImportError as error:
            print(f"no picture: {error} (python -m pip install matplotlib)", file=sys.stderr)
    print(f"written to {folder}: {', '.join(written)}")
