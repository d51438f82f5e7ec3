"""Dropout, compiled: the hash of the reference, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

from tinygrad_edu_kernels.dropout.reference import drop_threshold, mix

Array = Any

# With fewer elements than this, one thread is done before a second has woken up.
PARALLEL_ELEMENTS = 200_000


def dropout(x: Array, p: float, seed: int) -> Array:
    """Zero elements with probability p as a hash of (seed, position) says, scale the rest by 1 / (1 - p)."""
    y = np.empty(x.shape, x.dtype)
    flat = np.ascontiguousarray(x).reshape(-1)
    scale = x.dtype.type(0 if p == 1 else 1 / (1 - p))
    numbers = np.uint64(mix(seed)), np.uint64(drop_threshold(p)), scale
    chunks = get_num_threads() if x.size >= PARALLEL_ELEMENTS else 1
    if chunks == 1:
        _dropout_range(flat, y.reshape(-1), *numbers, 0, x.size)
    else:
        _dropout_parallel(flat, y.reshape(-1), *numbers, chunks)
    return y


@njit(cache=True, error_model="numpy")
def _dropout_range(x, y, start, threshold, scale, first, last):
    """Elements first..last; all the integers are unsigned and wrap around at 2^64."""
    for i in range(first, last):
        bits = start + np.uint64(i + 1) * np.uint64(0x9E37_79B9_7F4A_7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        bits = bits ^ (bits >> np.uint64(31))
        y[i] = x[i] * (scale if (bits >> np.uint64(11)) >= threshold else x.dtype.type(0))


@njit(cache=True, error_model="numpy", parallel=True)
def _dropout_parallel(x, y, start, threshold, scale, chunks):
    n = x.size
    for chunk in prange(chunks):
        _dropout_range(x, y, start, threshold, scale, chunk * n // chunks, (chunk + 1) * n // chunks)
