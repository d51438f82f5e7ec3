"""Dropout, compiled: the hash of the reference, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dropout.reference import drop_threshold, mix
from tinygrad_edu_kernels.kernel_cache import njit

Array = Any

NANOSECONDS = 1.0  # for an element, on one thread


def dropout(x: Array, p: float, seed: int) -> Array:
    """Zero elements with probability p as a hash of (seed, position) says, scale the rest by 1 / (1 - p)."""
    y = np.empty(x.shape, x.dtype)
    arrays = np.ascontiguousarray(x).reshape(-1), y.reshape(-1)
    scale = x.dtype.type(0 if p == 1 else 1 / (1 - p))
    numbers = np.uint64(mix(seed)), np.uint64(drop_threshold(p)), scale
    threads.run_over(x.size, NANOSECONDS * x.size, _dropout_range, *arrays, *numbers)
    return y


@njit(cache=True, error_model="numpy", nogil=True)
def _dropout_range(x, y, start, threshold, scale, first, last):
    """Elements first..last; all the integers are unsigned and wrap around at 2^64."""
    # A slice, for then Numba knows that no index is negative, and can vectorise the loop.
    x_part, y_part = x[first:last], y[first:last]
    for i in range(x_part.size):
        bits = start + np.uint64(first + i + 1) * np.uint64(0x9E37_79B9_7F4A_7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        bits = bits ^ (bits >> np.uint64(31))
        y_part[i] = x_part[i] * (scale if (bits >> np.uint64(11)) >= threshold else x.dtype.type(0))
