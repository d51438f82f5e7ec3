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

import functools
from typing import Any

import numpy as np
from numba import carray, njit

from tinygrad_edu_kernels import parallel, team
from tinygrad_edu_kernels.mailbox import address_of, floats_at, share
from tinygrad_edu_kernels.micro_kernel import LANES, PANEL, ROWS, is_available, micro_kernel, transpose

Array = Any

NANOSECONDS = 0.01  # for a multiply-add, on one thread
# Not for a handful of rows or columns, nor when a panel outgrows the cache.
LEAST_ROWS = 16
MOST_SUMMANDS = 4096
MOST_MULTIPLY_ADDS = 100_000_000

# A sum of sums is more accurate than one long sum, but each piece costs another pass over the tile.
SUMMANDS_AT_ONCE = 1024

PARTS_FOR_A_THREAD = 4  # so that a helper that comes late still finds some

NO_BIAS = np.empty(0, np.float32)


def suits(a: Array, columns: int) -> bool:
    """Tell whether ``product`` can make ``columns`` columns from the rows of a, and makes them quickly."""
    rows, summands = a.shape
    return (
        is_available()
        and a.dtype.char == "f"
        and rows >= LEAST_ROWS
        and columns >= LANES
        and 0 < summands <= MOST_SUMMANDS
        and rows * summands * columns <= MOST_MULTIPLY_ADDS
    )


def product(a: Array, b: Array, bias: Array | None, *, transposed: bool) -> Array:
    """Return a b + bias: (m, k), (k, n), (n,) -> (m, n); b is (n, k) if it is to be read transposed."""
    rows, summands = a.shape
    columns = len(b) if transposed else b.shape[1]
    flags = a.flags
    if not (flags.c_contiguous or flags.f_contiguous):
        a = np.ascontiguousarray(a)
    shift = NO_BIAS if bias is None else np.ascontiguousarray(bias)
    y = np.empty((rows, columns), a.dtype)
    arguments = a, np.ascontiguousarray(b), transposed, shift, y
    panels = -(-columns // PANEL)
    nanoseconds = NANOSECONDS * rows * summands * columns
    if team.is_worthwhile(nanoseconds):
        size = max(1, panels // (PARTS_FOR_A_THREAD * parallel.get_num_threads()))  # panels in a part
        team.run(_share_panels, _part(), -(-panels // size), *arguments, size)
    else:
        parallel.run_over(panels, nanoseconds, _panels, *arguments)
    return y


@functools.cache
def _part() -> Any:
    return team.part_function(_panels_part)


# ---- what is compiled ------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _share_panels(mailbox, function, parts, a, b, transposed, bias, y, size):
    """Put addresses and sizes into the mailbox, in the order in which ``_panels_part`` reads them."""
    arguments = (
        address_of(a), a.size, a.strides[0] // a.itemsize, a.strides[1] // a.itemsize,
        address_of(b), b.shape[0], b.shape[1], int(transposed),
        address_of(bias), bias.size, address_of(y), y.shape[0], y.shape[1], size,
    )  # fmt: skip
    share(mailbox, function, parts, arguments)


def _panels_part(arguments, part):
    """Do one part: ``size`` panels."""
    given = carray(arguments, (14,))
    a = carray(floats_at(given[0]), (given[1],))
    b = carray(floats_at(given[4]), (given[5], given[6]))
    bias = carray(floats_at(given[8]), (given[9],))
    y = carray(floats_at(given[10]), (given[11], given[12]))
    size = given[13]
    last = min((part + 1) * size, -(-y.shape[1] // PANEL))
    _panels_of(a, given[2], given[3], b, given[7] == 1, bias, y, part * size, last)


@njit(cache=True, error_model="numpy", nogil=True)
def _panels(a, b, transposed, bias, y, first, last):
    """Columns first * PANEL .. last * PANEL of y; a may lie in memory row by row or column by column."""
    flat = carray(floats_at(address_of(a)), (a.size,))
    row_step, column_step = a.strides[0] // a.itemsize, a.strides[1] // a.itemsize
    _panels_of(flat, row_step, column_step, b, transposed, bias, y, first, last)


@njit(cache=True, error_model="numpy", nogil=True)
def _panels_of(a, row_step, column_step, b, transposed, bias, y, first, last):
    """Do the same for a flat a, of which element (i, k) is a[i * row_step + k * column_step]."""
    rows, columns = y.shape
    summands = b.shape[1] if transposed else b.shape[0]
    # What the last tile has too many of is the last row once more.
    row_starts = _table(rows + ROWS, rows - 1, row_step)
    column_places = _table(summands, summands, column_step)
    memory = np.empty(summands * PANEL + LANES, a.dtype)
    begin = -(memory.ctypes.data // memory.itemsize) % LANES  # no vector shall lie across two cache lines
    panel = memory[begin : begin + summands * PANEL].reshape(summands, PANEL)
    shift = np.zeros(PANEL, a.dtype)
    for start in range(first * PANEL, last * PANEL, PANEL):
        width = min(PANEL, columns - start)
        if width < PANEL:
            memory[:] = 0  # what is beyond the width is multiplied, too: nothing that would make it slow
        if transposed:
            transpose(b[start : start + width], panel)
        else:
            _copy_block(b, 0, start, panel, 0, 0, summands, width)
        for j in range(bias.size and width):
            shift[j] = bias[start + j]
        _rows_times_panel(a, row_starts, column_places, panel, shift, y, start, width)


@njit(cache=True, error_model="numpy", nogil=True)
def _rows_times_panel(a, row_starts, column_places, panel, shift, y, start, width):
    """y[:, start : start + width] = a panel + shift; what a tile has beyond y is left out."""
    rows, columns = y.shape
    summands = column_places.size
    flat_panel, flat_y = panel.reshape(-1), y.reshape(-1)
    initial = shift
    tile = np.empty((ROWS, PANEL), a.dtype)
    for k in range(0, summands, SUMMANDS_AT_ONCE):
        places = column_places[k : k + SUMMANDS_AT_ONCE]
        for row in range(0, rows, ROWS):
            height = min(ROWS, rows - row)
            if k == 0 and width == PANEL and height == ROWS:  # straight into y
                micro_kernel(
                    a, row_starts, row, places, places.size, flat_panel, 0, PANEL, initial, 0, 0,
                    flat_y, row * columns + start, columns,
                )  # fmt: skip
                continue
            micro_kernel(
                a, row_starts, row, places, places.size, flat_panel, k * PANEL, PANEL, initial, 0, 0,
                tile.reshape(-1), 0, PANEL,
            )  # fmt: skip
            if k == 0:
                _copy_block(tile, 0, 0, y, row, start, height, width)
            else:
                _add_block(tile, y, row, start, height, width)
        initial = np.zeros(PANEL, a.dtype)


# Loops, where NumPy would write x[...] = y[...]: Numba takes two seconds longer to compile that.


@njit(cache=True, error_model="numpy", nogil=True)
def _table(size, last, step):
    """Return step times 0, 1, 2 ... last, last, last ..."""
    table = np.empty(size, np.int64)
    for i in range(size):
        table[i] = min(i, last) * step
    return table


@njit(cache=True, error_model="numpy", nogil=True)
def _copy_block(source, row, column, target, target_row, target_column, height, width):
    """target[target_row + i, target_column + j] = source[row + i, column + j] for i < height, j < width."""
    for i in range(height):
        line = source[row + i, column : column + width]
        target_line = target[target_row + i, target_column : target_column + width]
        for j in range(width):
            target_line[j] = line[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _add_block(source, target, target_row, target_column, height, width):
    """target[target_row + i, target_column + j] += source[i, j] for i < height, j < width."""
    for i in range(height):
        line = source[i, :width]
        target_line = target[target_row + i, target_column : target_column + width]
        for j in range(width):
            target_line[j] += line[j]
