"""Running sums and products along a dimension.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.common import as_summand, in_rows, normalize_dim, reject_bool, zeros_for
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.index import between
from tinygrad_edu.ops.shape.roll import Flip


class Cumsum(Op):
    """y_i = x_0 + ... + x_i; so dL/dx_i = g_i + g_(i+1) + ..., the cumulative sum from the other end."""

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        if is_inexact(x.dtype):  # a running sum in float32 would lose more and more digits
            return x.cumsum(dim, dtype=np.result_type(x.dtype, np.float64)).astype(x.dtype, order="C")
        return in_rows(x.cumsum(dim, dtype=x.dtype))  # NumPy would choose a wider integer

    def backward(self, grad_output: Array) -> Array:
        backwards = Flip.compute(grad_output, dims=(self.dim,))
        return Flip.compute(Cumsum.compute(backwards, dim=self.dim), dims=(self.dim,))


def cumsum(input: Tensor, dim: Any = None, *, dtype: dtypes.dtype | None = None, axis: Any = None) -> Tensor:
    """Sum of all elements up to each, along ``dim``; integers and booleans give int64.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    dim = dim if axis is None else axis
    input = as_summand("cumsum", input, dtype)
    reject_bool("cumsum", input)
    dim = normalize_dim("cumsum", dim, input.ndim)
    return Cumsum.apply(input, dim=dim) if input.ndim else input * 1


class Cumprod(Op):
    """y_i = x_0 x_1 ... x_i.

    dL/dx_k = sum over i >= k of g_i times the product of the others up to i = (x_0 ... x_(k-1)) s_k, where
    s_k = g_k + x_(k+1) s_(k+1). There is no division by x_k, so zeros do no harm.
    """

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        self.save_for_backward(x)
        return in_rows(x.cumprod(dim, dtype=x.dtype))

    def backward(self, grad_output: Array) -> Array:
        x = self.saved[0].conj()
        dim, n = self.dim, x.shape[self.dim]
        if n == 0:
            return grad_output
        sums = [between(grad_output, dim, n - 1, n)]  # s_(n-1), s_(n-2), ..., s_0
        for k in range(n - 2, -1, -1):
            sums.append(between(grad_output, dim, k, k + 1) + between(x, dim, k + 1, k + 2) * sums[-1])
        return exclusive_cumprod(x, dim) * array_module(x).concatenate(sums[::-1], dim)


def cumprod(input: Tensor, dim: Any = None, *, dtype: dtypes.dtype | None = None, axis: Any = None) -> Tensor:
    """Product of all elements up to each, along ``dim``; integers and booleans give int64.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cumprod(torch.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 2., 6.])
    """
    dim = dim if axis is None else axis
    input = as_summand("cumprod", input, dtype)
    reject_bool("cumprod", input)
    return _running_product(input, normalize_dim("cumprod", dim, input.ndim))


@rounded_once
def _running_product(input: Array, dim: int) -> Array:
    return Cumprod.apply(input, dim=dim) if input.ndim else input * 1


def exclusive_cumprod(x: Array, dim: int) -> Array:
    """Return 1, x_0, x_0 x_1, ...: the product of all elements before each."""
    xp, n = array_module(x), x.shape[dim]
    one = zeros_for(between(x, dim, 0, 1)) + 1
    return xp.concatenate([one, xp.cumprod(between(x, dim, 0, n - 1), dim)], dim) if n else x
