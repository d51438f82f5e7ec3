"""Running sums and products along a dimension.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import cast, normalize_dim, raw, require_tensor
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.shape import flip


def exclusive_cumprod(x: Array, dim: int) -> Array:
    """Return 1, x_0, x_0 x_1, ...: the product of all elements before each. No division, so zeros do no harm."""
    if x.shape[dim] == 0:
        return x
    pieces = [array_module(raw(x)).ones_like(raw(element(x, dim, 0)))]
    for i in range(x.shape[dim] - 1):
        pieces.append(pieces[-1] * element(x, dim, i))
    return cat(pieces, dim)


def element(x: Array, dim: int, i: int) -> Array:
    """Return slice ``i`` along ``dim``, with size 1."""
    return x[(slice(None),) * dim + (slice(i, i + 1),)]


class Cumsum(Op):
    """y_i = x_0 + ... + x_i; so dL/dx_i = g_i + g_(i+1) + ..., the cumulative sum from the other end."""

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        return x.cumsum(dim)

    def backward(self, grad_output: Array) -> Array:
        return flip(cumsum(flip(grad_output, self.dim), self.dim), self.dim)


def cumsum(input: Array, dim: int, *, dtype: dtypes.dtype | None = None) -> Array:
    """Sum of all elements up to each, along ``dim``."""
    require_tensor("cumsum", input)
    if dtype is not None:
        input = cast(input, dtype.numpy_dtype)
    elif raw(input).dtype.kind in "bui":
        input = cast(input, np.int64)
    dim = normalize_dim("cumsum", dim, input.ndim)
    return Cumsum.apply(input, dim=dim) if input.ndim else input * 1


def cumprod(input: Array, dim: int) -> Array:
    """Product of all elements up to each, along ``dim``."""
    require_tensor("cumprod", input)
    if raw(input).dtype.kind in "bui":
        input = cast(input, np.int64)
    dim = normalize_dim("cumprod", dim, input.ndim)
    return exclusive_cumprod(input, dim) * input if input.ndim else input * 1
