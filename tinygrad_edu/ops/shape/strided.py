"""Views by steps through memory: ``as_strided``, and ``unfold``, whose windows may overlap.

An element that is seen several times gets the gradients of all its places.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.as_strided.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import as_int, as_ints
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.memory_formats import contiguous_format
from tinygrad_edu.ops.common import normalize_dim, raw, require_tensor, require_tensors
from tinygrad_edu.ops.indexing.index import getitem, index_put_zeros
from tinygrad_edu.ops.indexing.replace import write_view
from tinygrad_edu.ops.shape.layout import Permute, clone, reshape


class AsStrided(Op):
    """y[i, j, ...] = memory[offset + i stride_0 + j stride_1 + ...], where the memory is that of x."""

    is_view = True

    def forward(self, x: Array, *, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Array:
        self.shape, self.options = x.shape, (size, stride, offset)
        return strided(x, size, stride, offset)

    def backward(self, grad_output: Array) -> Array:
        places = positions(array_module(raw(grad_output)), *self.options)
        return index_put_zeros(grad_output, (places,), (math.prod(self.shape),)).reshape(self.shape)


def strided(x: Array, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Array:
    """Return a view of the memory from the first element of ``x`` on, by steps of so many elements."""
    as_strided = array_module(x).lib.stride_tricks.as_strided
    row = as_strided(x, (memory_span(x),), (x.itemsize,))
    return as_strided(row[offset:], size, tuple([n * x.itemsize for n in stride]))


def memory_span(x: Array) -> int:
    """Return how many elements lie in memory from the first one of an array to the last."""
    strides = [n // x.itemsize for n in x.strides]
    return elements_needed("as_strided", x.shape, strides, 0)


def elements_needed(name: str, size: Sequence[int], stride: Sequence[int], offset: int) -> int:
    """Return how many elements of memory a shape with these strides reaches over; raise for what has no sense."""
    if len(size) != len(stride):
        raise RuntimeError(
            f"{name}: mismatch in length of strides and shape: got {list(size)} and {list(stride)}"
        )
    if any(n < 0 for n in stride):
        raise RuntimeError(
            f"{name}: Negative strides are not supported at the moment, got strides: {list(stride)}"
        )
    if any(n < 0 for n in size) or offset < 0:
        raise RuntimeError(
            f"{name}: expected sizes and an offset of at least 0, got {list(size)} and {offset}"
        )
    if 0 in size:
        return offset
    return offset + 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))


def positions(xp: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Array:
    """Return where in memory each element of such a view lies."""
    places = xp.full(size, offset, "int64")
    for dim, (n, step) in enumerate(zip(size, stride, strict=True)):
        places += (xp.arange(n) * step).reshape((n,) + (1,) * (len(size) - dim - 1))
    return places


def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """Return a view of the memory that a tensor is in, by steps of so many elements.

    Parameters
    ----------
    input : Tensor
        Any shape. If it is a view, the memory is that of the tensor it is a view of.
    size : sequence of int
        The shape of the result.
    stride : sequence of int
        How many elements apart neighbours along each dimension lie; 0 repeats one.
    storage_offset : int, optional
        How many elements the first one lies behind the beginning of the memory; by default that of the input.

    Raises
    ------
    RuntimeError
        If the view would reach beyond the memory; or if a gradient is wanted through memory whose elements do not
        lie row after row.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.as_strided.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.as_strided(torch.arange(5), (3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    require_tensor("as_strided", input)
    size, stride = as_ints("as_strided", "size", size), as_ints("as_strided", "stride", stride)
    owner = input if input._base is None else input._base
    if storage_offset is None:
        storage_offset = (input.data_ptr() - owner.data_ptr()) // input.itemsize
    offset = as_int("as_strided", "storage_offset", storage_offset)
    needed, there = elements_needed("as_strided", size, stride, offset), memory_span(raw(owner))
    if needed > there:
        raise RuntimeError(
            f"as_strided: sizes {list(size)}, strides {list(stride)}, storage offset {offset} requiring a storage of "
            f"{needed} elements are out of bounds for storage of {there}"
        )
    if owner.requires_grad and not raw(owner).flags.c_contiguous:
        raise RuntimeError(
            "as_strided: expected memory whose elements lie row after row, where a gradient is wanted, got strides "
            f"{list(owner.stride())} for {list(owner.shape)}. Hint: call contiguous() first"
        )
    return AsStrided.apply(owner, size=size, stride=stride, offset=offset)


def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """Return a copy with ``src`` in place of ``input.as_strided(size, stride, storage_offset)``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.as_strided_scatter.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.as_strided_scatter(torch.zeros(2, 2), torch.ones(2), (2,), (3,))
    tensor([[1., 0.],
            [0., 1.]])
    """
    require_tensors("as_strided_scatter", input=input, src=src)
    result = clone(input, memory_format=contiguous_format)
    write_view("as_strided_scatter", as_strided(result, size, stride, storage_offset), src)
    return result


class Unfold(Op):
    """y[l, k] = x[l step + k]: windows along a dimension, side by side or overlapping."""

    is_view = True

    def forward(self, x: Array, *, dim: int, size: int, step: int) -> Array:
        self.shape, self.options = x.shape, (dim, size, step)
        count = (x.shape[dim] - size) // step + 1
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
        strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
        return array_module(x).lib.stride_tricks.as_strided(x, shape, strides)

    def backward(self, grad_output: Array) -> Array:
        dim, size, step = self.options
        xp = array_module(raw(grad_output))
        places = (xp.arange(raw(grad_output).shape[dim]) * step)[:, None] + xp.arange(size)  # (count, size)
        last = len(self.shape)
        order = (*range(dim + 1), last, *range(dim + 1, last))  # the places in a window behind the windows
        windows = Permute.compute(grad_output, dims=order)
        return index_put_zeros(windows, (slice(None),) * dim + (places,), self.shape)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return a view of all windows of ``size`` elements along a dimension, ``step`` apart.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dimension : int
        Along which dimension.
    size, step : int
        How long the windows are, and how far apart they begin.

    Returns
    -------
    Tensor
        The input's shape, with (n - size) // step + 1 windows in place of n elements, and a last dimension of
        ``size``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.unfold.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.arange(1, 6).unfold(0, 3, 2)
    tensor([[1, 2, 3],
            [3, 4, 5]])
    """
    require_tensor("unfold", input)
    dim = normalize_dim("unfold", dimension, input.ndim)
    size, step = as_int("unfold", "size", size), as_int("unfold", "step", step)
    there = input.shape[dim] if input.ndim else 1
    if size < 0 or size > there:
        raise RuntimeError(
            f"unfold: maximum size for tensor at dimension {dim} is {there} but size is {size}: expected 0 to {there}"
        )
    if step <= 0:
        raise RuntimeError(f"unfold: step is {step} but must be > 0")
    if not input.ndim:
        return getitem(reshape(input, (1,)), slice(0, size))
    return Unfold.apply(input, dim=dim, size=size, step=step)
