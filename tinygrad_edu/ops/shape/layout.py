"""Changing the shape and leaving the numbers alone.

Views share the memory of their input. Their gradients are the same operation read the other way round.

References
----------
https://docs.pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_ints
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.memory_formats import check_memory_format, preserve_format
from tinygrad_edu.ops.common import copy_in_order, normalize_dim, raw, require_tensor, unbroadcast
from tinygrad_edu.ops.shape.sizes import infer_size, sizes_of


class Reshape(Op):
    """The same elements, in the same order, in another shape."""

    is_view = True

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        self.input_shape = x.shape
        return x.reshape(shape)

    def backward(self, grad_output: Array) -> Array:
        return grad_output.reshape(self.input_shape)


class ReshapeCopy(Reshape):
    """Reshape of a tensor whose strides do not allow a view."""

    is_view = False
    moves_only = True


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Return the elements in another shape: a view if the strides allow it, else a copy.

    Parameters
    ----------
    input : Tensor
        Any shape.
    *sizes : int, or one sequence of int
        The new sizes; one may be -1 and is what remains. Also as ``shape=``.

    Raises
    ------
    RuntimeError
        If the number of elements does not fit.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.reshape.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.reshape(torch.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    require_tensor("reshape", input)
    given = sizes_of("reshape", sizes if shape is None else (shape,), "shape")
    return reshaped(input, infer_size("reshape", given, raw(input).size))


def reshaped(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the elements in a shape that is known to fit."""
    op = Reshape if can_view(raw(input), shape) else ReshapeCopy
    return op.apply(input, shape=shape)


def can_view(array: Array, shape: tuple[int, ...]) -> bool:
    """Tell whether an array can be seen in another shape without a copy."""
    if array.flags.c_contiguous:
        return True
    return bool(array_module(array).may_share_memory(array.reshape(shape), array))


def view(input: Array, *shape: Any, size: Any = None, dtype: Any = None) -> Array:
    """Return a view in another shape, an error if the strides do not allow one; or of another dtype.

    Parameters
    ----------
    input : Tensor
        Any shape.
    *shape : int, or one sequence of int, or one dtype
        The new sizes; one may be -1. A dtype reads the same bytes as numbers of that type, which are more or fewer
        along the last dimension if their size differs; that has no gradient.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([1.0, -2.0]).view(torch.int32)
    tensor([ 1065353216, -1073741824], dtype=torch.int32)
    """
    require_tensor("view", input)
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        dtype = shape[0]
    if dtype is not None:
        return view_as_dtype(input, dtype)
    sizes = infer_size("view", sizes_of("view", shape if size is None else (size,), "size"), raw(input).size)
    if not can_view(raw(input), sizes):
        raise explained(
            RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans "
                f"across two contiguous subspaces): cannot view {list(input.shape)} as {list(sizes)}. Use "
                ".reshape(...) instead."
            )
        )
    return Reshape.apply(input, shape=sizes)


class ViewAsDtype(Op):
    """The same bytes, read as numbers of another type."""

    is_view = True
    num_differentiable = 0

    def forward(self, x: Array, *, dtype: Any) -> Array:
        return x.view(dtype)


def view_as_dtype(input: Array, dtype: dtypes.dtype) -> Array:
    """Return a view of the same bytes as another dtype, if they can be divided into its numbers."""
    old, new, shape, strides = input.itemsize, dtype.itemsize, tuple(input.shape), input.stride()
    if old != new:
        counts = [*strides[:-1], *shape[-1:], input.storage_offset()]
        if not shape or strides[-1] != 1 or any(count * old % new for count in counts):
            raise explained(
                RuntimeError(
                    f"view: expected {new} bytes for each {dtype}, one behind the other along the last dimension, got "
                    f"{list(shape)} of {old} bytes each with strides {list(strides)}"
                )
            )
    return ViewAsDtype.apply(input, dtype=dtype.numpy_dtype)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Melt the dimensions from ``start_dim`` to ``end_dim`` into one.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.flatten(torch.zeros(2, 3, 4), 1).shape
    torch.Size([2, 12])
    """
    require_tensor("flatten", input)
    start, end = (
        normalize_dim("flatten", start_dim, input.ndim),
        normalize_dim("flatten", end_dim, input.ndim),
    )
    if input.ndim == 0:
        return reshaped(input, (1,))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    shape = raw(input).shape
    return reshaped(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def unflatten(input: Tensor, dim: Any = None, sizes: Any = None, *, axis: Any = None) -> Tensor:
    """Split a dimension into several, one of which may be -1: the opposite of ``flatten``."""
    dim = dim if axis is None else axis
    require_tensor("unflatten", input)
    dim = normalize_dim("unflatten", dim, input.ndim)
    shape = tuple(input.shape)
    return reshape(
        input,
        (
            *shape[:dim],
            *infer_size("unflatten", as_ints("unflatten", "sizes", sizes), shape[dim]),
            *shape[dim + 1 :],
        ),
    )


class Permute(Op):
    """Dimensions in another order: y[i_p0, i_p1, ...] = x[i_0, i_1, ...]."""

    is_view = True

    def forward(self, x: Array, *, dims: tuple[int, ...]) -> Array:
        self.dims = dims
        return x.transpose(dims)

    def backward(self, grad_output: Array) -> Array:
        inverse = tuple([self.dims.index(i) for i in range(len(self.dims))])
        return Permute.compute(grad_output, dims=inverse)


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Return a view with the dimensions in another order, given one by one, as a sequence, or as ``dims=``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.permute(torch.zeros(2, 3, 4), (2, 0, 1)).shape
    torch.Size([4, 2, 3])
    """
    require_tensor("permute", input)
    given = sizes_of("permute", order if dims is None else (dims,), "dims")
    order = tuple([normalize_dim("permute", d, input.ndim) for d in given])
    if sorted(order) != list(range(input.ndim)):
        raise explained(
            RuntimeError(
                f"permute: expected every one of {input.ndim} dimensions once, got dims={list(given)}"
            )
        )
    return Permute.apply(input, dims=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return a view with two dimensions swapped."""
    require_tensor("transpose", input)
    a, b = normalize_dim("transpose", dim0, input.ndim), normalize_dim("transpose", dim1, input.ndim)
    if input.ndim == 0:
        return reshape(input, ())
    order = list(range(input.ndim))
    order[a], order[b] = b, a
    return Permute.apply(input, dims=tuple(order))


def t(input: Tensor) -> Tensor:
    """Transpose a matrix; vectors stay as they are."""
    require_tensor("t", input)
    if input.ndim > 2:
        raise explained(RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D"))
    return transpose(input, 0, -1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Move dimensions to other places; the rest keep their order."""
    require_tensor("movedim", input)
    sources = [normalize_dim("movedim", d, input.ndim) for d in sizes_of("movedim", (source,), "source")]
    targets = [
        normalize_dim("movedim", d, input.ndim) for d in sizes_of("movedim", (destination,), "destination")
    ]
    if len(sources) != len(targets) or len(set(sources)) != len(sources) or len(set(targets)) != len(targets):
        raise RuntimeError(
            f"movedim: expected as many distinct sources as destinations, got {source} and {destination}"
        )
    order = [d for d in range(input.ndim) if d not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return permute(input, order)


def squeeze(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Return a view without the dimensions of size 1, or without some of them."""
    dim = dim if axis is None else axis
    require_tensor("squeeze", input)
    shape = tuple(input.shape)
    dims = range(input.ndim) if dim is None else sizes_of("squeeze", (dim,), "dim")
    dropped = {normalize_dim("squeeze", d, input.ndim) for d in dims}
    left = tuple([size for i, size in enumerate(shape) if not (i in dropped and size == 1)])
    return Reshape.apply(input, shape=left)


def unsqueeze(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Return a view with a new dimension of size 1 at ``dim``."""
    dim = dim if axis is None else axis
    require_tensor("unsqueeze", input)
    dim = normalize_dim("unsqueeze", dim, input.ndim + 1)
    shape = raw(input).shape
    return Reshape.apply(input, shape=(*shape[:dim], 1, *shape[dim:]))


class Expand(Op):
    """Repeat dimensions of size 1 without copying; the gradients of the copies add up."""

    is_view = True

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        self.input_shape = x.shape
        return array_module(x).broadcast_to(x, shape)

    def backward(self, grad_output: Array) -> Array:
        return unbroadcast(grad_output, self.input_shape)


def expand(input: Array, *sizes: Any, size: Any = None, implicit: bool = False) -> Array:
    """Return a view in which dimensions of size 1 are repeated.

    Parameters
    ----------
    input : Tensor
        Any shape.
    *sizes : int, or one sequence of int
        The new sizes; -1 leaves a size as it is, and there may be new dimensions in front. Also as ``size=``.
    implicit : bool
        Changes nothing, as in PyTorch.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.expand.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    require_tensor("expand", input)
    wanted, shape = sizes_of("expand", sizes if size is None else (size,), "size"), tuple(input.shape)
    added = len(wanted) - len(shape)
    if added < 0:
        raise explained(
            RuntimeError(
                f"expand: expected at least {len(shape)} sizes for shape {list(shape)}, got {list(wanted)}"
            )
        )
    target = tuple([shape[i - added] if n == -1 and i >= added else n for i, n in enumerate(wanted)])
    for i, n in enumerate(target):
        if n < 0 or (i >= added and shape[i - added] not in (1, n)):
            raise explained(
                RuntimeError(
                    f"The expanded size of the tensor ({n}) must match the existing size "
                    f"({shape[i - added] if i >= added else 'none'}) at non-singleton dimension {i}. "
                    f"Target sizes: {list(wanted)}. Tensor sizes: {list(shape)}"
                )
            )
    if target == shape:
        return reshaped(input, shape)  # nothing is repeated, so the view may be written to
    return Expand.apply(input, shape=target)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Return a view of the input broadcast to ``size``."""
    require_tensor("broadcast_to", input)
    return expand(input, as_ints("broadcast_to", "size", size))


class Clone(Op):
    """A copy; its derivative is 1."""

    moves_only = True

    def forward(self, x: Array, *, rows: bool = False) -> Array:
        return x.copy() if rows else copy_in_order(x)

    def backward(self, grad_output: Array) -> Array:
        return grad_output


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a copy that is part of the graph; its elements lie in the input's order, with a format row after row."""
    require_tensor("clone", input)
    check_memory_format("clone", memory_format, input.ndim)
    return Clone.apply(input, rows=memory_format not in (None, preserve_format))


def contiguous(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return the tensor itself if it lies in memory row by row, else a copy that does, also of other formats."""
    require_tensor("contiguous", input)
    check_memory_format("contiguous", memory_format, input.ndim)
    return input if raw(input).flags.c_contiguous else Clone.apply(input, rows=True)
