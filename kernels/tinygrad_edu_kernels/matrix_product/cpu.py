"""Products of matrices: by BLAS, or by the micro-kernel where that is faster.

NumPy's BLAS is fast, and limited to one thread (``tinygrad_edu/process_settings.py``). Two kinds of products are better
off in ``panels.py``: a batch of 64 or so samples times a *transposed* weight, where BLAS is slower than it could be;
and what takes long enough to be shared with threads that are awake. The large products that remain are cut into parts
for a pool of Python's threads: NumPy lets go of the GIL while it multiplies.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES
from tinygrad_edu_kernels.matrix_product import panels

Array = Any


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b: (*batch, m, k) @ (*batch, k, n) -> (*batch, m, n); see the reference."""
    shape, other_shape = a.shape, b.shape
    if len(shape) < 2 or len(other_shape) < 2:
        return np.matmul(a, b)
    nanoseconds = panels.NANOSECONDS * math.prod(shape) * other_shape[-1]
    if len(shape) == 2 == len(other_shape):
        if threads.is_small(nanoseconds):
            return threads.call(np.dot, a, b)  # begins sooner than matmul
        if threads.is_worthwhile(nanoseconds) and panels.suits(a, other_shape[1]):
            transposed = not b.flags.c_contiguous and b.flags.f_contiguous
            return panels.product(a, b.T if transposed else b, None, transposed=transposed)
    return _in_parts(a, b, threads.parts(len(a), nanoseconds))


def _in_parts(a: Array, b: Array, parts: list[tuple[int, int]]) -> Array:
    """Return a @ b, with the rows of a, or its first dimension, in parts that threads share."""
    if len(parts) == 1:
        return threads.call(np.matmul, a, b)
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
    threads.run(_multiply, calls)
    return out


def _multiply(a: Array, b: Array, out: Array) -> None:
    """NumPy's product, without warnings: every thread has settings of its own."""
    with np.errstate(all="ignore"):
        np.matmul(a, b, out=out)


def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return x W^T + b: (rows, in_features), (out_features, in_features) -> (rows, out_features)."""
    if panels.suits(x, len(weight)):
        return panels.product(x, weight, bias, transposed=True)
    y = matmul(x, weight.T)
    if bias is not None:
        if y.dtype in COMPILED_DTYPES:
            threads.call(panels.add_to_rows, y, np.ascontiguousarray(bias))  # begins sooner than y += bias
        else:
            y += bias
    return y


def linear_weight_gradient(grad_output: Array, x: Array) -> Array:
    """Return grad_output^T x: (rows, out_features), (rows, in_features) -> (out_features, in_features)."""
    return matmul(grad_output.T, x)
