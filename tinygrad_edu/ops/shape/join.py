"""Putting tensors together: cat, stack, and copies side by side, repeat and repeat_interleave.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import as_int, as_ints, wrong_type
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.autograd.telling import constant
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module, check_numel
from tinygrad_edu.layouts import sparse_coo
from tinygrad_edu.ops.common import in_rows, normalize_dim, raw, require_tensor
from tinygrad_edu.ops.indexing.index import between, getitem
from tinygrad_edu.ops.promotion import promote_many
from tinygrad_edu.ops.shape.layout import clone, expand, flatten, reshape
from tinygrad_edu.ops.shape.sizes import sizes_of
from tinygrad_edu.type_names import type_name


class Cat(Op):
    """Tensors one after the other along a dimension; each gets its own piece of the gradient."""

    def forward(self, *tensors: Array, dim: int) -> Array:
        self.dim = dim
        self.sizes = [x.shape[dim] for x in tensors]
        return in_rows(array_module(tensors[0]).concatenate(tensors, dim))

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        """Say which sizes do not fit together."""
        check_same_device("cat", arrays)
        shape = arrays[0].shape
        others = [(*x.shape[: self.dim], *x.shape[self.dim + 1 :]) for x in arrays]
        for x, other in zip(arrays, others, strict=True):
            if x.ndim == 0:
                raise RuntimeError("zero-dimensional tensor cannot be concatenated; use stack")
            if other != others[0] or x.ndim != len(shape):
                raise explained(
                    RuntimeError(
                        f"cat: Sizes of tensors must match except in dimension {self.dim}. Expected "
                        f"{list(shape)}, got {list(x.shape)}"
                    )
                )

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
    if not all(x._is_strided for x in parts):
        return sparse_coo.tensor_class.cat(parts, dim)
    shape = next((tuple(x.shape) for x in parts if tuple(x.shape) != (0,)), (0,))
    dim = normalize_dim("cat", dim, len(shape))
    nothing = (*shape[:dim], 0, *shape[dim + 1 :])
    parts = [reshape(x, nothing) if tuple(x.shape) == (0,) and len(shape) > 1 else x for x in parts]
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
        return in_rows(array_module(tensors[0]).stack(tensors, dim))

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
    shape = parts[0].shape
    for i, x in enumerate(parts):
        if x.shape != shape:
            raise explained(
                RuntimeError(
                    f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                    f"{list(x.shape)} at entry {i}"
                )
            )
    dim = normalize_dim("stack", dim, len(shape) + 1)
    if not all(x._is_strided for x in parts):
        return sparse_coo.tensor_class.cat([x.unsqueeze(dim) for x in parts], dim)
    return Stack.apply(*promote_many("stack", *parts), dim=dim)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join side by side: along the second dimension, or the only one."""
    parts = [reshape(x, (1,)) if x.ndim == 0 else x for x in check_sequence("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join one above the other; vectors become rows."""
    return cat([reshape(x, (1, -1)) if x.ndim < 2 else x for x in check_sequence("vstack", tensors)], 0)


def repeat_interleave(
    input: Tensor,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
    axis: Any = None,
) -> Tensor:
    """Repeat every element (or slice along ``dim``) several times in a row.

    Called with one vector, ``repeat_interleave(repeats)``, it repeats 0, 1, 2, ... so often.

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
    name, dim = "repeat_interleave", dim if axis is None else axis
    require_tensor(name, input)
    if repeats is None:
        check_repeats(name, input, 1)
        numbers = array_module(raw(input)).arange(input.shape[0], dtype=raw(input).dtype)
        input, repeats = tensor_from_array(numbers), input
    if dim is None:
        input, dim = flatten(input), 0
    dim = normalize_dim(name, dim, input.ndim)
    if isinstance(repeats, TensorBase):
        check_repeats(name, repeats, 0)
        counts = raw(repeats).reshape(-1).tolist()
    else:
        counts = [as_int(name, "repeats", repeats)]
    size = input.shape[dim]
    if len(counts) not in (1, size) or min(counts, default=0) < 0:
        raise explained(
            RuntimeError(f"{name}: expected repeats to be one or {size} numbers of at least 0, got {counts}")
        )
    check_numel(name, (sum(counts) * (1 if len(counts) == size else size),))
    positions = array_module(raw(input)).arange(size).repeat(counts if len(counts) == size else counts[0])
    if output_size is not None and output_size != len(positions):
        raise RuntimeError(f"{name}: expected output_size={len(positions)}, got {output_size}")
    if not isinstance(repeats, TensorBase):
        constant(positions)
    return getitem(input, (slice(None),) * dim + (positions,))


def check_repeats(name: str, repeats: Tensor, fewest_dims: int) -> None:
    """Raise unless a Tensor that says how often is a vector of integers, or one integer if that may be."""
    if raw(repeats).dtype.kind not in "iu" or not fewest_dims <= repeats.ndim <= 1:
        raise explained(
            RuntimeError(
                f"{name}: expected repeats to be a vector of integers, got {list(repeats.shape)} of "
                f"{raw(repeats).dtype}"
            )
        )


def repeat(input: Array, *sizes: Any, repeats: Any = None) -> Array:
    """Return ``sizes`` (or ``repeats=``) copies of the tensor side by side in every dimension.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    require_tensor("repeat", input)
    times, shape = sizes_of("repeat", sizes if repeats is None else (repeats,), "repeats"), tuple(input.shape)
    if len(times) < len(shape):
        raise explained(
            RuntimeError(
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: got "
                f"repeat dims {list(times)} for shape {list(shape)}"
            )
        )
    shape = (1,) * (len(times) - len(shape)) + shape
    apart = reshape(input, tuple([x for size in shape for x in (1, size)]))
    repeated = expand(apart, tuple([x for pair in zip(times, shape, strict=True) for x in pair]))
    return reshape(clone(repeated), tuple([n * size for n, size in zip(times, shape, strict=True)]))


def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Like ``repeat``, but missing leading sizes count as 1."""
    require_tensor("tile", input)
    dims = as_ints("tile", "dims", dims)
    return repeat(input, (1,) * (input.ndim - len(dims)) + dims)
