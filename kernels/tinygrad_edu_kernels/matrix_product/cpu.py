"""Products of matrices by BLAS, on all threads where that pays; small linear layers by the micro-kernel.

NumPy's BLAS is fast, and limited to one thread (``tinygrad_edu/process_settings.py``). A large product is cut
into parts for the threads of ``parallel.py``: NumPy lets go of the GIL while it multiplies.

BLAS is slower than it could be at the most frequent product of a small network: a batch of 64 or so samples
times a *transposed* weight. There the micro-kernel takes 0.6 of the time, and starts its sums from the bias
instead of from zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tinygrad_edu_kernels import parallel
from tinygrad_edu_kernels.micro_kernel import (
    LANES,
    PANEL,
    ROWS,
    is_available,
    micro_kernel,
    transpose,
)

Array = Any

NANOSECONDS = 0.011  # for a multiply-add, on one thread

# Where the micro-kernel is faster than BLAS: not for a handful of rows, nor when a panel of the weight, or all
# of the work, outgrows the cache.
LEAST_ROWS = 16
MOST_IN_FEATURES = 4096
MOST_MULTIPLY_ADDS = 100_000_000

NO_BIAS = np.empty(0, np.float32)


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b: (*batch, m, k) @ (*batch, k, n) -> (*batch, m, n); see the reference."""
    if a.ndim < 2 or b.ndim < 2:
        return np.matmul(a, b)
    parts = parallel.parts(len(a), NANOSECONDS * a.size * b.shape[-1])
    if len(parts) == 1:
        return np.matmul(a, b)
    same_batch = a.ndim > 2 and a.ndim == b.ndim and len(a) == len(b)
    if not (same_batch or b.ndim == 2):
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
    if not _suits(x, weight):
        y = matmul(x, weight.T)
        if bias is not None:
            y += bias
        return y
    y = np.empty((len(x), len(weight)), x.dtype)
    arrays = np.ascontiguousarray(x), np.ascontiguousarray(weight), NO_BIAS if bias is None else bias, y
    parts = parallel.parts(-(-len(weight) // PANEL), NANOSECONDS * x.size * len(weight))
    parallel.run(_linear_panels, [(*arrays, first, last) for first, last in parts])
    return y


def _suits(x: Array, weight: Array) -> bool:
    """Tell whether the micro-kernel is the faster way."""
    rows, in_features = x.shape
    out_features = len(weight)
    return (
        is_available()
        and x.dtype.char == "f"
        and rows >= LEAST_ROWS
        and out_features >= LANES
        and 0 < in_features <= MOST_IN_FEATURES
        and rows * in_features * out_features <= MOST_MULTIPLY_ADDS
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _linear_panels(x, weight, bias, y, first, last):
    """Work out columns first * PANEL .. last * PANEL of y, panel by panel.

    A panel of the weight is transposed once, stays in the cache, and meets all rows of x.
    """
    in_features = x.shape[1]
    memory = np.empty(in_features * PANEL + LANES, x.dtype)
    begin = -(memory.ctypes.data // memory.itemsize) % LANES  # no vector shall lie across two cache lines
    panel = memory[begin : begin + in_features * PANEL].reshape(in_features, PANEL)
    shift = np.zeros(PANEL, x.dtype)
    for start in range(first * PANEL, last * PANEL, PANEL):
        width = min(PANEL, len(weight) - start)
        transpose(weight[start : start + width], panel)
        panel[:, width:] = 0
        if bias.size:
            shift[:width] = bias[start : start + width]
        _rows_times_panel(x, panel, shift, y, start, width)


@njit(cache=True, error_model="numpy", nogil=True)
def _rows_times_panel(x, panel, shift, y, start, width):
    """y[:, start : start + width] = x panel + shift; a tile that goes beyond y is cut off."""
    rows, in_features = x.shape
    out_features = y.shape[1]
    columns = np.arange(in_features)
    # Where the rows begin; those that the last tile has too many of are the last row once more.
    row_starts = np.minimum(np.arange(rows + ROWS), rows - 1) * in_features
    flat_x, flat_panel, flat_y = x.reshape(-1), panel.reshape(-1), y.reshape(-1)
    tile = np.empty((ROWS, PANEL), x.dtype)
    for row in range(0, rows, ROWS):
        height = min(ROWS, rows - row)
        if width == PANEL and height == ROWS:
            micro_kernel(
                flat_x, row_starts, row, columns, in_features, flat_panel, 0, PANEL, shift, 0, 0,
                flat_y, row * out_features + start, out_features,
            )  # fmt: skip
        else:
            micro_kernel(
                flat_x, row_starts, row, columns, in_features, flat_panel, 0, PANEL, shift, 0, 0,
                tile.reshape(-1), 0, PANEL,
            )  # fmt: skip
            y[row : row + height, start : start + width] = tile[:height, :width]
