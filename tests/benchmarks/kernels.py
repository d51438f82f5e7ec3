"""How far each kernel of the CPU is from what the processor could do, on one thread. Prints one line of JSON.

It runs in a process of its own, and measures the time that the processor has worked for it: what else runs on the
machine disturbs that least. The least of many times counts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np

import tinygrad_edu as torch
from tests.benchmarks.kernel_calls import calls
from tests.benchmarks.peaks import CACHE_COPY, MATRIX, MEMORY_COPY

ROUNDS = 7
ROUND_SECONDS = 0.01
"""A round is as many calls as take about so long."""


def least_seconds(work: Callable[[], object]) -> float:
    """Return the shortest processor time of a call, in the best of some rounds."""
    work()
    times = [_of_calls(work, 1) for _ in range(3)]
    count = max(1, int(ROUND_SECONDS / max(min(times), 1e-9)))
    return min(_of_calls(work, count) for _ in range(ROUNDS))


def _of_calls(work: Callable[[], object], count: int) -> float:
    begin = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - begin) / count


def rates(dtype: str) -> dict[str, float]:
    """Return what the processor can do at best with numbers of a dtype: multiply-adds and bytes, in 1e9 a second."""
    a, b = np.ones((2, MATRIX // 2, MATRIX // 2), dtype)
    out = np.empty_like(a)
    small, large = np.ones((2, CACHE_COPY), np.uint8), np.ones((2, MEMORY_COPY // 2), np.uint8)
    return {
        "operations": len(a) ** 3 / least_seconds(lambda: np.matmul(a, b, out=out)) / 1e9,
        "cache": 2 * small.shape[1] / least_seconds(lambda: np.copyto(small[0], small[1])) / 1e9,
        "memory": 2 * large.shape[1] / least_seconds(lambda: np.copyto(large[0], large[1])) / 1e9,
    }


def measured(dtype: str, where: str) -> list[dict[str, object]]:
    """Return family, kernel, what, dtype, where, seconds, billions of bytes and of operations of every call."""
    size = np.dtype(dtype).itemsize / 1e9
    return [
        {
            "family": call.family,
            "kernel": call.kernel,
            "what": call.what,
            "dtype": dtype,
            "where": where,
            "seconds": least_seconds(call.function),
            "bytes": size * call.moved,
            "operations": call.operations / 1e9,
        }
        for call in calls(dtype, where)
    ]


def record() -> dict[str, object]:
    """Measure everything."""
    torch.set_num_threads(1)
    found = [
        row
        for dtype, where in (("float32", "cache"), ("float32", "memory"), ("float64", "cache"))
        for row in measured(dtype, where)
    ]
    return {"rates": {dtype: rates(dtype) for dtype in ("float32", "float64")}, "rows": found}


if __name__ == "__main__":
    json.dump(record(), sys.stdout)
