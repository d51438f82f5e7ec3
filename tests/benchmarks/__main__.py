"""The benchmark's command line.

python -m tests.benchmarks [PROGRAM ...]       the programs, on PyTorch and on this engine
python -m tests.benchmarks peers               those that NumPy, autograd and tinygrad can run as well
python -m tests.benchmarks growth              time and memory against batch size, depth and graph size
python -m tests.benchmarks first-run           the first run of all, with nothing compiled
python -m tests.benchmarks kernels             each kernel against what one core could do at best
python -m tests.benchmarks write-docs JSON ... tables into docs/performance.md, picture into docs/images
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks import first_run
from tests.benchmarks.data import MNIST_FOLDER
from tests.benchmarks.documents import DOCUMENT, fill_in
from tests.benchmarks.growth import GROWTH, picture
from tests.benchmarks.programs import PROGRAMS
from tests.benchmarks.runner import (
    ENGINES,
    MALLOC_ENGINES,
    PEER_PROGRAM_NAMES,
    REPLAYED_ENGINE,
    alternate,
    check_same_losses,
    environment_for,
    machine,
    measure_peaks,
    peers_that_can_run,
    run_child,
    run_module,
)
from tests.benchmarks.tables import all_tables, merge

SPECIAL = ("peers", "growth", "first-run", "kernels", "write-docs")


def progress_bar(total: int) -> tqdm:
    """Return a progress bar that is silent where nobody watches: in a log it would be one long line."""
    return tqdm(total=total, unit="run", disable=not sys.stderr.isatty())


def run_programs(args: argparse.Namespace) -> dict:
    """Run the chosen programs on PyTorch and on this engine."""
    engines = {name: sys.executable for name in ENGINES if name not in MALLOC_ENGINES or args.same_malloc}
    programs = args.what or list(PROGRAMS)
    return {"runs": run_all("engines", programs, engines, args)}


def run_peers(args: argparse.Namespace) -> dict:
    """Run what the peers can run, on them, on PyTorch and on this engine."""
    peers = peers_that_can_run(args.peers_python)
    engines = {**peers, **dict.fromkeys(("torch", "tinygrad_edu", REPLAYED_ENGINE), sys.executable)}
    for program in PEER_PROGRAM_NAMES:
        check_same_losses(program, {**peers, "torch": sys.executable})
    return {"runs": run_all("peers", list(PEER_PROGRAM_NAMES), engines, args)}


def run_all(
    comparison: str, programs: list[str], engines: dict[str, str], args: argparse.Namespace
) -> list[dict]:
    """Run programs on engines, with every number of threads."""
    runs = []
    with progress_bar(len(programs) * len(args.threads) * args.rounds * len(engines)) as progress:
        for program in programs:
            for threads in args.threads:
                runs += alternate(comparison, program, threads, args.rounds, engines, progress)
    return runs


def run_growth(args: argparse.Namespace) -> dict:
    """Run the programs of growth at every size, in a process each, on both engines in turn."""
    points = []
    threads = min(args.threads)  # one, by default: how a cost grows is seen best without the noise of threads
    with progress_bar(2 * args.rounds * sum(len(growth.sizes) for growth in GROWTH.values())) as progress:
        for kind, growth in GROWTH.items():
            for size in growth.sizes:
                for engine in ("torch", "tinygrad_edu"):
                    progress.set_description(f"{kind} {size}, {engine}")
                    measured: list = []
                    for _ in range(args.rounds):
                        measured.append(run_child(f"{kind}:{size}", engine, threads))
                        progress.update()
                    points.append(
                        {
                            "kind": kind,
                            "size": size,
                            "engine": engine,
                            "threads": threads,
                            "ms": min(m["median"] for m in measured),
                            "memory": min(m["memory"] for m in measured),
                        }
                    )
    return {"growth": points}


def run_first(args: argparse.Namespace) -> dict:
    """Measure the first run of all."""
    return {"first_run": [first_run.measure(max(args.threads))]}


def run_kernels(args: argparse.Namespace) -> dict:
    """Measure every kernel, in a process of its own."""
    environment = environment_for(sys.executable, 1)
    measured = run_module(sys.executable, ["tests.benchmarks.kernels"], environment)
    return {"kernels": {"processor": machine()["processor"], **measured}}  # type: ignore[dict-item]


def write_docs(paths: list[str]) -> None:
    """Put the tables of recorded figures into the document, and the picture beside it."""
    record = merge([json.loads(Path(path).read_text()) for path in paths])
    DOCUMENT.write_text(fill_in(DOCUMENT.read_text(), all_tables(record)))
    if record["growth"]:
        picture(record["growth"], DOCUMENT.parent / "images" / "growth.png")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(PROGRAMS)}; or as above")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts (default: 1 2)")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each engine (default: 5)")
    parser.add_argument(
        "--same-malloc",
        action="store_true",
        help="also run each engine with malloc as the other one has it",
    )
    parser.add_argument(
        "--mnist", type=Path, metavar="DIR", help="folder of the full MNIST (default: the embedded digits)"
    )
    parser.add_argument(
        "--peers-python", default=sys.executable, metavar="PYTHON", help="the interpreter that has the peers"
    )
    parser.add_argument("--trial", action="store_true", help="mark the figures as not to be quoted")
    parser.add_argument("--out", type=Path, help="write NAME.json and NAME.md")
    args = parser.parse_args()
    special = [name for name in args.what if name in SPECIAL]
    unknown = [name for name in args.what if name not in PROGRAMS]
    if special and special[0] == args.what[0]:
        if len(args.what) > 1 and special[0] != "write-docs":
            parser.error(f"{special[0]}: expected nothing after it, got {args.what[1:]}")
    elif unknown:
        parser.error(f"expected programs of {', '.join(PROGRAMS)}, got {unknown[0]}")
    return args


def main() -> None:
    """Measure, print the tables, and keep the figures."""
    args = parse_arguments()
    if args.mnist is not None:
        os.environ[MNIST_FOLDER] = str(args.mnist.resolve())  # the children read it
    command = args.what[0] if args.what else ""
    if command == "write-docs":
        write_docs(args.what[1:])
        return
    runners = {"peers": run_peers, "growth": run_growth, "first-run": run_first, "kernels": run_kernels}
    record: dict = {"trial": args.trial}
    if command != "kernels":  # these have rates of their own, by the processor's time
        record |= {
            "machine": machine(args.peers_python),
            "peaks": measure_peaks(sorted({1, *args.threads})),
        }
    record |= runners.get(command, run_programs)(args)
    if args.out is not None:  # before anything can go wrong with the tables
        args.out.with_suffix(".json").write_text(json.dumps(record, indent=1))
    text = "\n\n".join(all_tables(record).values()) + "\n"
    print(text)
    if args.out is not None:
        args.out.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
