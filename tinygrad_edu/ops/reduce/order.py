"""What the order of the elements tells: the median, the k-th smallest, the most frequent one, both ends.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import in_rows, normalize_dim, raw, reject_bool, reject_complex, require_tensor
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.reduce.extremum import Extremum, ValuesAndIndices, amax, amin, check_not_empty
from tinygrad_edu.ops.reduce.search import argsort, sort
from tinygrad_edu.ops.shape.layout import reshape, squeeze


class Median(Extremum):
    """The lower one of the middle elements; equal ones share the gradient, as those of the largest do."""

    def forward(self, x: Array, *, ignore_nan: bool) -> Array:  # type: ignore[override]
        xp = array_module(x)
        self.dims = tuple(range(x.ndim))
        ordered = xp.sort(x.reshape(-1))  # NaN comes last
        y = ordered[middle(xp, ordered, ignore_nan)]
        self.save_for_backward(x, y)
        return y


def middle(xp: Any, ordered: Array, ignore_nan: bool) -> Array:
    """Return the place of the lower median in what is ordered along the last dimension: of a NaN, if there is one."""
    n = ordered.shape[-1]
    numbers = (ordered == ordered).sum(-1)
    if ignore_nan:
        return (xp.maximum(numbers, 1) - 1) // 2
    return xp.where(numbers < n, numbers, (n - 1) // 2)


def median(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Any:
    """Median; along ``dim``: (values, indices). Of an even number of elements, the lower one of the two in the middle.

    Parameters
    ----------
    input : Tensor
        Real numbers of any shape; where there is a NaN, it is the result.
    dim : int, optional
        Along which dimension.
    keepdim : bool
        Keep the dimension, with size 1.

    Returns
    -------
    Tensor, or (values, indices)
        The gradient goes to the element that was chosen; without ``dim``, equal ones share it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.median.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.median(torch.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    dim = dim if axis is None else axis
    return _median("median", input, dim, keepdim if keepdims is False else keepdims, False)


def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Any:
    """Median of the elements that are numbers; NaN if none is. The rest is as with :func:`median`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nanmedian(torch.tensor([4.0, float("nan"), 3.0]))
    tensor(3.)
    """
    dim = dim if axis is None else axis
    return _median("nanmedian", input, dim, keepdim if keepdims is False else keepdims, True)


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool, ignore_nan: bool) -> Any:
    require_tensor(name, input)
    require_bools(name, keepdim=keepdim)
    reject_complex(name, input)
    reject_bool(name, input)
    array = raw(input)
    xp = array_module(array)
    if dim is None:
        if array.size == 0:
            empty = np.nan if is_floating(array.dtype) else np.iinfo(array.dtype).min
            return tensor_from_array(xp.full((), empty, array.dtype))
        return Median.apply(input, ignore_nan=ignore_nan)
    axis = normalize_dim(name, dim, input.ndim)
    check_not_empty(name, input, (axis,) if input.ndim else ())
    order = raw(argsort(input, axis))
    if input.ndim == 0:
        return pick(input, axis, order, keepdim)
    return pick(input, axis, call(place_of_median, array, order, axis, ignore_nan), keepdim)


def place_of_median(array: Array, order: Array, dim: int, ignore_nan: bool) -> Array:
    """Return where along ``dim`` the lower median is; ``order`` sorts the array."""
    xp = array_module(array)
    ordered = xp.moveaxis(xp.take_along_axis(array, order, dim), dim, -1)
    place = xp.expand_dims(middle(xp, ordered, ignore_nan), dim)
    return xp.take_along_axis(order, place, dim)


def pick(input: Tensor, dim: int, index: Array, keepdim: bool) -> ValuesAndIndices:
    """Return the elements along ``dim`` at an index of one place each, and the index."""
    index = tensor_from_array(index)
    values = gather(input, dim, index)
    if keepdim or not input.ndim:
        return ValuesAndIndices(values, index)
    return ValuesAndIndices(squeeze(values, dim), squeeze(index, dim))


def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> ValuesAndIndices:
    """Return the ``k``-th smallest element along ``dim``, counted from 1, and its position; NaN is the largest.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.kthvalue(torch.tensor([4.0, 1.0, 3.0]), 2).values
    tensor(3.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_tensor("kthvalue", input)
    require_bools("kthvalue", keepdim=keepdim)
    reject_complex("kthvalue", input)
    reject_bool("kthvalue", input)
    k, dim = as_int("kthvalue", "k", k), normalize_dim("kthvalue", dim, input.ndim)
    check_not_empty("kthvalue", input, (dim,) if input.ndim else ())
    size = input.shape[dim] if input.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: {k} of {size}")
    order = raw(argsort(input, dim))
    if input.ndim:
        order = call(in_rows, call(operator.getitem, order, (slice(None),) * dim + (slice(k - 1, k),)))
    return pick(input, dim, order, keepdim)


def mode(
    input: Tensor, dim: int = -1, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> ValuesAndIndices:
    """Return the most frequent element along ``dim``, the smallest if there are several, and its last position.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.mode(torch.tensor([2, 7, 1, 7])).values
    tensor(7)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_tensor("mode", input)
    require_bools("mode", keepdim=keepdim)
    reject_complex("mode", input)
    dim = normalize_dim("mode", dim, input.ndim)
    check_not_empty("mode", input, (dim,) if input.ndim else ())
    x = to_numpy(raw(input))  # CuPy has no maximum.accumulate: on the host, whatever the device
    if input.ndim == 0:
        return pick(input, 0, raw(argsort(input)), keepdim)
    order = to_numpy(raw(argsort(input, dim)))
    rows = np.moveaxis(np.take_along_axis(x, order, dim), dim, -1)
    places = np.arange(rows.shape[-1])
    begins = np.ones(rows.shape, bool)
    begins[..., 1:] = rows[..., 1:] != rows[..., :-1]
    lengths = places - np.maximum.accumulate(np.where(begins, places, 0), -1)  # of equal ones before each
    last = np.expand_dims(lengths.argmax(-1), dim)
    index = np.take_along_axis(order, last, dim)
    return pick(input, dim, to_device(index, device_of(raw(input))), keepdim)


def msort(input: Tensor) -> Tensor:
    """Return the elements sorted along the first dimension."""
    require_tensor("msort", input)
    return sort(input, 0).values


class MinAndMax(NamedTuple):
    """What ``aminmax`` returns."""

    min: Any
    max: Any


def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, axis: Any = None, keepdims: bool = False
) -> MinAndMax:
    """Return the smallest and the largest element, of all or along ``dim``; equal ones share the gradient.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.aminmax(torch.tensor([4.0, 1.0, 3.0])).max
    tensor(4.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_tensor("aminmax", input)
    require_bools("aminmax", keepdim=keepdim)
    reject_complex("aminmax", input)
    if dim is None:
        if raw(input).size == 0:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity"
            )
        results = amin(input), amax(input)
        shape = (1,) * input.ndim if keepdim else ()
        return MinAndMax(*[reshape(x, shape) for x in results])
    dim = normalize_dim("aminmax", dim, input.ndim)
    check_not_empty("aminmax", input, (dim,) if input.ndim else ())
    return MinAndMax(amin(input, dim, keepdim), amax(input, dim, keepdim))
