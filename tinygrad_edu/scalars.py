"""Python numbers as scalars of a dtype: which of them a dtype can hold, and what becomes of the others.

Whoever writes a number into a tensor (``fill_``, ``full``, ``clamp``, ``where``, ...) asks :func:`checked_scalar`,
which refuses what does not fit. Arithmetic (``x + 300``) takes :func:`as_scalar`: there too large an integer wraps
round and too large a float becomes infinity, as they do in an addition of two tensors.

References
----------
https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tinygrad_edu.float_errors import quietly
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, float_limits, is_inexact
from tinygrad_edu.type_names import type_name


def holds(number: complex, numpy_dtype: Any) -> bool:
    """Tell whether a dtype can hold a number, rounded at most.

    Every number is a boolean, infinity and NaN are floating-point, and an unsigned integer takes negative ones that
    wrap round only once: PyTorch's rules.

    Examples
    --------
    >>> holds(300, np.dtype("uint8")), holds(-1, np.dtype("uint8")), holds(1.5, np.dtype("uint8"))
    (False, True, True)
    >>> holds(70000, np.dtype("float16")), holds(math.inf, np.dtype("float16"))
    (False, True)
    """
    kind = numpy_dtype.kind
    if kind == "b":
        return True
    if isinstance(number, complex):
        return holds(number.real, numpy_dtype) and (
            number.imag == 0 if kind != "c" else holds(number.imag, numpy_dtype)
        )
    lowest, highest = limits(numpy_dtype)
    if is_inexact(numpy_dtype):
        return not (number < lowest or number > highest) or math.isinf(number)
    if isinstance(number, int) and lowest == 0:
        lowest = -highest
    return lowest <= number <= highest


@functools.cache
def limits(numpy_dtype: Any) -> tuple[Any, Any]:
    """Return the lowest and the highest number of a dtype."""
    if numpy_dtype.kind == "b":
        return 0, 1
    if numpy_dtype.kind in "iu":
        integers = np.iinfo(numpy_dtype)
        return int(integers.min), int(integers.max)
    info: Any = float_limits(numpy_dtype)
    return float(info.min), float(info.max)


def checked_scalar(name: str, number: Any, numpy_dtype: Any) -> Any:
    """Return a number as a NumPy scalar of a dtype that can hold it.

    Raises
    ------
    RuntimeError
        If it cannot.
    OverflowError
        If the number is an integer of more than 64 bits.
    TypeError
        If it is no number.
    """
    if isinstance(number, np.generic):
        number = number.item()
    if not isinstance(number, int | float | complex):
        raise TypeError(f"{name}(): expected a number, got {type_name(number)}")
    check_integer(name, number)
    if not holds(number, numpy_dtype):
        raise RuntimeError(
            f"{name}: value cannot be converted to type {numpy_dtype} without overflow: {_expected(numpy_dtype)}, got "
            f"{number}"
        )
    if isinstance(number, complex) and numpy_dtype.kind not in "bc":
        number = number.real
    return as_scalar(number, numpy_dtype)


def _expected(numpy_dtype: Any) -> str:
    lowest, highest = limits(numpy_dtype)
    return f"expected a {'real ' * (numpy_dtype.kind != 'c')}number from {lowest} to {highest}"


def element_scalar(name: str, number: Any, numpy_dtype: Any) -> Any:
    """Return a number as one element of a tensor: checked, but in half precision too large a number is infinity.

    So ``scores[mask] = -1e9`` works in float16, as it does in PyTorch.
    """
    if numpy_dtype in HALF_DTYPES and isinstance(number, int | float):
        check_integer(name, number)
        return as_scalar(number, numpy_dtype)
    return checked_scalar(name, number, numpy_dtype)


def check_integer(name: str, number: Any) -> None:
    """Raise for an integer of more than 64 bits."""
    if isinstance(number, int) and not -(2**63) <= number < 2**64:
        raise OverflowError(f"{name}: expected an integer of at most 64 bits, got {number}")


def check_long(name: str, number: Any) -> None:
    """Raise for an integer that int64 does not hold."""
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise ValueError(
            f"{name}: Overflow when unpacking long long: expected integers from -2**63 to 2**63 - 1, got {number}"
        )


def as_scalar(number: Any, numpy_dtype: Any) -> Any:
    """Return a Python number as a NumPy scalar.

    Too large a number is infinity, without NumPy's warning; too large an integer wraps round, as in PyTorch.
    """
    try:
        return quietly(numpy_dtype.type, number)
    except OverflowError:
        return np.asarray(number).astype(numpy_dtype)[()]
