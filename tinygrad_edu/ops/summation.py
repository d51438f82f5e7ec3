"""Adding up: one place for all sums over dimensions of arrays.

NumPy adds in pairs along the dimension that lies side by side in memory, so that errors grow with the logarithm of the
count; along any other it adds row after row, and ten million float32 numbers of one sign lose their third digit. Here
all of them are as good as pairs, and half precision is added up in float32 and rounded once.

References
----------
.. [1] N. J. Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14, 1993, section 3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_inexact
from tinygrad_edu_kernels.dtypes import FLOAT32

FEW = 64
"""So many numbers may be added one after the other: an error of at most 64 half units in the last place."""

LONG = 8192
"""So many products a kernel may add up; more of them are cut into halves, whose sums are added: pairs again."""


def sum_over(x: Array, dims: tuple[int, ...]) -> Array:
    """Return the sum over some dimensions, in the dtype of ``x``; they are counted from the front.

    Examples
    --------
    >>> import numpy
    >>> sum_over(numpy.full((1_048_576, 2), 0.1, "float32"), (0,)).round()  # 105892 by NumPy's own sum
    array([104858., 104858.], dtype=float32)
    """
    if isinstance(x, TensorBase):
        return x.sum(dims)  # which comes here again, with the array
    if x.dtype in HALF_DTYPES:
        return sum_over(x.astype(np.float32), dims).astype(x.dtype)
    if not is_inexact(x.dtype):
        return x.sum(dims, dtype=x.dtype)  # NumPy would choose a wider integer
    if not is_on_host(x) or is_added_in_pairs(x, dims):
        return x.sum(dims)  # on a GPU, hundreds of threads add, each a part, and then their sums
    for dim in sorted(dims, reverse=True):
        x = fold(x, dim).sum(dim)
    return x


def is_added_in_pairs(x: Array, dims: tuple[int, ...]) -> bool:
    """Tell whether NumPy's own sum is accurate: of few numbers, or of what lies side by side in memory."""
    counts = [x.shape[d] for d in dims]
    lies_together = x.flags.c_contiguous and sorted(dims) == list(range(x.ndim - len(dims), x.ndim))
    return math.prod(counts) <= FEW or lies_together


def fold(x: Array, dim: int) -> Array:
    """Add the second half of a dimension to the first one, again and again, until few entries are left."""
    rows = np.moveaxis(x, dim, 0)
    while len(rows) > FEW:
        half = len(rows) // 2
        folded = rows[:half] + rows[half : 2 * half]
        if len(rows) % 2:
            folded[0] += rows[-1]
        rows = folded
    return np.moveaxis(rows, 0, dim)


def add_at(index: Any, values: Array, shape: tuple[int, ...]) -> Array:
    """Return zeros of ``shape`` with values added at an index, where places may repeat.

    They are added one after the other: many of them, which may all go to one place, in float64.

    Examples
    --------
    >>> import numpy
    >>> add_at(numpy.array([2, 0, 2]), numpy.ones(3), (3,))
    array([1., 0., 2.])
    """
    xp, dtype = array_module(values), values.dtype
    if dtype == FLOAT32 or dtype in HALF_DTYPES:
        values = values.astype(np.float64 if values.size > LONG else np.float32, copy=False)
    result = xp.zeros(shape, values.dtype)
    xp.add.at(result, index, values)
    return result.astype(dtype, copy=False)


def wide(x: Any) -> Any:
    """Return an array or Tensor of half precision as float32, to compute with and round once; others as they are."""
    return x.astype(np.float32) if getattr(x, "dtype", None) in HALF_DTYPES else x
