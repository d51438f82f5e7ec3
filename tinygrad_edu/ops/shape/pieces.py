"""Taking apart at given places, joining along the third dimension, and the least number of dimensions.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import as_int, as_ints, is_int, wrong_type
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import is_on_host
from tinygrad_edu.ops.common import normalize_dim, raw, require_tensor
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.ops.shape.join import cat, check_sequence
from tinygrad_edu.ops.shape.layout import reshape


def tensor_split(
    input: Tensor,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    sections: Any = None,
    indices: Any = None,
    tensor_indices_or_sections: Any = None,
    axis: Any = None,
) -> tuple[Tensor, ...]:
    """Return views of a tensor that is cut at given places, or into so many parts.

    Parameters
    ----------
    input : Tensor
        Any shape with a dimension.
    indices_or_sections : int, sequence of int, or Tensor of int64
        Into how many parts, of which the first ones may be larger by one; or before which slices to cut. Also as
        ``sections=`` and ``indices=``.
    dim : int
        Along which dimension.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.tensor_split.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor_split(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> torch.tensor_split(torch.arange(5), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    dim = dim if axis is None else axis
    require_tensor("tensor_split", input)
    places = _places(the_given(indices_or_sections, sections, indices, tensor_indices_or_sections))
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, got a 0-d one")
    dim = normalize_dim("tensor_split", dim, input.ndim)
    size = input.shape[dim]
    if is_int(places):
        if places <= 0:
            raise RuntimeError(f"tensor_split: number of sections must be larger than 0, got {places}")
        places = [i * (size // places) + min(i, size % places) for i in range(1, places)]
    before = (slice(None),) * dim
    borders = zip([0, *places], [*places, None], strict=True)
    return tuple([getitem(input, (*before, slice(start, end))) for start, end in borders])


def the_given(*values: Any) -> Any:
    """Return that one of several arguments which is given: what they have different names for."""
    given = [value for value in values if value is not None]
    if len(given) > 1:
        raise TypeError(f"split: expected sections or indices, got {len(given)} of them: {given}")
    return given[0] if given else None


def _places(given: Any) -> Any:
    """Return the places, or the number of parts, as Python numbers."""
    if not isinstance(given, TensorBase):
        if is_int(given):
            return as_int("tensor_split", "sections", given)
        if not isinstance(given, list | tuple):
            require_tensor("tensor_split", given, "indices_or_sections")
        return list(as_ints("tensor_split", "indices", given))
    array = raw(given)
    if not is_on_host(array) or array.dtype.name != "int64" or array.ndim > 1:
        raise RuntimeError(
            "tensor_split: expected indices or sections as a 0-d or 1-d tensor of int64 on the CPU, got "
            f"{list(array.shape)} of {array.dtype}"
        )
    return array.tolist()


def hsplit(
    input: Tensor, indices_or_sections: Any = None, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """Cut along the second dimension, or the only one: into equal parts, or at given places.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.hsplit(torch.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1],
            [3]]), tensor([[2],
            [4]]))
    """
    return _equal_parts("hsplit", input, the_given(indices_or_sections, sections, indices), 1, 1)


def vsplit(
    input: Tensor, indices_or_sections: Any = None, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """Cut along the first dimension of at least two: into equal parts, or at given places."""
    return _equal_parts("vsplit", input, the_given(indices_or_sections, sections, indices), 0, 2)


def dsplit(
    input: Tensor, indices_or_sections: Any = None, *, sections: Any = None, indices: Any = None
) -> tuple[Tensor, ...]:
    """Cut along the third dimension: into equal parts, or at given places."""
    return _equal_parts("dsplit", input, the_given(indices_or_sections, sections, indices), 2, 3)


def _equal_parts(name: str, input: Tensor, given: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    require_tensor(name, input)
    if isinstance(given, TensorBase) or not (is_int(given) or isinstance(given, list | tuple)):
        raise wrong_type(name, "indices_or_sections", "int or tuple of ints", given)
    if input.ndim < least:
        raise RuntimeError(
            f"{name} requires a tensor with at least {least} dimension, but got {input.ndim} dimensions!"
        )
    dim = min(dim, input.ndim - 1)
    size = input.shape[dim]
    if is_int(given) and (given == 0 or size % given):
        raise RuntimeError(
            f"{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not "
            f"divisible by the split_size {given}!"
        )
    return tensor_split(input, given, dim)


def atleast_1d(*tensors: Any) -> Any:
    """Return each tensor, a 0-d one as a vector; several, or a sequence of them, as a tuple."""
    return _atleast("atleast_1d", tensors, 1)


def atleast_2d(*tensors: Any) -> Any:
    """Return each tensor with at least two dimensions, a vector as a row; several as a tuple."""
    return _atleast("atleast_2d", tensors, 2)


def atleast_3d(*tensors: Any) -> Any:
    """Return each tensor with at least three dimensions: (n,) as (1, n, 1), (m, n) as (m, n, 1); several as a tuple.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.atleast_3d(torch.zeros(2)).shape
    torch.Size([1, 2, 1])
    """
    return _atleast("atleast_3d", tensors, 3)


def _atleast(name: str, tensors: tuple[Any, ...], ndim: int) -> Any:
    given = tensors[0] if len(tensors) == 1 else tensors
    if isinstance(given, list | tuple):
        for i, x in enumerate(given):
            require_tensor(name, x, f"element {i} of tensors")
        return tuple([_with_dims(x, ndim) for x in given])
    require_tensor(name, given, "tensors")
    return _with_dims(given, ndim)


def _with_dims(x: Tensor, ndim: int) -> Tensor:
    if x.ndim >= ndim:
        return x
    shape = tuple(x.shape)
    if ndim == 3:
        return reshape(x, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[x.ndim])
    return reshape(x, (1,) * (ndim - x.ndim) + shape)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join one behind the other: along the third dimension, which all get.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.dstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat([_with_dims(x, 3) for x in check_sequence("dstack", tensors)], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Join side by side; vectors become columns.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = check_sequence("column_stack", tensors)
    return cat([reshape(x, (x.numel(), 1)) if x.ndim < 2 else x for x in parts], 1)
