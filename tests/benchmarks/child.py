"""One process of a benchmark: runs one program on one engine and prints one line of JSON."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time


def use_threads(engine: str, threads: int) -> None:
    """Limit an engine to so many threads; the environment has done the rest."""
    if engine == "torch":
        import torch

        torch.set_num_threads(threads)


def measure(name: str, engine: str, threads: int, program: str, steps: int) -> dict[str, object]:
    """Run a program and return what was measured, in milliseconds and MiB."""
    started = float(os.environ["BENCHMARK_STARTED"])
    use_threads(engine, threads)
    scope: dict[str, object] = {}
    exec(compile(program, f"<{name} on {engine}>", "exec"), scope)
    step = scope["step"]
    step()  # type: ignore[operator]
    first = (time.time() - started) * 1e3
    times = []
    if name != "first":
        for _ in range(max(steps // 10, 3)):
            step()  # type: ignore[operator]
        for _ in range(steps):
            begin = time.perf_counter()
            step()  # type: ignore[operator]
            times.append((time.perf_counter() - begin) * 1e3)
    times = times or [first]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"median": statistics.median(times), "min": min(times), "first": first, "peak": peak}


if __name__ == "__main__":
    from tests.benchmarks.programs import PROGRAMS, source

    chosen, on_engine, thread_count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(
        json.dumps(measure(chosen, on_engine, thread_count, source(chosen, on_engine), PROGRAMS[chosen][2]))
    )
