"""``make_tensor``: random numbers of any dtype, for tests."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.creation import empty
from tinygrad_edu.memory_formats import check_memory_format
from tinygrad_edu.sampling import randint


def make_tensor(
    *shape: Any,
    dtype: dtypes.dtype,
    device: DeviceLike,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return a Tensor of random numbers from ``low`` up to ``high``, all of them equally likely.

    Parameters
    ----------
    *shape : int, or a sequence of int
        Its shape.
    dtype, device
        Its dtype and its device.
    low, high : float, optional
        By default -9 and 9 for floating-point and complex numbers, -9 and 10 for integers (0 at least where they have
        no sign), 0 and 2 for bool. ``high`` is not among the integers.
    requires_grad : bool
        Whether it is to have a gradient.
    noncontiguous : bool
        Whether its elements lie apart in memory.
    exclude_zero : bool
        Put 1, or the smallest normal number, where there would be 0.
    memory_format : torch.memory_format, optional
        Accepted.

    References
    ----------
    https://docs.pytorch.org/docs/stable/testing.html#torch.testing.make_tensor
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    check_memory_format("make_tensor", memory_format, len(sizes))
    is_inexact = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not is_inexact:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}"
        )
    is_apart = noncontiguous and math.prod(sizes) > 1
    if is_apart:
        sizes = (*sizes[:-1], 2 * sizes[-1])
    first, last = _bounds(dtype, low, high)
    if is_inexact:
        result = empty(sizes, dtype=dtype, device=device)
        result.copy_(_between(sizes, first, last, dtype, device))
    else:
        result = randint(math.ceil(first), math.ceil(last), sizes, dtype=dtype, device=device)
    if is_apart:
        result = result[..., 1::2]
    if exclude_zero:
        result[result == 0] = dtypes.finfo(dtype).tiny if is_inexact else 1
    return result.requires_grad_() if requires_grad else result


def _between(sizes: Any, first: float, last: float, dtype: dtypes.dtype, device: DeviceLike) -> Tensor:
    """Return random numbers in float64; they are drawn with half the bounds, whose distance is finite."""
    wide = dtypes.complex128 if dtype.is_complex else dtypes.float64
    parts = [
        empty(sizes, dtype=dtypes.float64, device=device).uniform_(first / 2, last / 2) * 2
        for _ in range(2 if dtype.is_complex else 1)
    ]
    return parts[0].to(wide) + parts[1].to(wide) * 1j if dtype.is_complex else parts[0]


def _bounds(dtype: dtypes.dtype, low: float | None, high: float | None) -> tuple[float, float]:
    """Return the bounds, after a look at whether the dtype has such numbers."""
    least: float
    most: float
    if dtype is dtypes.bool_:
        least, most, defaults = 0, 2, (0, 2)
    elif dtype.is_floating_point or dtype.is_complex:
        least, most, defaults = dtypes.finfo(dtype).min, dtypes.finfo(dtype).max, (-9, 9)
    else:
        info = dtypes.iinfo(dtype)
        least, most, defaults = info.min, info.max + (dtype is not dtypes.int64), (-9, 10)
    first, last = defaults[0] if low is None else low, defaults[1] if high is None else high
    if math.isnan(first) or math.isnan(last):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={first} and high={last}")
    if first == last and (dtype.is_floating_point or dtype.is_complex):
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated. Use "
            "`torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif first >= last:
        raise ValueError(f"`low` must be less than `high`, but got {first} >= {last}")
    elif last < least or first >= most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{first}, {last}), but {dtype} only supports "
            f"[{least}, {most})"
        )
    return min(max(first, least), most), min(max(last, least), most)
