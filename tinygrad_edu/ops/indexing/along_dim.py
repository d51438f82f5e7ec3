"""Elements along one dimension: those at some places of it, in one place, in a range, or under a mask.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    broadcast_shape,
    check_positions,
    check_vector,
    flat_index,
    normalize_dim,
    raw,
    require_dtype_of,
    require_tensor,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.index import getitem, index_put_zeros
from tinygrad_edu.ops.promotion import checked_factor
from tinygrad_edu.ops.shape.layout import expand, reshape


def one_place(name: str, index: Array) -> Array:
    """Return the index of a 0-d tensor, which has one place."""
    if raw(index).size != 1:
        raise explained(RuntimeError(f"{name}: expected one position in a 0-d tensor, got {raw(index).size}"))
    return index


def index_select(input: Tensor, dim: Any = None, index: Any = None, *, axis: Any = None) -> Tensor:
    """Return the slices along ``dim`` that a 1-d index names, in its order.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.index_select.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.index_select(torch.tensor([5, 6, 7]), 0, torch.tensor([2, 0]))
    tensor([7, 5])
    """
    dim = dim if axis is None else axis
    require_tensor("index_select", input)
    check_vector("index_select", index)
    if not input._is_strided:
        return input.index_select(dim, index)
    dim = normalize_dim("index_select", dim, input.ndim)
    if input.ndim == 0:
        return reshape(index_select(reshape(input, (1,)), 0, one_place("index_select", index)), ())
    check_positions("index_select", raw(index), input.shape[dim])
    return getitem(input, (slice(None),) * dim + (flat_index(index),))


@rounded_once
def index_add(
    input: Tensor,
    dim: Any = None,
    index: Any = None,
    source: Any = None,
    *,
    alpha: float = 1,
    axis: Any = None,
) -> Tensor:
    """Return a copy with the slices of ``source`` added to those along ``dim`` that the index names.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        Along which dimension.
    index : Tensor
        (k,) integers; a slice named twice gets both.
    source : Tensor
        The input's shape, with k for the size of ``dim``.
    alpha : number
        A factor for the source.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.index_add(torch.zeros(3), 0, torch.tensor([2, 2]), torch.tensor([1.0, 4.0]))
    tensor([0., 0., 5.])
    """
    dim = dim if axis is None else axis
    require_tensor("index_add", input)
    check_vector("index_add", index)
    require_tensor("index_add", source, "source")
    dim = normalize_dim("index_add", dim, input.ndim)
    if input.ndim == 0:
        source = reshape(source, tuple(one_place("index_add", index).shape) or (1,))
        return reshape(index_add(reshape(input, (1,)), 0, index, source, alpha=alpha), ())
    require_dtype_of("index_add", input, source=source)
    check_positions("index_add", raw(index), input.shape[dim])
    expected = (*input.shape[:dim], raw(index).size, *input.shape[dim + 1 :])
    if tuple(source.shape) != expected:
        raise explained(
            RuntimeError(
                f"index_add: expected source of shape {list(expected)} for an index of {list(index.shape)}, got "
                f"{list(source.shape)}"
            )
        )
    place = (slice(None),) * dim + (flat_index(index),)
    if alpha != 1:
        source = source * checked_factor("index_add", alpha, input, source)
    return input + index_put_zeros(source, place, tuple(input.shape))


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where the mask (broadcast to the input) is True, as a vector.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor([3, -1, 2])
    >>> torch.masked_select(x, x > 0)
    tensor([3, 2])
    """
    require_tensor("masked_select", input)
    require_tensor("masked_select", mask, "mask")
    if raw(mask).dtype.kind != "b":
        raise explained(RuntimeError(f"masked_select: expected BoolTensor for mask, got {raw(mask).dtype}"))
    shape = broadcast_shape("masked_select", tuple(input.shape), tuple(mask.shape))
    return getitem(expand(input, shape), array_module(raw(mask)).broadcast_to(raw(mask), shape))


def select(input: Tensor, dim: Any = None, index: Any = None, *, axis: Any = None) -> Tensor:
    """Return one slice along ``dim``, without that dimension: a view."""
    dim = dim if axis is None else axis
    require_tensor("select", input)
    if isinstance(index, TensorBase) and raw(index).size == 1:
        index = reshape(index, ())
    dim, index = normalize_dim("select", dim, input.ndim), as_int("select", "index", index)
    if not input.ndim or not -input.shape[dim] <= index < input.shape[dim]:
        raise explained(
            IndexError(
                f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
            )
        )
    return getitem(input, (slice(None),) * dim + (index,))


def narrow(
    input: Tensor, dim: Any = None, start: Any = None, length: Any = None, *, axis: Any = None
) -> Tensor:
    """Return ``length`` slices along ``dim`` from ``start`` on: a view."""
    dim = dim if axis is None else axis
    require_tensor("narrow", input)
    if input.ndim == 0:
        raise RuntimeError("narrow: expected at least one dimension, got a 0-d tensor")
    dim = normalize_dim("narrow", dim, input.ndim)
    size = input.shape[dim]
    if isinstance(start, TensorBase) and (start.ndim or raw(start).dtype.kind not in "iu"):
        raise RuntimeError(f"narrow: expected start to be an int or a 0-d integer tensor, got {start!r}")
    start, length = as_int("narrow", "start", start), as_int("narrow", "length", length)
    if not -size <= start <= size:
        raise explained(IndexError(f"narrow: expected start in range of [{-size}, {size}], got {start}"))
    start = start + size if start < 0 else start
    if length < 0 or start + length > size:
        raise explained(RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size})."))
    return getitem(input, (slice(None),) * dim + (slice(start, start + length),))
