"""The benchmark's command line: alternate processes, compare, write a table."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks.programs import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("torch", "tinygrad_edu")
GLIBC_TUNABLES = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=2147483648"


def run_child(program: str, engine: str, threads: int, same_malloc: bool) -> dict[str, float]:
    """Run one program in a process of its own."""
    environment = dict(os.environ)
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = str(threads)
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # would choose kernels for another processor
        environment.pop(variable, None)
    if same_malloc:
        environment["GLIBC_TUNABLES"] = GLIBC_TUNABLES
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    environment["BENCHMARK_STARTED"] = repr(time.time())
    command = [sys.executable, "-m", "tests.benchmarks.child", program, engine, str(threads)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} on {engine} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(program: str, threads: int, rounds: int, same_malloc: bool, progress: tqdm) -> dict[str, object]:
    """Run a program on both engines in turn, and return medians, minima and ratios."""
    runs: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
    for _ in range(rounds):
        for engine in ENGINES:
            runs[engine].append(run_child(program, engine, threads, same_malloc))
            progress.update()
    result: dict[str, object] = {"program": program, "threads": threads}
    for engine in ENGINES:
        result[engine] = {
            "median": statistics.median(run["median"] for run in runs[engine]),
            "min": min(run["min"] for run in runs[engine]),
            "peak": statistics.median(run["peak"] for run in runs[engine]),
        }
    pairs = list(zip(runs["tinygrad_edu"], runs["torch"], strict=True))
    result["ratio"] = statistics.median(ours["median"] / theirs["median"] for ours, theirs in pairs)
    result["ratio_of_minima"] = result["tinygrad_edu"]["min"] / result["torch"]["min"]  # type: ignore[index]
    result["memory_ratio"] = statistics.median(ours["peak"] / theirs["peak"] for ours, theirs in pairs)
    return result


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":")[1].strip() if lines else model
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "numba", "scipy", "torch")}
    return {"processor": model, "cores": str(os.cpu_count()), "python": platform.python_version(), **versions}


def table(results: list[dict], about: dict[str, str]) -> str:
    """Return the results as Markdown."""
    lines = [
        ", ".join(f"{name} {value}" for name, value in about.items()),
        "",
        "| program | threads | PyTorch, ms | ours, ms | ratio | ratio of minima | peak memory, ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {PROGRAMS[r['program']][0]} | {r['threads']} | {r['torch']['median']:.3g} | "
            f"{r['tinygrad_edu']['median']:.3g} | **{r['ratio']:.2f}** | {r['ratio_of_minima']:.2f} | "
            f"{r['memory_ratio']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the chosen programs and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("programs", nargs="*", choices=[*PROGRAMS, []], help="which programs (default: all)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts (default: 1 2)")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each engine (default: 5)")
    parser.add_argument(
        "--same-malloc", action="store_true", help="give both engines glibc's large-block settings"
    )
    parser.add_argument("--out", type=Path, help="write NAME.json and NAME.md")
    args = parser.parse_args()
    programs = args.programs or list(PROGRAMS)
    results = []
    with tqdm(total=len(programs) * len(args.threads) * args.rounds * 2, unit="run") as progress:
        for program in programs:
            for threads in args.threads:
                progress.set_description(f"{program}, {threads} threads")
                results.append(compare(program, threads, args.rounds, args.same_malloc, progress))
    text = table(results, machine())
    print(text)
    if args.out is not None:
        args.out.with_suffix(".json").write_text(
            json.dumps({"machine": machine(), "results": results}, indent=1)
        )
        args.out.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    main()
