"""Products of matrices by BLAS, on all threads where that pays; small linear layers by the micro-kernel.

NumPy's BLAS is fast, and limited to one thread (``tinygrad_edu/process_settings.py``). A large product is cut
into parts for the threads of ``parallel.py``: NumPy lets go of the GIL while it multiplies.

BLAS is slower than it could be at the most frequent product of a small network: a batch of 64 or so samples
times a *transposed* weight. There the micro-kernel is a third faster, and starts its sums from the bias instead of
from zero.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import njit

from tinygrad_edu_kernels import parallel
from tinygrad_edu_kernels.micro_kernel import (
    LANES,
    PANEL,
    ROWS,
    aligned_empty,
    is_available,
    micro_kernel,
    pad,
    round_up,
    transpose,
)

Array = Any

NANOSECONDS = 0.015  # for a multiply-add, on one thread

# Where the micro-kernel is faster than BLAS: not for a handful of rows, nor when a panel of the weight, or all
# of the work, outgrows the cache.
LEAST_ROWS = 16
MOST_IN_FEATURES = 4096
MOST_MULTIPLY_ADDS = 100_000_000


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b: (*batch, m, k) @ (*batch, k, n) -> (*batch, m, n); see the reference."""
    if a.ndim < 2 or b.ndim < 2:
        return np.matmul(a, b)
    parts = parallel.parts(len(a), NANOSECONDS * a.size * b.shape[-1])
    same_batch = a.ndim > 2 and a.ndim == b.ndim and len(a) == len(b)
    if len(parts) == 1 or not (same_batch or b.ndim == 2):
        return np.matmul(a, b)
    if b.ndim == 2:
        out = np.empty((*a.shape[:-1], b.shape[1]), a.dtype)
        calls = [(a[first:last], b, out[first:last]) for first, last in parts]
    else:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        out = np.empty((*batch, a.shape[-2], b.shape[-1]), a.dtype)
        calls = [(a[first:last], b[first:last], out[first:last]) for first, last in parts]
    parallel.run(_multiply, calls)
    return out


def _multiply(a: Array, b: Array, out: Array) -> None:
    """NumPy's product, without warnings: every thread has settings of its own."""
    with np.errstate(all="ignore"):
        np.matmul(a, b, out=out)


def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return x W^T + b: (rows, in_features), (out_features, in_features) -> (rows, out_features)."""
    if _suits(x, weight):
        return _linear_by_tiles(np.ascontiguousarray(x), np.ascontiguousarray(weight), bias)
    y = matmul(x, weight.T)
    if bias is not None:
        y += bias
    return y


def _suits(x: Array, weight: Array) -> bool:
    """Tell whether the micro-kernel is the faster way."""
    return (
        is_available()
        and x.dtype == np.float32
        and len(x) >= LEAST_ROWS
        and len(weight) >= LANES
        and 0 < x.shape[1] <= MOST_IN_FEATURES
        and x.size * len(weight) <= MOST_MULTIPLY_ADDS
    )


def _linear_by_tiles(x: Array, weight: Array, bias: Array | None) -> Array:
    """x W^T + b, tile by tile; rows and columns that do not fill a tile are filled up, and cut off again."""
    rows, in_features = x.shape
    out_features = len(weight)
    padded = round_up(out_features, PANEL)
    transposed = aligned_empty((in_features, padded))
    transpose(weight, transposed)
    transposed[:, out_features:] = 0
    if bias is None or padded > out_features:
        shift = np.zeros(padded, x.dtype)
        shift[:out_features] = 0 if bias is None else bias
    else:
        shift = np.ascontiguousarray(bias)
    row_table, column_table = _tables(rows, in_features)
    y = np.empty((row_table.size, padded), x.dtype)
    arrays = x.reshape(-1), row_table, column_table, transposed, shift, y
    parts = parallel.parts(row_table.size // ROWS, NANOSECONDS * x.size * padded)
    parallel.run(_tiles, [(*arrays, first, last) for first, last in parts])
    return y if y.shape == (rows, out_features) else np.ascontiguousarray(y[:rows, :out_features])


@functools.lru_cache(maxsize=256)
def _tables(rows: int, in_features: int) -> tuple[Array, Array]:
    """Return where the rows of x begin, and where the columns lie in a row."""
    return pad(np.arange(rows) * in_features, ROWS), np.arange(in_features)


@njit(cache=True, error_model="numpy", nogil=True)
def _tiles(x, row_table, column_table, transposed, shift, y, first, last):
    """Rows of tiles first..last."""
    in_features, padded = transposed.shape
    weights, result = transposed.reshape(-1), y.reshape(-1)
    for o in range(0, padded, PANEL):
        for tile in range(first, last):
            row = tile * ROWS
            micro_kernel(
                x, row_table, row, column_table, in_features, weights, o, padded, shift, o, 0,
                result, row * padded + o,
            )  # fmt: skip
