"""Numbers between borders: in which bin each falls, and how many fall into each.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.searchsorted.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, is_number, require_bools, require_numbers
from tinygrad_edu.autograd.op import check_same_device
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import array_module, check_numel
from tinygrad_edu.ops.common import raw, reject_complex, require_floating_point, require_tensor
from tinygrad_edu.ops.summation import wide


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    r"""Return where each number would have to be put in among sorted ones, so that they stay sorted.

    Parameters
    ----------
    sorted_sequence : Tensor
        (n,), or (\*, n) with rows for the rows of the input.
    input : Tensor or number
        Any shape, or (\*, m).
    out_int32 : bool
        int32 places instead of int64.
    right : bool
        Behind equal ones instead of before them.
    side : {"left", "right"}, optional
        The same in words.
    sorter : Tensor, optional
        The places that would sort the sequence, if it is not sorted.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.searchsorted.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 4]))
    tensor([0, 1, 2])
    """
    require_tensor("searchsorted", sorted_sequence, "sorted_sequence")
    require_bools("searchsorted", out_int32=out_int32, right=right)
    if side not in (None, "left", "right") or (side == "left" and right):
        raise RuntimeError(
            f"searchsorted: expected side 'left' or 'right', as right={right} says, got {side!r}"
        )
    borders = raw(sorted_sequence)
    if sorter is not None:
        require_tensor("searchsorted", sorter, "sorter")
        borders = _sorted_by(borders, raw(sorter))
    return _places("searchsorted", borders, input, right or side == "right", out_int32)


def _sorted_by(borders: Any, order: Any) -> Any:
    if order.shape != borders.shape or order.dtype.name != "int64":
        raise RuntimeError(
            f"searchsorted: expected a sorter of int64 and of shape {list(borders.shape)}, got {list(order.shape)} of "
            f"{order.dtype}"
        )
    if order.size and (order.min() < 0 or order.max() >= borders.shape[-1]):
        raise RuntimeError(f"searchsorted: expected a sorter of places below {borders.shape[-1]}, got others")
    return array_module(borders).take_along_axis(borders, order, -1)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Return the number of the bin that each element falls into: :func:`searchsorted` the other way round.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.bucketize(torch.tensor([0, 3, 9]), torch.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    require_tensor("bucketize", boundaries, "boundaries")
    require_bools("bucketize", out_int32=out_int32, right=right)
    if boundaries.ndim != 1:
        raise RuntimeError(f"bucketize: boundaries tensor must be 1 dimension, but got {boundaries.ndim}")
    return _places("bucketize", raw(boundaries), input, right, out_int32)


def _places(name: str, borders: Any, values: Any, right: bool, out_int32: bool) -> Tensor:
    if not isinstance(values, TensorBase) and not is_number(values):
        require_tensor(name, values)
    xp, x = array_module(borders), raw(values)
    if isinstance(values, TensorBase):
        check_same_device(name, (borders, x))
        reject_complex(name, values)
        if x.dtype != borders.dtype and borders.ndim and x.ndim:
            raise RuntimeError(
                f"{name}: expected borders and input of one dtype, got {borders.dtype} and {x.dtype}"
            )
    else:
        x = xp.asarray(x)
    if borders.dtype.kind == "c":
        reject_complex(name, tensor_from_array(borders))
    if (
        borders.ndim == 0
        or (borders.ndim > 1 and borders.shape[:-1] != x.shape[:-1])
        or borders.ndim > max(x.ndim, 1)
    ):
        raise RuntimeError(
            f"{name}: expected borders of shape (n,), or of the input's shape but for the last dimension, got "
            f"{list(borders.shape)} for {list(x.shape)}"
        )
    borders, x = wide(borders), wide(x)
    side = "right" if right else "left"
    if borders.ndim == 1:
        places = xp.asarray(xp.searchsorted(borders, x, side))
    else:
        count = math.prod(x.shape[:-1])
        rows = borders.reshape(count, borders.shape[-1]), x.reshape(count, x.shape[-1])
        found = [xp.searchsorted(b, v, side) for b, v in zip(*rows, strict=True)]
        places = xp.stack(found).reshape(x.shape) if found else xp.zeros(x.shape, "int64")
    return tensor_from_array(places.astype("int32" if out_int32 else "int64"))


def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0) -> Tensor:
    """Count the elements in ``bins`` intervals of equal width from ``min`` to ``max``; others do not count.

    If both limits are equal, as by default, they are the smallest and the largest element. The last bin has its upper
    border, too.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0, 4.0]), bins=4, min=0, max=4)
    tensor([0., 2., 1., 1.])
    """
    require_floating_point("histc", input, error=RuntimeError)
    require_numbers("histc", min=min, max=max)
    bins, array = as_int("histc", "bins", bins), raw(input).reshape(-1)
    if bins <= 0:
        raise RuntimeError(f"histc: bins must be > 0, got {bins}")
    check_numel("histc", (bins,))
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"histc: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"histc: max must be larger than min, got {min} and {max}")
    xp = array_module(array)
    inside = array[(array >= low) & (array <= high)]
    places = (
        (inside - array.dtype.type(low)) / array.dtype.type(high - low) * array.dtype.type(bins)
    ).astype("int64")
    counts = xp.bincount(xp.minimum(places, bins - 1), minlength=bins)
    return tensor_from_array(counts.astype(array.dtype))
