"""Values put together with what is there, at places that may repeat: by sum, product, mean, largest or smallest.

``scatter_reduce`` has a place for every value, ``index_reduce`` one for every slice; the arithmetic is the same.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_reduce_.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import require_bools, wrong_type
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.numpy_dtypes import INEXACT_KINDS, is_inexact
from tinygrad_edu.ops.common import (
    cast,
    check_positions,
    check_vector,
    normalize_dim,
    raw,
    reject_complex,
    require_dtype_of,
    require_tensors,
    zeros_for,
)
from tinygrad_edu.ops.elementwise.division import div
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.gather import along, at_least_1d, scatter_source
from tinygrad_edu.ops.indexing.index import GetItems, SetItem, index_put_zeros, private_index
from tinygrad_edu.ops.shape.layout import clone, reshape
from tinygrad_edu.ops.summation import add_at
from tinygrad_edu.scalars import limits


def combine_at(function: str, x: Array, values: Array, place: Any) -> Array:
    """Return a copy of ``x`` in which the values are put together, by a function of NumPy, with what is there.

    CuPy has no ``multiply.at``, and a ``maximum.at`` for some dtypes only: on the host, whatever the device.
    """
    result = np.array(to_numpy(x), order="C")
    where = tuple([to_numpy(part) if hasattr(part, "dtype") else part for part in place])
    getattr(np, function).at(result, where, to_numpy(values))
    return to_device(result, device_of(x))


class ProductAt(Op):
    """y[p] = x[p] times all values v_i whose place is p; dy/dv_i is the product of the others, also if v_i = 0."""

    def forward(self, x: Array, values: Array, *, place: Any) -> Array:
        self.place = private_index(place)
        result = combine_at("multiply", x, values, place)
        self.save_for_backward(x, values, result)
        return result

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        x, values, result = self.saved
        grad_x = grad_values = None
        if self.needs_input_grad[0]:
            grad_x = grad_output * ProductAt.compute(zeros_for(x) + 1, values, place=self.place)
        if self.needs_input_grad[1]:
            zero = values == 0
            zeros = index_put_zeros(cast(zero, raw(x).dtype), self.place, x.shape)
            only_zero = zero & (GetItems.compute(zeros, index=self.place) == 1)
            xp = array_module(values)
            nonzero = xp.where(zero, 1.0, values)
            without_zero = ProductAt.compute(x, xp.where(only_zero, 1.0, values), place=self.place)
            grad_values = xp.where(
                only_zero,
                GetItems.compute(grad_output * without_zero, index=self.place),
                GetItems.compute(grad_output * result, index=self.place) / nonzero,
            )
        return grad_x, grad_values


class ExtremumAt(Op):
    """y[p] = the largest (smallest) of x[p] and all values whose place is p; equal ones share the gradient."""

    def forward(self, x: Array, values: Array, *, place: Any, function: str) -> Array:
        self.place = private_index(place)
        result = combine_at(function, x, values, place)
        self.save_for_backward(x, values, result)
        return result

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        x, values, result = self.saved
        x_is_it = cast(x == result, raw(x).dtype)
        value_is_it = cast(values == GetItems.compute(result, index=self.place), raw(x).dtype)
        share = grad_output / (x_is_it + index_put_zeros(value_is_it, self.place, x.shape))
        return share * x_is_it, GetItems.compute(share, index=self.place) * value_is_it


def reduce_at(name: str, x: Tensor, values: Tensor, place: Any, reduce: str, include_self: bool) -> Tensor:
    """Return ``x`` and values put together; without ``include_self``, what was at the places counts for nothing."""
    kind = raw(x).dtype.kind
    if reduce in ("amax", "amin"):
        reject_complex(name, x)
    if not include_self:
        neutral = neutral_element(reduce, raw(x).dtype)
        x = SetItem.apply(x, neutral, index=place, in_place=False)
    if reduce == "prod":
        return ProductAt.apply(x, values, place=place)
    if reduce in ("amax", "amin"):
        function = "maximum" if reduce == "amax" else "minimum"
        return ExtremumAt.apply(x, values, place=place, function=function)
    total = x + index_put_zeros(values, place, tuple(x.shape))
    if reduce == "sum":
        return total
    if kind == "b":
        raise NotImplementedError(f"{name}: expected numbers, got torch.bool, of which there is no mean")
    counts = count_at(place, x, values, include_self)
    return total / counts if kind in INEXACT_KINDS else div(total, counts, rounding_mode="floor")


def neutral_element(reduce: str, dtype: Any) -> Any:
    """Return the number that changes nothing: 0 for a sum, 1 for a product, the lowest for the largest."""
    if reduce in ("sum", "mean", "prod"):
        return dtype.type(reduce == "prod")
    if is_inexact(dtype):
        return dtype.type(-np.inf if reduce == "amax" else np.inf)
    return dtype.type(limits(dtype)[0 if reduce == "amax" else 1])


def count_at(place: Any, x: Tensor, values: Tensor, include_self: bool) -> Tensor:
    """Return how many numbers come together at each place of ``x``, at least 1, in its dtype."""
    xp, dtype = array_module(raw(x)), raw(x).dtype
    counts = add_at(place, xp.ones(raw(values).shape, "int64"), raw(x).shape)
    counts = counts + 1 if include_self else xp.maximum(counts, 1)
    return tensor_from_array(counts.astype(dtype))


@rounded_once
def scatter_reduce(
    input: Tensor,
    dim: Any = None,
    index: Any = None,
    src: Any = None,
    reduce: Any = None,
    *,
    include_self: bool = True,
    axis: Any = None,
) -> Tensor:
    """Return a copy in which the elements of ``src`` are put together at ``index`` along ``dim``.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        Along which dimension.
    index : Tensor
        Where to, as in :func:`gather`; places may repeat.
    src : Tensor
        What, of the input's dtype and at least the index's shape.
    reduce : {"sum", "prod", "mean", "amax", "amin"}
        How all elements that go to one place become one. The gradient of a largest one is shared by equal ones.
    include_self : bool
        Whether the input's own element at such a place counts, too.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_reduce_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> src, index = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0, 1, 1])
    >>> torch.scatter_reduce(torch.zeros(3), 0, index, src, "mean", include_self=False)
    tensor([1.0000, 2.5000, 0.0000])
    """
    name, dim = "scatter_reduce", dim if axis is None else axis
    require_tensors(name, input=input, index=index, src=src)
    require_bools(name, include_self=include_self)
    check_reduce(name, reduce, ("sum", "prod", "mean", "amax", "amin"))
    dim = normalize_dim(name, dim, input.ndim)
    if not raw(index).size:
        require_dtype_of(name, input, src=src)
        return clone(input)
    if input.ndim == 0 or index.ndim == 0:
        parts = at_least_1d(input), dim, at_least_1d(index), at_least_1d(src)
        return reshape(scatter_reduce(*parts, reduce, include_self=include_self), tuple(input.shape))
    values = scatter_source(name, input, dim, index, src)
    return reduce_at(name, input, values, along(dim, raw(index), raw(input)), reduce, include_self)


@rounded_once
def index_reduce(
    input: Tensor,
    dim: Any = None,
    index: Any = None,
    source: Any = None,
    reduce: Any = None,
    *,
    include_self: bool = True,
    axis: Any = None,
) -> Tensor:
    """Return a copy in which the slices of ``source`` are put together with those that the index names.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        Along which dimension.
    index : Tensor
        (k,) integers; places may repeat.
    source : Tensor
        The input's shape, with k for the size of ``dim``, and its dtype.
    reduce : {"prod", "mean", "amax", "amin"}
        How all slices that go to one place become one.
    include_self : bool
        Whether the input's own slice at such a place counts, too.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_reduce_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([1, 1]), torch.tensor([3.0, 4.0]), "prod")
    tensor([ 1., 12.])
    """
    name, dim = "index_reduce", dim if axis is None else axis
    require_tensors(name, input=input, index=index, source=source)
    require_bools(name, include_self=include_self)
    check_reduce(name, reduce, ("prod", "mean", "amax", "amin"))
    check_vector(name, index)
    require_dtype_of(name, input, source=source)
    dim = normalize_dim(name, dim, input.ndim)
    if raw(input).dtype.kind in "bc":
        raise NotImplementedError(f"{name}: expected real numbers, got {input.dtype}")
    if input.ndim == 0:
        parts = at_least_1d(input), dim, index, reshape(source, (-1,))
        return reshape(index_reduce(*parts, reduce, include_self=include_self), ())
    check_positions(name, raw(index), input.shape[dim])
    expected = (*input.shape[:dim], index.numel(), *input.shape[dim + 1 :])
    if tuple(source.shape) != expected:
        raise RuntimeError(
            f"{name}: expected source of shape {list(expected)} for an index of {list(index.shape)}, got "
            f"{list(source.shape)}"
        )
    place = (slice(None),) * dim + (raw(index).reshape(-1),)
    return reduce_at(name, input, source, place, reduce, include_self)


def check_reduce(name: str, reduce: Any, known: tuple[str, ...]) -> None:
    """Raise unless a way to put numbers together is one of those that there are."""
    if not isinstance(reduce, str):
        raise wrong_type(name, "reduce", "str", reduce)
    if reduce not in known:
        raise RuntimeError(f"{name}: expected reduce to be one of {', '.join(known)}, got {reduce!r}")
