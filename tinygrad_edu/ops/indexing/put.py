"""Values written, or added, to places that an index names; and ``take``, which counts elements as one long row.

All of them are assignments ``x[place] = value`` (``SetItem``) or sums (``index_put_zeros``), as a copy of ``x``; the
methods with an underscore do the same to ``x`` itself.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import require_bools, wrong_type
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import array_module
from tinygrad_edu.ops.common import (
    broadcast_shape,
    check_positions,
    check_vector,
    flat_index,
    normalize_dim,
    raw,
    require_dtype_of,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.index import SetItem, getitem, index_put_zeros, items_at, raw_index
from tinygrad_edu.ops.shape.layout import contiguous, expand, reshape
from tinygrad_edu.scalars import checked_scalar


def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements that the index names, counted through the whole tensor as one long row.

    Parameters
    ----------
    input : Tensor
        Any shape, with n elements.
    index : Tensor
        int64, any shape, from -n to n - 1.

    Returns
    -------
    Tensor
        Of the index's shape. An element taken twice gets the gradients of both.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.take.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.take(torch.tensor([[4, 3], [6, 7]]), torch.tensor([0, -1]))
    tensor([4, 7])
    """
    require_tensors("take", input=input, index=index)
    check_flat_index("take", input, index)
    return getitem(reshape(input, (input.numel(),)), (raw(index),))


def check_flat_index(name: str, input: Tensor, index: Tensor) -> None:
    """Raise unless an index is of int64 and names elements of the input."""
    if not input.numel() and index.numel():
        raise IndexError(f"{name}(): expected an input with elements to take from, got {list(input.shape)}")
    check_positions(name, raw(index), input.numel(), lowest=-input.numel(), dtypes=("int64",))


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy with the elements of ``source`` at the places that the index names, as in :func:`take`.

    Parameters
    ----------
    input : Tensor
        Any shape, with n elements.
    index : Tensor
        int64, any shape, from -n to n - 1.
    source : Tensor
        As many elements as the index has, of the input's dtype.
    accumulate : bool
        Add to what is there; then a place may be named more than once.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.put_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.put(torch.zeros(2, 2), torch.tensor([1, -1]), torch.tensor([5.0, 7.0]))
    tensor([[0., 5.],
            [0., 7.]])
    """
    require_tensors("put", input=input, index=index, source=source)
    require_bools("put", accumulate=accumulate)
    require_dtype_of("put", input, source=source)
    check_flat_index("put", input, index)
    if source.numel() != index.numel():
        raise IndexError(
            f"put(): expected source and index of as many elements, got {source.numel()} and {index.numel()}"
        )
    flat, values = reshape(input, (input.numel(),)), reshape(source, (source.numel(),))
    written = index_put(flat, (reshape(index, (index.numel(),)),), values, accumulate)
    return reshape(written, tuple(input.shape))


@rounded_once
def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy with ``values`` at ``input[indices]``.

    Parameters
    ----------
    input : Tensor
        Any shape.
    indices : sequence of Tensor
        One for each of the first dimensions: integers or masks.
    values : Tensor
        Of the input's dtype, broadcast to the shape of ``input[indices]``.
    accumulate : bool
        Add to what is there; then a place may be named more than once.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.index_put(torch.zeros(3), (torch.tensor([2, 2]),), torch.tensor([1.0, 4.0]), accumulate=True)
    tensor([0., 0., 5.])
    """
    index = checked_indices("index_put", input, indices, values, accumulate)
    if accumulate:
        return input + added_at(input, index, values)
    return SetItem.apply(input, values, index=index, in_place=False)


def checked_indices(name: str, input: Any, indices: Any, values: Any, accumulate: Any) -> tuple[Any, ...]:
    """Return the index that ``index_put`` is given, with arrays in it, or raise."""
    require_tensors(name, input=input)
    if not isinstance(indices, list | tuple):
        raise wrong_type(name, "indices", "tuple of Tensors", indices)
    require_tensor(name, values, "values")
    require_bools(name, accumulate=accumulate)
    require_dtype_of(name, input, values=values)
    for i, part in enumerate(indices):
        require_tensor(name, part, f"indices[{i}]")
    return raw_index(tuple(indices), raw(input))


def added_at(input: Tensor, index: Any, values: Tensor) -> Tensor:
    """Return zeros of the input's shape with values, which are broadcast to the places, added at an index."""
    xp = array_module(raw(input))
    places = items_at(xp.broadcast_to(xp.zeros((), bool), raw(input).shape), index).shape
    return index_put_zeros(expand(values, places), index, raw(input).shape)


def slices_along(name: str, input: Tensor, dim: Any, index: Any, counts_back: bool) -> tuple[Any, ...]:
    """Return the index of the slices along ``dim``, which may be negative if it counts back from the end."""
    dim = normalize_dim(name, dim, input.ndim)
    check_vector(name, index)
    size = input.shape[dim] if input.ndim else 1
    check_positions(name, raw(index), size, lowest=-size if counts_back else 0, dtypes=("int64",))
    return (slice(None),) * dim + (flat_index(index),) if input.ndim else (...,)


def index_copy(
    input: Tensor, dim: Any = None, index: Any = None, source: Any = None, *, axis: Any = None
) -> Tensor:
    """Return a copy with the slices of ``source`` in place of those along ``dim`` that the index names.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        Along which dimension.
    index : Tensor
        (k,) int64; each place once, for of two slices any may win.
    source : Tensor
        The input's shape, with k for the size of ``dim``, and its dtype.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_copy_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.index_copy(torch.zeros(3, 2), 0, torch.tensor([2]), torch.ones(1, 2))
    tensor([[0., 0.],
            [0., 0.],
            [1., 1.]])
    """
    require_tensor("index_copy", input)
    place = copied_slices("index_copy", input, dim if axis is None else axis, index, source)
    return contiguous(SetItem.apply(input, source, index=place, in_place=False))


def copied_slices(name: str, input: Tensor, dim: Any, index: Any, source: Any) -> tuple[Any, ...]:
    """Return the index of the slices that ``source`` is to replace, or raise if it does not fit."""
    place = slices_along(name, input, dim, index, counts_back=False)
    require_tensor(name, source, "source")
    require_dtype_of(name, input, source=source)
    count = index.numel()
    if input.ndim and source.ndim and input.ndim != source.ndim:
        raise IndexError(
            f"{name}(): expected source of {input.ndim} dimensions, as the destination, got {source.ndim}"
        )
    if not source.ndim and count != 1:
        raise IndexError(f"{name}(): expected an index of 1 element for a 0-d source, got {count}")
    if source.ndim:
        dim = normalize_dim(name, dim, input.ndim)
        expected = (*input.shape[:dim], count, *input.shape[dim + 1 :])
        if tuple(source.shape) != expected:
            error = IndexError if source.shape[dim] != count else RuntimeError
            raise error(f"{name}(): expected source of shape {list(expected)}, got {list(source.shape)}")
    return place


def index_fill(
    input: Tensor, dim: Any = None, index: Any = None, value: Any = None, *, axis: Any = None
) -> Tensor:
    """Return a copy with one value, a number or a 0-d Tensor, in the slices along ``dim`` that the index names.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_fill_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.index_fill(torch.ones(2, 3), 1, torch.tensor([0, -1]), 5.0)
    tensor([[5., 1., 5.],
            [5., 1., 5.]])
    """
    require_tensor("index_fill", input)
    place, value = filled_slices("index_fill", input, dim if axis is None else axis, index, value)
    return SetItem.apply(input, value, index=place, in_place=False)


def filled_slices(name: str, input: Tensor, dim: Any, index: Any, value: Any) -> tuple[Any, Any]:
    """Return the index of the slices that are to be filled, each once, and the value in the input's dtype."""
    if isinstance(value, TensorBase):
        if value.ndim:
            raise RuntimeError(
                f"{name} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimensions"
            )
        if value.is_complex() and not input.is_complex():
            raise RuntimeError(f"{name}(): expected a real value for {input.dtype}, got {value.dtype}")
        value = value.to(dtype=input.dtype, device=input.device)
    else:
        if isinstance(value, complex) and not input.is_complex():
            raise RuntimeError(f"{name}(): Converting complex Scalar to non-complex type is not supported")
        value = checked_scalar(name, value, raw(input).dtype)
    place = slices_along(name, input, dim, index, counts_back=True)
    if not input.ndim:
        return place, value
    xp, size = array_module(place[-1]), input.shape[normalize_dim(name, dim, input.ndim)]
    return (*place[:-1], xp.unique(place[-1] % max(size, 1))), value


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return a copy in which the places where the mask is True have the first elements of ``source``, in order.

    Parameters
    ----------
    input : Tensor
        Any shape.
    mask : Tensor
        bool; input and mask are broadcast against each other.
    source : Tensor
        Of the input's dtype, with at least as many elements as the mask has True.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.masked_scatter_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.masked_scatter(
    ...     torch.zeros(4), torch.tensor([True, False, True, False]), torch.tensor([5.0, 6.0])
    ... )
    tensor([5., 0., 6., 0.])
    """
    require_tensors("masked_scatter", input=input, mask=mask, source=source)
    shape = broadcast_shape("masked_scatter", tuple(input.shape), tuple(mask.shape))
    place, values = masked_places("masked_scatter", shape, input, mask, source)
    return contiguous(SetItem.apply(expand(input, shape), values, index=place, in_place=False))


def masked_places(
    name: str, shape: tuple[int, ...], input: Tensor, mask: Tensor, source: Tensor
) -> tuple[Any, Tensor]:
    """Return the mask, broadcast, and the elements that go to its places, or raise."""
    if raw(mask).dtype.kind != "b":
        raise RuntimeError(f"{name}: expected BoolTensor for mask, got {raw(mask).dtype}")
    if raw(source).dtype != raw(input).dtype:
        raise RuntimeError(
            f"{name}: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}"
        )
    if broadcast_shape(name, shape, tuple(mask.shape)) != shape:
        raise RuntimeError(
            f"{name}: expected a mask that broadcasts to {list(shape)}, got {list(mask.shape)}"
        )
    place = array_module(raw(mask)).broadcast_to(raw(mask), shape)
    count = int(place.sum())
    if source.numel() < count:
        raise RuntimeError(
            f"{name}: expected source with at least {count} elements, as many as the mask has True, got "
            f"{source.numel()}"
        )
    return place, getitem(reshape(source, (source.numel(),)), slice(0, count))
