"""The product of a step: some rows times a matrix that is the same in every step.

    result = rows matrix

The matrix is packed once a call: PANEL columns of it lie together, so that the micro-kernel reads them one after the
other in every step, from the cache. Rows and columns are filled up to whole tiles; what the result has too many of is
not looked at. Everything that the micro-kernel cannot do (float64, other processors) goes by a plain loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from tinygrad_edu_kernels.dtypes import FLOAT32
from tinygrad_edu_kernels.micro_kernel import (
    PANEL,
    ROWS,
    aligned_rows,
    aligned_zeros,
    is_available,
    micro_kernel,
)

Array = Any


def packed(matrix: Array) -> Array:
    """Return a matrix (k, n) as ``times_packed`` takes it: (panels, k, columns of a panel), filled up with zeros."""
    k, n = matrix.shape
    if matrix.dtype != FLOAT32 or not is_available():
        return np.ascontiguousarray(matrix).reshape(1, k, n)
    result = aligned_zeros((-(-n // PANEL), k, PANEL))
    whole = n // PANEL
    result[:whole] = matrix[:, : whole * PANEL].reshape(k, whole, PANEL).swapaxes(0, 1)
    if n % PANEL:
        result[whole, :, : n % PANEL] = matrix[:, whole * PANEL :]
    return result


def padded(bias: Array | None, matrix: Array) -> Array:
    """Return a vector, or zeros, as long as the rows of a product with this packed matrix."""
    panels, _, width = matrix.shape
    result = np.zeros(panels * width, matrix.dtype)
    if bias is not None:
        result[: len(bias)] = bias
    return result


def times_packed(a: Array, start: int, count: int, matrix: Array, bias: Array, result: Array) -> None:
    """result[:count] = a[start : start + count] matrix + bias, with a packed matrix; result is ``space_for`` it."""
    result[:count] = a[start : start + count] @ matrix[0] + bias


@overload(times_packed)
def _choose_times_packed(a, start, count, matrix, bias, result):
    def by_tiles(a, start, count, matrix, bias, result):
        _by_tiles(a, start, count, matrix, bias, result)

    def by_loops(a, start, count, matrix, bias, result):
        _by_loops(a, start, count, matrix[0], bias, result)

    return by_tiles if a.dtype == types.float32 and is_available() else by_loops


@njit(cache=True, error_model="numpy", nogil=True)
def space_for(rows, matrix):
    """Return memory for the product of so many rows with a packed matrix."""
    height = (rows + ROWS - 1) // ROWS * ROWS if ROWS > 0 else rows
    return aligned_rows(matrix, height, matrix.shape[0] * matrix.shape[2])


@njit(cache=True, error_model="numpy", nogil=True)
def _by_tiles(a, start, count, matrix, bias, result):
    panels, summands, _ = matrix.shape
    width = result.shape[1]
    # What the last tile has too many of is the last row once more.
    rows = np.empty(len(result), np.int64)
    for i in range(rows.size):
        rows[i] = (start + min(i, count - 1)) * summands
    places = np.arange(summands)
    flat_a, flat_matrix, flat_result = a.reshape(-1), matrix.reshape(-1), result.reshape(-1)
    for panel in range(panels):
        for row in range(0, count, ROWS):
            micro_kernel(
                flat_a, rows, row, places, summands, flat_matrix, panel * summands * PANEL, PANEL,
                bias, panel * PANEL, 0, flat_result, row * width + panel * PANEL, width,
            )  # fmt: skip


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _by_loops(a, start, count, matrix, bias, result):
    for i in range(count):
        line, numbers = result[i], a[start + i]
        for j in range(line.size):
            line[j] = bias[j]
        for k in range(numbers.size):
            factor, weights = numbers[k], matrix[k]
            for j in range(line.size):
                line[j] += factor * weights[j]
