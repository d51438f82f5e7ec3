"""Numbers that are evenly spaced.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_number, is_number, optional_dtype
from tinygrad_edu.autograd.telling import constant, tell_called
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import Array, DeviceLike, check_numel
from tinygrad_edu.creation.common import Dtype, checked_count, checked_sizes, converted, finish, float_dtype
from tinygrad_edu.float_errors import quietly
from tinygrad_edu.scalars import check_integer, checked_scalar
from tinygrad_edu.type_names import type_name

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


def _real(name: str, number: Any) -> Any:
    """Return a number, perhaps in a Tensor, as an int or a float."""
    if hasattr(number, "item"):
        number = number.item()
    if not is_number(number, complex_too=True):
        raise TypeError(
            f"{name}(): argument 'start', 'end' or 'step' must be a number, not {type_name(number)}"
        )
    check_integer(name, number)
    return (
        checked_scalar(name, number, np.dtype(np.float64)).item() if isinstance(number, complex) else number
    )


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` (0 if only one argument is given) up to, not including, ``end``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.arange(1, 6, 2)
    tensor([1, 3, 5])
    """
    dtype = optional_dtype("arange", dtype)
    if end is None:
        start, end = 0, start
    start, end, step = [_real("arange", x) for x in (start, end, step)]
    if dtype is None:
        whole = all(isinstance(x, int) for x in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    if dtype == dtypes.bool_ or dtype.is_complex:
        raise NotImplementedError(f"arange: expected a dtype of real numbers, got {dtype}")
    is_half = dtype in (dtypes.float16, dtypes.bfloat16)
    computed_in = dtypes.float32 if is_half else dtypes.float64 if dtype.is_floating_point else dtypes.int64
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    first, last, stride = [
        checked_scalar("arange", x, computed_in.numpy_dtype).item() for x in (start, end, step)
    ]
    if stride == 0:
        error = ValueError if step else RuntimeError  # 0.5 is 0 as an integer
        raise error(f"arange: expected step to be nonzero, got {step} for {dtype}")
    if dtype == dtypes.int64:
        start, end, step = first, last, stride
    elif dtype.is_floating_point:
        start, end, step = float(start), float(end), float(step)
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound inconsistent with step sign: start={start}, end={end}, step={step}"
        )
    count = -((start - end) // step) if dtype == dtypes.int64 else math.ceil((end - start) / step)
    check_numel("arange", (max(int(count), 0),))
    (count,) = checked_sizes("arange", (max(int(count), 0),))
    return finish(evenly(first, stride, count, dtype.numpy_dtype), None, device, requires_grad)


def evenly(first: float, stride: float, count: int, numpy_dtype: Any) -> Array:
    """Return ``count`` numbers, each ``stride`` more than the one before."""
    numbers = converted(first + stride * np.arange(count), numpy_dtype, copy=False)
    return tell_called(evenly, (first, stride, count, numpy_dtype), numbers)


def range(
    start: Any,
    end: Any,
    step: Any = 1,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` up to and including ``end``; PyTorch advises to use ``arange``, and so does this.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.range.html
    """
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    start, end, step = [plain_number("range", x) for x in (start, end, step)]
    if step == 0:
        raise RuntimeError("range: step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"range: upper bound and lower bound inconsistent with step sign: {start} to {end} by {step}"
        )
    count = math.floor((end - start) / step) + 1
    check_numel("range", (count,))
    array = start + np.arange(count) * step
    return finish(constant(array.astype(float_dtype(dtype))), None, device, requires_grad)


def plain_number(name: str, number: Any) -> Any:
    """Return a number, which may stand in a Tensor, as Python's."""
    number = number.item() if hasattr(number, "item") else number
    if not isinstance(number, int | float):
        raise TypeError(f"{name}(): expected a number, got {type_name(number)}")
    return number


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    numbers, wanted = _evenly_spaced("linspace", start, end, steps, dtype)
    return finish(constant(converted(numbers, wanted)), None, device, requires_grad)


def _evenly_spaced(name: str, start: Any, end: Any, steps: int, dtype: Dtype) -> tuple[Array, Any]:
    """Return evenly spaced numbers, not yet of the NumPy dtype that is returned with them."""
    dtype = optional_dtype(name, dtype)
    for x in (start, end):
        if isinstance(x, TensorBase) and x.ndim:
            raise RuntimeError(f"{name}: expected numbers or 0-dimensional tensors, got {list(x.shape)}")
    ends = [x.item() if isinstance(x, TensorBase) else x for x in (start, end)]
    has_complex = any(isinstance(x, complex) for x in ends)
    if dtype is None and has_complex:
        dtype = dtypes.promote_types(dtypes.get_default_dtype(), dtypes.complex64)
    wanted = float_dtype(dtype)
    if wanted.kind != "c" and has_complex:
        raise RuntimeError(f"{name}: expected real numbers for {dtype}, got {start} and {end}")
    if wanted.kind == "b":
        raise NotImplementedError(f"{name}: expected a dtype of numbers, got {dtype}")
    first, last = [checked_scalar(name, x, wanted).item() for x in ends]
    return quietly(_spaced, first, last, checked_count(name, "steps", steps)), wanted


def _spaced(start: float, end: float, steps: int) -> Array:
    """Return evenly spaced numbers, each counted from the end that is nearer."""
    index = np.arange(steps)
    step = (end - start) / max(steps - 1, 1)
    return np.where(index < max(steps // 2, 1), start + step * index, end - step * (steps - 1 - index))


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from base^start to base^end, evenly spaced on a logarithmic scale."""
    base = as_number("logspace", "base", base)
    exponents, wanted = _evenly_spaced("logspace", start, end, steps, dtype)
    return finish(
        constant(converted(quietly(np.power, base, exponents), wanted)), None, device, requires_grad
    )
