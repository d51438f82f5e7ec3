"""Reductions: many elements become one.

``dim`` may be one dimension, several, or None for all; ``keepdim`` keeps the reduced ones with size 1.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

import builtins
import math
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_inexact
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import (
    as_summand,
    broadcast,
    cast,
    in_rows,
    normalize_dim,
    normalize_dims,
    raw,
    require_tensor,
    to_dtype,
)
from tinygrad_edu.ops.half import in_float32, rounded_once
from tinygrad_edu.ops.reduce.scan import exclusive_cumprod
from tinygrad_edu.ops.shape.layout import reshape
from tinygrad_edu.ops.summation import sum_over, wide

Dims: TypeAlias = "int | tuple[int, ...] | list[int] | None"


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape in which the reduced dimensions have size 1."""
    return tuple([1 if i in dims else size for i, size in enumerate(shape)])


def restore_dims(reduced: Array, dims: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Put the reduced dimensions back, with size 1, so that the result broadcasts against ``shape``."""
    return reduced.reshape(kept_shape(shape, dims))


def average(x: Array, dims: tuple[int, ...]) -> Array:
    """Return the mean over some dimensions, which stay with size 1."""
    return restore_dims(sum_over(x, dims) / count(x.shape, dims), dims, x.shape)


def count(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    """Return how many elements a reduction over ``dims`` brings together."""
    return math.prod(shape[d] for d in dims)


class Sum(Op):
    """y = sum_i x_i; dy/dx_i = 1."""

    def forward(self, x: Array, *, dims: tuple[int, ...], keepdim: bool) -> Array:
        self.shape, self.kept_shape = x.shape, kept_shape(x.shape, dims)
        y = in_rows(sum_over(x, dims))
        return y.reshape(self.kept_shape) if keepdim else y

    def backward(self, grad_output: Array) -> Array:
        grad = grad_output.reshape(self.kept_shape)
        return broadcast(grad, self.shape)


def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Sum of the elements; the derivative of each is 1.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int or tuple of int, optional
        Over which dimensions; all by default.
    keepdim : bool
        Keep them, with size 1.
    dtype : torch.dtype, optional
        In which the sum is taken; by default the input's, but int64 for integers and booleans.

    Returns
    -------
    Tensor
        The input's shape without the dimensions; the sum of nothing is 0.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sum.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sum(torch.ones(2, 3), dim=1)
    tensor([3., 3.])
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_bools("sum", keepdim=keepdim)
    input = as_summand("sum", input, dtype)
    return Sum.apply(input, dims=normalize_dims("sum", dim, input.ndim), keepdim=keepdim)


class Mean(Op):
    """y = (1/n) sum_i x_i; dy/dx_i = 1/n."""

    def forward(self, x: Array, *, dims: tuple[int, ...], keepdim: bool) -> Array:
        self.shape, self.kept_shape = x.shape, kept_shape(x.shape, dims)
        self.n = count(x.shape, dims)
        y = (sum_over(wide(x), dims) / self.n).astype(x.dtype, order="C")
        return y.reshape(self.kept_shape) if keepdim else y

    def backward(self, grad_output: Array) -> Array:
        grad = grad_output.reshape(self.kept_shape) / builtins.max(self.n, 1)
        return broadcast(grad, self.shape)


def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Mean of the elements of a floating-point tensor; the derivative of each is 1 / n.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int or tuple of int, optional
        Over which dimensions; all by default.
    keepdim : bool
        Keep them, with size 1.
    dtype : torch.dtype, optional
        To turn the input into first.

    Returns
    -------
    Tensor
        The input's shape without the dimensions; the mean of nothing is NaN.

    Raises
    ------
    RuntimeError
        If the numbers are not floating-point.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.mean.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.mean(torch.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_tensor("mean", input)
    require_bools("mean", keepdim=keepdim)
    if dtype is not None:
        input = to_dtype("mean", input, dtype)
    if not is_inexact(raw(input).dtype):
        got = dtypes.from_numpy_dtype(raw(input).dtype)
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
            f"dtype. Got: {got}"
        )
    if raw(input).dtype in HALF_DTYPES:  # for the gradient, 1 / n, too
        return in_float32(mean, input, dim, keepdim)
    return Mean.apply(input, dims=normalize_dims("mean", dim, input.ndim), keepdim=keepdim)


class Prod(Op):
    """y = prod_i x_i; dy/dx_i = prod of the others."""

    def forward(self, x: Array, *, dim: int, keepdim: bool) -> Array:
        self.dim = dim
        self.save_for_backward(x)
        return in_rows(x.prod(dim, dtype=x.dtype, keepdims=keepdim))

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        xp = array_module(x)
        before = exclusive_cumprod(x, self.dim)
        after = xp.flip(exclusive_cumprod(xp.flip(x, self.dim), self.dim), self.dim)
        return restore_dims(grad_output, (self.dim,), x.shape) * (before * after).conj()


def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Product of the elements; the derivative of each is the product of the others.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int, optional
        Over which dimension; all by default.
    keepdim : bool
        Keep it, with size 1.
    dtype : torch.dtype, optional
        In which the product is taken; by default the input's, but int64 for integers and booleans.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.prod.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.prod(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([3., 8.])
    """
    if this_thread.mode.autocast:
        return under_autocast(prod, input, dim, keepdim, dtype=dtype, axis=axis, keepdims=keepdims)
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_bools("prod", keepdim=keepdim)
    input = as_summand("prod", input, dtype)
    if dim is not None:
        dim = normalize_dim("prod", dim, input.ndim)
    return _product(input, dim, keepdim)


@rounded_once
def _product(input: Array, dim: int | None, keepdim: bool) -> Array:
    if dim is None or input.ndim == 0:
        return Prod.apply(reshape(input, (-1,)), dim=0, keepdim=False)
    return Prod.apply(input, dim=dim, keepdim=keepdim)


class Reduction(Op):
    """A reduction to integers or booleans, which has no gradient: argmax, argmin, any, all."""

    def forward(self, x: Array, *, method: str, axis: Any, keepdims: bool) -> Array:
        return array_module(x).asarray(getattr(x, method)(axis=axis, keepdims=keepdims), order="C")


def any(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Whether at least one element is True (or not 0), over one, several or all dimensions."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _truth("any", input, dim, keepdim)


def all(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Whether all elements are True (or not 0), over one, several or all dimensions."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _truth("all", input, dim, keepdim)


def _truth(name: str, input: Array, dim: Dims, keepdim: bool) -> Array:
    require_tensor(name, input)
    require_bools(name, keepdim=keepdim)
    if isinstance(dim, list | tuple) and not dim:  # no dimension, unlike in sums: every element by itself
        result = input != 0
    else:
        dims = normalize_dims(name, dim, input.ndim)
        result = Reduction.apply(input, method=name, axis=dims, keepdims=keepdim)
    return cast(result, np.uint8) if raw(input).dtype == np.uint8 else result  # as in PyTorch


def count_nonzero(input: Tensor, dim: Dims = None, *, axis: Any = None) -> Tensor:
    """How many elements are not 0."""
    dim = dim if axis is None else axis
    require_tensor("count_nonzero", input)
    return Sum.apply(
        cast(input != 0, np.int64), dims=normalize_dims("count_nonzero", dim, input.ndim), keepdim=False
    )
