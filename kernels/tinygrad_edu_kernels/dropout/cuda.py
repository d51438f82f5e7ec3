"""Dropout on the GPU: the hash of the reference, bit for bit, one thread an element."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from tinygrad_edu_kernels.cuda_launch import array_module_of, launch
from tinygrad_edu_kernels.dropout.reference import drop_threshold, mix

Array = Any


def dropout(x: Array, p: float, seed: int) -> Array:
    """Zero elements with probability p as a hash of (seed, position) says, scale the rest by 1 / (1 - p)."""
    xp = array_module_of(x)
    y = xp.empty(x.shape, x.dtype)
    scale = x.dtype.type(0 if p == 1 else 1 / (1 - p))
    numbers = np.uint64(mix(seed)), np.uint64(drop_threshold(p)), scale
    launch(_dropout_kernel, x.size, xp.ascontiguousarray(x).reshape(-1), y.reshape(-1), *numbers)
    return y


@cuda.jit
def _dropout_kernel(x, y, start, threshold, scale):
    """Hash the position of each element; all the integers are unsigned and wrap around at 2^64."""
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        bits = start + np.uint64(i + 1) * np.uint64(0x9E37_79B9_7F4A_7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        bits = bits ^ (bits >> np.uint64(31))
        y[i] = x[i] * (scale if (bits >> np.uint64(11)) >= threshold else x.dtype.type(0))
