"""Sorting and searching.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#comparison-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, check_numel
from tinygrad_edu.ops.common import (
    normalize_dim,
    optional_tensors,
    raw,
    reject_complex,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.indexing.along_dim import narrow
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.reduce.extremum import ValuesAndIndices
from tinygrad_edu.ops.shape.layout import contiguous
from tinygrad_edu.ops.summation import wide


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True, *, axis: Any = None
) -> Tensor:
    """Return the positions that would sort the tensor along ``dim``; equal elements keep their order."""
    dim = dim if axis is None else axis
    require_tensor("argsort", input)
    require_bools("argsort", descending=descending, stable=stable)
    reject_complex("argsort", input)
    dim = normalize_dim("argsort", dim, input.ndim)
    return tensor_from_array(call(stable_order, raw(input), dim, descending))


def stable_order(array: Array, dim: int, descending: bool) -> Array:
    """Return the positions that would sort an array along ``dim``."""
    array = wide(array)  # NumPy puts the NaN of bfloat16 anywhere
    xp = array_module(array)
    if array.ndim == 0:
        return xp.zeros((), "int64")
    if descending:  # sort the reversed array and count from the other end, so that the order stays stable
        order = xp.flip(array.shape[dim] - 1 - xp.argsort(xp.flip(array, dim), dim, kind="stable"), dim)
    else:
        order = xp.argsort(array, dim, kind="stable")
    return xp.ascontiguousarray(order)


def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True, *, axis: Any = None
) -> ValuesAndIndices:
    """Return the sorted elements along ``dim`` and the positions they had; the gradient goes back there.

    Parameters
    ----------
    input : Tensor
        Any shape; NaN counts as the largest.
    dim : int
        Along which dimension.
    descending : bool
        The largest first.
    stable : bool
        Equal elements keep their order; here they always do.

    Returns
    -------
    (values, indices)
        Both of the input's shape.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sort.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sort(torch.tensor([3.0, 1.0, 2.0])).values
    tensor([1., 2., 3.])
    """
    dim = dim if axis is None else axis
    order = argsort(input, dim, descending, stable)
    return ValuesAndIndices(gather(input, dim, order), contiguous(order))


def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, axis: Any = None
) -> ValuesAndIndices:
    """Return the ``k`` largest (or smallest) elements along ``dim``, in order, and their positions.

    Parameters
    ----------
    input : Tensor
        Any shape.
    k : int
        How many; at most the size of ``dim``.
    dim : int
        Along which dimension.
    largest : bool
        The largest, or the smallest.
    sorted : bool
        Whether they must be in order; here they always are.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.topk.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.topk(torch.tensor([5.0, 9.0, 7.0]), 2).indices
    tensor([1, 2])
    """
    dim = dim if axis is None else axis
    require_tensor("topk", input)
    require_bools("topk", largest=largest, sorted=sorted)
    k = as_int("topk", "k", k)
    axis = normalize_dim("topk", dim, input.ndim)
    size = input.shape[axis] if input.ndim else 1
    if k < 0 or k > size:
        raise RuntimeError(f"selected index k out of range: got k={k} for size {size} at dimension {axis}")
    order = narrow(argsort(input, dim, descending=largest), axis, 0, k) if input.ndim else argsort(input)
    return ValuesAndIndices(gather(input, dim, order), contiguous(order))


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the different elements in order; if asked, also where each went and how often each occurs.

    Parameters
    ----------
    input : Tensor
        Any shape; it is flattened unless ``dim`` is given.
    sorted : bool
        Whether they must be in order; here they always are.
    return_inverse : bool
        Also return, for every element of the input, its place among the different ones.
    return_counts : bool
        Also return how often each occurs.
    dim : int, optional
        Compare the slices along it, instead of the elements.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    require_tensor("unique", input)
    reject_complex("unique", input)
    require_bools("unique", sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    xp = array_module(raw(input))
    axis = None if dim is None else normalize_dim("unique", dim, input.ndim)
    if axis is not None and input.ndim == 0:
        axis = None
    if axis is not None and 0 in input.shape[:axis] + input.shape[axis + 1 :]:
        raise RuntimeError(
            f"unique: expected slices that are not empty, got dim {axis} of shape {list(input.shape)}"
        )
    values, inverse, counts = xp.unique(
        wide(raw(input)), return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    results = [values.astype(raw(input).dtype, copy=False)]
    if return_inverse:
        results.append(inverse.reshape(input.shape if axis is None else -1))
    if return_counts:
        results.append(counts)
    tensors = tuple([tensor_from_array(r) for r in results])
    return tensors if len(tensors) > 1 else tensors[0]


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the elements without those that are equal to the one before; else as :func:`unique`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.unique_consecutive(torch.tensor([3, 3, 1, 3]), return_counts=True)
    (tensor([3, 1, 3]), tensor([2, 1, 1]))
    """
    require_tensor("unique_consecutive", input)
    require_bools("unique_consecutive", return_inverse=return_inverse, return_counts=return_counts)
    array, shape = raw(input), tuple(input.shape)
    xp = array_module(array)
    axis = None if dim is None else normalize_dim("unique_consecutive", dim, input.ndim)
    rows = array.reshape(-1) if axis is None or not shape else xp.moveaxis(array, axis, 0)
    begins = xp.ones(len(rows), bool)
    if len(rows) > 1:
        begins[1:] = (rows[1:] != rows[:-1]).reshape(len(rows) - 1, -1).any(1)
    values = (
        rows[begins]
        if axis is None or not shape
        else xp.ascontiguousarray(xp.moveaxis(rows[begins], 0, axis))
    )
    results = [values]
    if return_inverse:
        inverse = xp.cumsum(begins) - 1
        results.append(inverse.reshape(shape) if axis is None else inverse)
    if return_counts:
        results.append(xp.diff(xp.append(xp.flatnonzero(begins), len(rows))))
    tensors = tuple([tensor_from_array(r) for r in results])
    return tensors if len(tensors) > 1 else tensors[0]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Count how often each non-negative integer occurs, or add up the weights of its places.

    Parameters
    ----------
    input : Tensor
        (n,) integers.
    weights : Tensor, optional
        (n,) numbers to add up instead of ones.
    minlength : int
        The least size of the result, which otherwise ends with the largest integer.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.bincount(torch.tensor([0, 2, 2]), minlength=4)
    tensor([1, 0, 2, 0])
    """
    require_tensors("bincount", input=input)
    optional_tensors("bincount", weights=weights)
    minlength = as_int("bincount", "minlength", minlength)
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    xp = array_module(raw(input))
    if raw(input).ndim != 1 or raw(input).dtype.kind not in "iu" or (raw(input) < 0).any():
        raise RuntimeError(
            "bincount: expected a 1-d tensor of non-negative integers, got "
            f"{list(input.shape)} of {raw(input).dtype}"
        )
    if weights is not None and tuple(weights.shape) != tuple(input.shape):
        raise RuntimeError(
            f"bincount: input and weights should have the same length, got {list(input.shape)} and "
            f"{list(weights.shape)}"
        )
    check_numel("bincount", (minlength,))
    if weights is None:
        return tensor_from_array(xp.bincount(raw(input), minlength=minlength))
    dtype = raw(weights).dtype if raw(weights).dtype == np.float32 else np.float64
    return tensor_from_array(xp.bincount(raw(input), raw(weights), minlength).astype(dtype))
