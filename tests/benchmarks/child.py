"""One process of a benchmark: runs one program on one engine and prints one line of JSON.

    python -m tests.benchmarks.child PROGRAM PACKAGE THREADS [STEPS]

With STEPS it prints what the first steps returned (losses), to compare engines, and times nothing.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time

from tests.benchmarks.growth import AT_LEAST_SECONDS
from tests.benchmarks.malloc import keep_large_blocks
from tests.benchmarks.programs import body, find, header

STARTED = "BENCHMARK_STARTED"
SAME_MALLOC = "BENCHMARK_SAME_MALLOC"


def prepare(name: str, package: str, threads: int) -> tuple[dict[str, object], float]:
    """Import the engine and set the program up; return its names, and the peak of memory after the import."""
    if os.environ.get(SAME_MALLOC):
        keep_large_blocks()
    scope: dict[str, object] = {}
    exec(compile(header(package), f"<header of {package}>", "exec"), scope)
    if package == "torch":
        scope["torch"].set_num_threads(threads)  # type: ignore[attr-defined]
    imported = peak_mib()
    exec(compile(body(name, package), f"<{name} on {package}>", "exec"), scope)
    return scope, imported


def peak_mib() -> float:
    """Return the most memory that this process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024  # bytes there, KiB elsewhere


def measure(name: str, package: str, threads: int) -> dict[str, float]:
    """Run a program and return what was measured, in milliseconds and MiB."""
    started = float(os.environ[STARTED])
    program = find(name)
    scope, imported = prepare(name, package, threads)
    step = scope["step"]
    times = [timed(step)]
    first = (time.time() - started) * 1e3
    if not program.whole:
        for _ in range(max(program.steps // 10, 3)):
            step()  # type: ignore[operator]
        times = []
        enough = time.perf_counter() + (AT_LEAST_SECONDS if ":" in name else 0)
        while len(times) < program.steps or time.perf_counter() < enough:
            times.append(timed(step))
    if name == "first":
        times = [first]
    peak = peak_mib()
    return {
        "median": statistics.median(times),
        "min": min(times),
        "first": first,
        "peak": peak,
        "memory": peak - imported,
    }


def timed(step: object) -> float:
    """Call ``step`` and return how many milliseconds it took."""
    begin = time.perf_counter()
    step()  # type: ignore[operator]
    return (time.perf_counter() - begin) * 1e3


def first_losses(name: str, package: str, threads: int, steps: int) -> list[float]:
    """Return what the first steps of a program returned."""
    step = prepare(name, package, threads)[0]["step"]
    return [float(step().item()) for _ in range(steps)]  # type: ignore[operator]


if __name__ == "__main__":
    chosen, on_package, thread_count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if len(sys.argv) > 4:
        print(json.dumps(first_losses(chosen, on_package, thread_count, int(sys.argv[4]))))
    else:
        print(json.dumps(measure(chosen, on_package, thread_count)))
