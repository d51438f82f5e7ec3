"""What this machine can do at best: a matrix product on one core, and a plain copy. Prints one line of JSON.

It runs in a process of its own in which BLAS has one thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.benchmarks.floor import last_cache_bytes

MATRIX = 2048
CACHE_COPY = 256 << 10
"""Bytes that are copied within the cache: with their target, half of a common second-level cache."""
MEMORY_COPY = 256 << 20


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the shortest time of several."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def peak_gflops() -> float:
    """Return the rate of a large product of float32 matrices."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((MATRIX, MATRIX), dtype=np.float32)
    b = rng.standard_normal((MATRIX, MATRIX), dtype=np.float32)
    out = np.empty_like(a)

    def multiply() -> None:
        np.matmul(a, b, out=out)

    return 2 * MATRIX**3 / best_seconds(multiply, 8) / 1e9


def cache_rate() -> float:
    """Return the GB/s that are read and written in one pass within the cache, of vectors that are loaded and stored.

    Not by ``np.copyto``: the C library's copy is ten times slower on some processors, by where the arrays lie.
    """
    source = np.ones(CACHE_COPY // 4, np.float32)
    target = np.empty_like(source)

    def negate() -> None:
        np.negative(source, out=target)

    return 2 * CACHE_COPY / best_seconds(negate, 2000) / 1e9


def copy_rate(count: int, threads: int, repeats: int) -> float:
    """Return the GB/s that are read and written when so many bytes are copied, split over threads."""
    source, target = np.ones(count, np.uint8), np.zeros(count, np.uint8)
    parts = list(
        zip(np.array_split(source, threads), np.array_split(target, threads), strict=True)
    )  # np.copyto lets other threads run meanwhile

    with ThreadPoolExecutor(threads) as pool:

        def copy() -> None:
            if threads == 1:
                np.copyto(target, source)
            else:
                list(pool.map(lambda part: np.copyto(part[1], part[0]), parts))

        return 2 * count / best_seconds(copy, repeats) / 1e9


def peaks(threads: list[int]) -> dict[str, object]:
    """Return the rates: of one core, and for copies in memory with so many threads."""
    return {
        "gflops": peak_gflops(),
        "cache_bytes": last_cache_bytes(),
        "cache_copy": cache_rate(),
        "memory_copy": {str(count): copy_rate(MEMORY_COPY, count, 8) for count in threads},
    }


if __name__ == "__main__":
    print(json.dumps(peaks([int(count) for count in sys.argv[1:]])))
