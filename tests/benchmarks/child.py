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

AT_MOST_SECONDS = 10.0
"""A program that is slower than expected stops after so long, when a few steps have been timed."""
LEAST_STEPS = 4

STARTED = "BENCHMARK_STARTED"
SAME_MALLOC = "BENCHMARK_SAME_MALLOC"
REPLAYED = "BENCHMARK_REPLAYED"


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
    if os.environ.get(REPLAYED):
        scope["step"] = scope["torch"].compile(scope["step"], fullgraph=True)  # type: ignore[attr-defined]
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
        repeat(step, max(program.steps // 10, 3), at_most=AT_MOST_SECONDS / 5)
        times = repeat(step, program.steps, at_least=AT_LEAST_SECONDS if ":" in name else 0.0)
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


def repeat(step: object, count: int, at_least: float = 0.0, at_most: float = AT_MOST_SECONDS) -> list[float]:
    """Call ``step`` so many times, within the limits in seconds, and return the milliseconds of each."""
    begin = time.perf_counter()
    times: list[float] = []
    while True:
        seconds = time.perf_counter() - begin
        is_enough = len(times) >= count and seconds >= at_least
        if is_enough or (len(times) >= LEAST_STEPS and seconds >= at_most):
            return times
        times.append(timed(step))


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
