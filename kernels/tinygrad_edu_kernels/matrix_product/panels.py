"""Products of matrices by the micro-kernel, panel by panel, on several threads.

    y = a b + bias

A *panel* is PANEL columns of b, or PANEL rows of it if b is to be read transposed. It is copied together, so that it
stays in the cache while it meets all rows of a. No copy is made of a: element (i, k) is ``a[i * row_step + k *
column_step]``, so a transposed matrix is as good as any other.

See ``micro_kernel.py`` for the inner loop. Everything this cannot do (float64, other processors) goes by BLAS, which
also is what the tests compare this file with.

References
----------
Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34 (3), 2008.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dtypes import FLOAT32
from tinygrad_edu_kernels.kernel_cache import inlined, njit
from tinygrad_edu_kernels.micro_kernel import (
    LANES,
    PANEL,
    ROWS,
    aligned_rows,
    fill_with_zeros,
    is_available,
    micro_kernel,
    transpose,
)

Array = Any

NANOSECONDS = 0.01  # for a multiply-add, on one thread
# Not for a handful of rows or columns, nor when a panel outgrows the cache.
LEAST_ROWS = 16
MOST_SUMMANDS = 4096
MOST_MULTIPLY_ADDS = 100_000_000

# A sum of sums is more accurate than one long sum, but each piece costs another pass over the tile.
SUMMANDS_AT_ONCE = 1024

# A product a b^T of so many rows is made as b a^T, turned round: then a, not b, is what has to be transposed. It fills
# one panel or two; with more of them, b would be read too often. Not if several threads share the work: each would read
# all of b, and an optimizer that then writes to a weight has to take it away from all their caches.
TURNED_ROWS = (PANEL, 2 * PANEL)

NO_BIAS = np.empty(0, FLOAT32)


def suits(a: Array, columns: int) -> bool:
    """Tell whether ``product`` can make ``columns`` columns from the rows of a, and makes them quickly."""
    rows, summands = a.shape
    return (
        columns >= LANES
        and rows >= LEAST_ROWS
        and a.dtype == FLOAT32
        and is_available()
        and 0 < summands <= MOST_SUMMANDS
        and rows * summands * columns <= MOST_MULTIPLY_ADDS
    )


def product(a: Array, b: Array, bias: Array | None, *, transposed: bool) -> Array:
    """Return a b + bias: (m, k), (k, n), (n,) -> (m, n); b is (n, k) if it is to be read transposed."""
    rows, summands = a.shape
    columns = len(b) if transposed else b.shape[1]
    nanoseconds = NANOSECONDS * rows * summands * columns
    if transposed and not threads.is_worthwhile(nanoseconds) and rows in TURNED_ROWS and rows < columns:
        return _turned_product(a, b, bias)
    row_by_row = a.flags.c_contiguous
    if not (row_by_row or a.flags.f_contiguous):
        a, row_by_row = np.ascontiguousarray(a), True
    steps = (summands, 1) if row_by_row else (1, rows)
    shift = NO_BIAS if bias is None else np.ascontiguousarray(bias)
    y = np.empty((rows, columns), FLOAT32)
    flat = (a if row_by_row else a.T).reshape(-1)
    arguments = flat, *steps, np.ascontiguousarray(b), transposed, shift, y
    panels = -(-columns // PANEL)
    threads.run_over(panels, nanoseconds, _panels, *arguments)
    return y


def _turned_product(a: Array, b: Array, bias: Array | None) -> Array:
    """Return a b^T + bias by way of b a^T, where the smaller one of both is transposed."""
    turned = product(b, a, None, transposed=True)
    y = np.empty((len(a), len(b)), FLOAT32)
    threads.call(_turn_round, turned, NO_BIAS if bias is None else np.ascontiguousarray(bias), y)
    return y


# ---- what is compiled ------------------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _turn_round(turned, bias, y):
    """y = turned^T + bias."""
    transpose(turned, y)
    if bias.size:
        add_to_rows(y, bias)


@njit(cache=True, error_model="numpy", nogil=True)
def add_to_rows(y, bias):
    """y += bias."""
    for i in range(len(y)):
        line = y[i]
        for j in range(line.size):
            line[j] += bias[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _panels(a, row_step, column_step, b, transposed, bias, y, first, last):
    """Columns first * PANEL .. last * PANEL of y; element (i, k) of a is a[i * row_step + k * column_step]."""
    rows, columns = y.shape
    summands = b.shape[1] if transposed else b.shape[0]
    # What the last tile has too many of is the last row once more.
    row_starts = _table(rows + ROWS, rows - 1, row_step)
    column_places = _table(summands, summands, column_step)
    panel = aligned_rows(a, summands, PANEL)
    shift = np.zeros(PANEL, a.dtype)
    for start in range(first * PANEL, last * PANEL, PANEL):
        width = min(PANEL, columns - start)
        if width < PANEL:
            # What is beyond the width is multiplied, too: nothing that would be slow.
            fill_with_zeros(panel)
        if transposed:
            transpose(b[start : start + width], panel)
        else:
            _copy_columns(b, start, width, panel)
        of_panel = bias[
            start : start + width
        ]  # a slice, for then no index is negative; empty if there is no bias
        for j in range(of_panel.size):
            shift[j] = of_panel[j]
        _rows_times_panel(a, row_starts, column_places, panel, shift, y, start, width)


@inlined
def _rows_times_panel(a, row_starts, column_places, panel, shift, y, start, width):
    """y[:, start : start + width] = a panel + shift; what a tile has beyond y is left out."""
    rows, columns = y.shape
    summands = column_places.size
    initial = shift
    tile = np.empty((ROWS, PANEL), a.dtype)
    for k in range(0, summands, SUMMANDS_AT_ONCE):
        places = column_places[k : k + SUMMANDS_AT_ONCE]
        for row in range(0, rows, ROWS):
            height = min(ROWS, rows - row)
            is_direct = k == 0 and width == PANEL and height == ROWS  # straight into y
            target = y if is_direct else tile
            micro_kernel(
                a, row_starts, row, places, places.size, panel, k * PANEL, PANEL, initial, 0, 0,
                target, row * columns + start if is_direct else 0, columns if is_direct else PANEL,
            )  # fmt: skip
            if not is_direct:
                _store_tile(tile, y, row, start, height, width, k > 0)
        initial = np.zeros(PANEL, a.dtype)


# Loops, where NumPy would write x[...] = y[...]: Numba takes two seconds longer to compile that.


@inlined
def _table(size, last, step):
    """Return step times 0, 1, 2 ... last, last, last ..."""
    table = np.empty(size, np.int64)
    for i in range(size):
        table[i] = min(i, last) * step
    return table


@inlined
def _copy_columns(matrix, start, count, target):
    """target[:, :count] = matrix[:, start : start + count]."""
    for i in range(len(matrix)):
        line, target_line = matrix[i, start : start + count], target[i, :count]
        for j in range(count):
            target_line[j] = line[j]


@inlined
def _store_tile(tile, y, row, start, height, width, is_sum):
    """Write, or add, the tile's first rows and columns to those of y from (row, start) on."""
    for i in range(height):
        line, target_line = tile[i, :width], y[row + i, start : start + width]
        for j in range(width):
            target_line[j] = target_line[j] + line[j] if is_sum else line[j]
