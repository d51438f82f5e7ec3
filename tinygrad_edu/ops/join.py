"""Putting tensors together and taking them apart: cat, stack, split, chunk, unbind, pad, tril, triu.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, as_ints, as_number, wrong_type
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module, check_numel
from tinygrad_edu.ops.common import (
    check_not_empty,
    normalize_dim,
    promote_many,
    raw,
    reject_bool,
    require_tensor,
)
from tinygrad_edu.ops.index import ViewScatter, between, getitem, index_put_zeros, narrow, select
from tinygrad_edu.ops.shape import flatten, reshape
from tinygrad_edu.scalars import checked_scalar
from tinygrad_edu.type_names import type_name


class Cat(Op):
    """Tensors one after the other along a dimension; each gets its own piece of the gradient."""

    def forward(self, *tensors: Array, dim: int) -> Array:
        self.dim = dim
        self.sizes = [x.shape[dim] for x in tensors]
        return array_module(tensors[0]).concatenate(tensors, dim)

    def backward(self, grad_output: Array) -> tuple[Array, ...]:
        ends = itertools.accumulate(self.sizes)
        pieces = zip(ends, self.sizes, strict=True)
        return tuple([between(grad_output, self.dim, end - size, end) for end, size in pieces])


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: Any = None) -> Tensor:
    """Join tensors along a dimension that they have.

    Parameters
    ----------
    tensors : sequence of Tensor
        Equal in all other sizes; brought to one dtype. Empty vectors, of shape (0,), are left out.
    dim : int
        Along which dimension.

    Raises
    ------
    RuntimeError
        If the shapes do not fit, or there are none.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cat.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cat([torch.ones(1, 2), torch.zeros(2, 2)])
    tensor([[1., 1.],
            [0., 0.],
            [0., 0.]])
    """
    dim = dim if axis is None else axis
    parts = check_sequence("cat", tensors)
    shape = next((tuple(x.shape) for x in parts if tuple(x.shape) != (0,)), (0,))
    dim = normalize_dim("cat", dim, len(shape))
    nothing = (*shape[:dim], 0, *shape[dim + 1 :])
    parts = [reshape(x, nothing) if tuple(x.shape) == (0,) and len(shape) > 1 else x for x in parts]
    for x in parts:
        if x.ndim == 0:
            raise RuntimeError("zero-dimensional tensor cannot be concatenated; use stack")
        expected, actual = list(shape), list(x.shape)
        expected[dim : dim + 1], actual[dim : dim + 1] = [-1], [-1]
        if expected != actual or x.ndim != len(shape):
            raise RuntimeError(
                f"cat: Sizes of tensors must match except in dimension {dim}. Expected "
                f"{list(shape)}, got {list(x.shape)}"
            )
    return Cat.apply(*promote_many("cat", *parts), dim=dim)


def check_sequence(name: str, tensors: Sequence[Array]) -> list[Array]:
    """Return the tensors as a list; raise if there are none, or something else is among them."""
    if hasattr(tensors, "shape"):
        got = "Tensor" if isinstance(tensors, TensorBase) else type_name(tensors)
        raise TypeError(f"{name}(): argument 'tensors' must be tuple of Tensors, not {got}")
    if not isinstance(tensors, list | tuple):
        raise wrong_type(name, "tensors", "tuple of Tensors", tensors)
    parts = list(tensors)
    if not parts:
        error = ValueError if name == "cat" else RuntimeError  # as in PyTorch
        raise error(f"{name}: expected a non-empty list of Tensors, got {tensors!r}")
    for i, x in enumerate(parts):
        if not isinstance(x, TensorBase):
            raise TypeError(f"{name}: expected Tensor as element {i} in argument 0, but got {type_name(x)}")
    return parts


class Stack(Op):
    """Tensors next to each other along a new dimension; each gets its own slice of the gradient."""

    def forward(self, *tensors: Array, dim: int) -> Array:
        self.dim = dim
        return array_module(tensors[0]).stack(tensors, dim)

    def backward(self, grad_output: Array) -> tuple[Array, ...]:
        before = (slice(None),) * self.dim
        return tuple([grad_output[(*before, i, ...)] for i in range(grad_output.shape[self.dim])])


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: Any = None) -> Tensor:
    """Join tensors of one shape along a new dimension.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    dim = dim if axis is None else axis
    parts = check_sequence("stack", tensors)
    for i, x in enumerate(parts):
        if tuple(x.shape) != tuple(parts[0].shape):
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(parts[0].shape)} at entry 0 and "
                f"{list(x.shape)} at entry {i}"
            )
    dim = normalize_dim("stack", dim, parts[0].ndim + 1)
    return Stack.apply(*promote_many("stack", *parts), dim=dim)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join side by side: along the second dimension, or the only one."""
    parts = [reshape(x, (1,)) if x.ndim == 0 else x for x in check_sequence("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join one above the other; vectors become rows."""
    return cat([reshape(x, (1, -1)) if x.ndim < 2 else x for x in check_sequence("vstack", tensors)], 0)


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of so many slices each, or of the sizes given in a list.

    Parameters
    ----------
    tensor : Tensor
        Any shape with a dimension.
    split_size_or_sections : int or sequence of int
        How many slices each gets (the last may get fewer), or a list of sizes that make up the whole.
    dim : int
        Along which dimension.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.split.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    require_tensor("split", tensor, "tensor")
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor, got one with 0 dimensions")
    dim = normalize_dim("split", dim, tensor.ndim)
    size = tensor.shape[dim]
    if not isinstance(split_size_or_sections, list | tuple):
        step = as_int("split", "split_size_or_sections", split_size_or_sections)
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        sections = [min(step, size - start) for start in range(0, size, step)] if size else [0]
    else:
        sections = list(as_ints("split", "split_size_or_sections", split_size_or_sections))
        if sum(sections) != size or min(sections, default=0) < 0:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at "
                f"dimension {dim}), but got split_sizes={sections}"
            )
    ends = itertools.accumulate(sections)
    return tuple([narrow(tensor, dim, end - n, n) for end, n in zip(ends, sections, strict=True)])


def chunk(input: Tensor, chunks: int, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Split into at most ``chunks`` views of equal size; the last may be smaller.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    dim = dim if axis is None else axis
    require_tensor("chunk", input)
    chunks = as_int("chunk", "chunks", chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[normalize_dim("chunk", dim, input.ndim)]
    return split(input, -(-size // chunks) if size else [0] * chunks, dim)


def unbind(input: Tensor, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Return all slices along ``dim``, without that dimension."""
    dim = dim if axis is None else axis
    require_tensor("unbind", input)
    dim = normalize_dim("unbind", dim, input.ndim)
    return tuple([select(input, dim, i) for i in range(input.shape[dim])])


class ConstantPad(Op):
    """A border of constant values; the gradient is what lies inside it."""

    def forward(self, x: Array, *, widths: tuple[tuple[int, int], ...], value: float) -> Array:
        self.inside = tuple(
            [slice(before, before + size) for (before, _), size in zip(widths, x.shape, strict=True)]
        )
        return array_module(x).pad(x, widths, constant_values=value)

    def backward(self, grad_output: Array) -> Array:
        return grad_output[(*self.inside, ...)]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Add to (or, if negative, take from) both ends of the last dimensions.

    Parameters
    ----------
    input : Tensor
        Any shape.
    pad : sequence of int
        (before, after) of the last dimension, then of the one before it, and so on.
    mode : {"constant", "reflect", "replicate", "circular"}
        What is put there.
    value : float, optional
        The constant; 0 by default.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.pad(torch.ones(2), (1, 2))
    tensor([0., 1., 1., 0., 0.])
    """
    require_tensor("pad", input)
    pad = as_ints("pad", "pad", pad)
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(f"pad: expected 2 numbers for at most {input.ndim} dimensions, got {list(pad)}")
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    sizes = [size + min(b, 0) + min(a, 0) for (b, a), size in zip(widths, input.shape, strict=True)]
    if min(sizes, default=0) < 0:
        raise RuntimeError(f"pad: expected sizes of at least 0 after cropping by {list(pad)}, got {sizes}")
    check_numel("pad", [size + max(b, 0) + max(a, 0) for (b, a), size in zip(widths, sizes, strict=True)])
    if mode in ("constant", "circular") and any(b < 0 or a < 0 for b, a in widths):
        starts = [max(-b, 0) for b, _ in widths]
        input = getitem(input, tuple([slice(i, i + size) for i, size in zip(starts, sizes, strict=True)]))
        widths = [(max(b, 0), max(a, 0)) for b, a in widths]
    if mode == "constant":
        constant = checked_scalar(
            "pad", float(as_number("pad", "value", 0 if value is None else value)), raw(input).dtype
        )
        return ConstantPad.apply(input, widths=tuple(widths), value=constant)
    dims = len(pad) // 2
    if mode in COPYING_MODES and (not dims or input.ndim not in (dims + 1, dims + 2)):
        raise NotImplementedError(
            f"pad: expected (n, c, *) or (c, *) with {dims} places for {len(pad)} numbers with mode={mode!r}, "
            f"got {list(input.shape)}"
        )
    if mode in ("reflect", "replicate"):
        reject_bool("pad", input)
        check_not_empty("pad", input, dims)
    return _pad_by_index(input, widths, mode)


COPYING_MODES = ("reflect", "replicate", "circular")
"""The modes that copy elements."""


def _pad_by_index(input: Array, widths: list[tuple[int, int]], mode: str) -> Array:
    """Pad with copies of elements: every dimension is indexed with the positions they come from."""
    if mode not in COPYING_MODES:
        raise NotImplementedError(
            f"pad: Unrecognised padding mode {mode}, expected constant, reflect, replicate or circular"
        )
    xp = array_module(raw(input))
    for dim, (before, after) in enumerate(widths):
        size = input.shape[dim]
        largest = {"reflect": size - 1, "circular": size}.get(mode, max(before, after) if size else 0)
        if max(before, after) > max(largest, 0):
            raise RuntimeError(
                "pad: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({before}, {after}) at dimension {dim} of input {list(input.shape)}, with mode={mode!r}"
            )
        if before or after:
            places = xp.arange(-before, size + after)  # beyond the ends, or without them
            if mode == "replicate":
                positions = places.clip(0, max(size - 1, 0))
            elif mode == "circular":
                positions = places % size
            else:
                positions = size - 1 - abs(size - 1 - abs(places))
            input = getitem(input, (slice(None),) * dim + (positions,))
    return input


class Triangle(Op):
    """The elements below (or above) a diagonal, the rest 0; so is the gradient."""

    def forward(self, x: Array, *, diagonal: int, lower: bool) -> Array:
        self.diagonal, self.lower = diagonal, lower
        xp = array_module(x)
        return xp.tril(x, diagonal) if lower else xp.triu(x, diagonal)

    def backward(self, grad_output: Array) -> Array:
        return Triangle.compute(grad_output, diagonal=self.diagonal, lower=self.lower)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangle of a matrix (or of a batch), the rest 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tril(torch.ones(2, 3), diagonal=1)
    tensor([[1., 1., 0.],
            [1., 1., 1.]])
    """
    return _triangle("tril", input, diagonal, True)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangle of a matrix (or of a batch), the rest 0."""
    return _triangle("triu", input, diagonal, False)


def _triangle(name: str, input: Array, diagonal: int, lower: bool) -> Array:
    require_tensor(name, input)
    diagonal = as_int(name, "diagonal", diagonal)
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got {input.ndim}")
    return Triangle.apply(input, diagonal=diagonal, lower=lower)


class Diagonal(Op):
    """The elements whose places in two dimensions differ by an offset; the gradient goes back there."""

    is_view = True

    def forward(self, x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
        self.shape, self.options = x.shape, {"offset": offset, "dim1": dim1, "dim2": dim2}
        y = x.diagonal(offset, dim1, dim2)
        if isinstance(y, np.ndarray):
            y.flags.writeable = x.flags.writeable  # NumPy is cautious here for historical reasons only
        return y

    def backward(self, grad_output: Array) -> Array:
        zeros = array_module(raw(grad_output)).zeros(self.shape, raw(grad_output).dtype)
        return ViewScatter.compute(zeros, grad_output, steps=[(Diagonal, self.options)], in_place=False)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of the diagonal of two dimensions, as the last dimension of the result.

    Parameters
    ----------
    input : Tensor
        At least two dimensions.
    offset : int
        Above the main diagonal if positive, below it if negative.
    dim1, dim2 : int
        Which dimensions.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.diagonal.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diagonal(torch.arange(9).reshape(3, 3), 1)
    tensor([1, 5])
    """
    require_tensor("diagonal", input)
    offset = as_int("diagonal", "offset", offset)
    offset = min(
        max(offset, -max(input.shape, default=0)), max(input.shape, default=0)
    )  # NumPy's is of 32 bits
    if input.ndim < 2:
        raise RuntimeError(f"diagonal: expected at least 2 dimensions, got {input.ndim}")
    first, second = normalize_dim("diagonal", dim1, input.ndim), normalize_dim("diagonal", dim2, input.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return Diagonal.apply(input, offset=offset, dim1=first, dim2=second)


def diagonal_places(x: Array, rows: int, columns: int, offset: int) -> tuple[Array, Array]:
    """Return the rows and the columns of the elements on a diagonal."""
    first_row, first_column = max(-offset, 0), max(offset, 0)
    steps = array_module(raw(x)).arange(max(min(rows - first_row, columns - first_column), 0))
    return steps + first_row, steps + first_column


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the diagonal of a matrix, or the square matrix of zeros with a given vector as its diagonal.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diag(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    require_tensor("diag", input)
    diagonal = as_int("diag", "diagonal", diagonal)
    if input.ndim == 2:
        rows, columns = input.shape
        return getitem(input, diagonal_places(input, rows, columns, diagonal))
    if input.ndim != 1:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    size = input.shape[0] + abs(diagonal)
    return index_put_zeros(input, diagonal_places(input, size, size, diagonal), (size, size))


def repeat_interleave(
    input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None, axis: Any = None
) -> Tensor:
    """Repeat every element (or slice along ``dim``) several times in a row.

    Parameters
    ----------
    input : Tensor
        Any shape; flattened if ``dim`` is None.
    repeats : int or Tensor
        How often: one number for all, or a vector of integers with one for each.
    dim : int, optional
        Along which dimension.
    output_size : int, optional
        The size that comes out, where it is known; another one is an error.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.repeat_interleave.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.repeat_interleave(torch.tensor([5, 6, 7]), torch.tensor([2, 0, 1]))
    tensor([5, 5, 7])
    """
    dim = dim if axis is None else axis
    require_tensor("repeat_interleave", input)
    if dim is None:
        input, dim = flatten(input), 0
    dim = normalize_dim("repeat_interleave", dim, input.ndim)
    if isinstance(repeats, TensorBase) and (raw(repeats).dtype.kind not in "iu" or repeats.ndim > 1):
        raise RuntimeError(
            f"repeat_interleave: expected repeats to be a vector of integers, got {list(repeats.shape)} of "
            f"{raw(repeats).dtype}"
        )
    size = input.shape[dim]
    counts = (
        raw(repeats).reshape(-1).tolist()
        if isinstance(repeats, TensorBase)
        else [as_int("repeat_interleave", "repeats", repeats)]
    )
    if len(counts) not in (1, size) or min(counts, default=0) < 0:
        raise RuntimeError(
            f"repeat_interleave: expected repeats to be one or {size} numbers of at least 0, got {counts}"
        )
    check_numel("repeat_interleave", (sum(counts) * (1 if len(counts) == size else size),))
    positions = array_module(raw(input)).arange(size).repeat(counts if len(counts) == size else counts[0])
    if output_size is not None and output_size != len(positions):
        raise RuntimeError(f"repeat_interleave: expected output_size={len(positions)}, got {output_size}")
    return getitem(input, (slice(None),) * dim + (positions,))
