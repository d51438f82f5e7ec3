"""Checks of arguments, one for each kind: a flag, an integer, several integers, a number, a dtype.

Every public function asks these, so that a wrong argument is named where it comes in, and not by NumPy or a kernel
far below. Tensors have theirs in ``ops.common`` (``require_tensor``), dimensions, too (``normalize_dim``), numbers
that a dtype must hold in ``scalars``, devices in ``backend``.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.scalars import check_long
from tinygrad_edu.type_names import type_name


def wrong_type(name: str, argument: str, expected: str, value: Any) -> TypeError:
    """Return the error for an argument of a wrong type."""
    call = f"{name}(): " if name else ""
    return TypeError(f"{call}argument '{argument}' must be {expected}, not {type_name(value)}")


def require_bools(name: str, **flags: Any) -> None:
    """Raise unless each argument is True or False.

    Examples
    --------
    >>> require_bools("sum", keepdim=1)
    Traceback (most recent call last):
        ...
    TypeError: sum(): argument 'keepdim' must be bool, not int
    """
    for argument, flag in flags.items():
        if not isinstance(flag, bool | np.bool_):
            raise wrong_type(name, argument, "bool", flag)


def reject_options(name: str, **options: Any) -> None:
    """Raise for an option that PyTorch has and this engine cannot honour, unless it is off: None or False.

    Examples
    --------
    >>> reject_options("embedding", sparse=True)
    Traceback (most recent call last):
        ...
    NotImplementedError: embedding: expected sparse=False, which is all there is here, got True
    """
    for option, value in options.items():
        if value is not None and value is not False:
            off = None if value is not True else False
            raise NotImplementedError(
                f"{name}: expected {option}={off}, which is all there is here, got {value!r}"
            )


def is_int(value: Any) -> bool:
    """Tell whether a value is an integer: of Python, of NumPy, or a 0-d Tensor of integers; booleans are none."""
    if isinstance(value, int | np.integer):
        return not isinstance(value, bool)
    array = getattr(value, "array", None)
    return array is not None and array.ndim == 0 and array.dtype.kind in "iu"


def as_int(name: str, argument: str, value: Any) -> int:
    """Return an integer of at most 64 bits as Python's int."""
    if type(value) is not int:
        if not is_int(value):
            raise wrong_type(name, argument, "int", value)
        value = operator.index(value)
    if abs(value) >= 2**63:
        check_long(name, value)
    return value


def require_ints(name: str, **values: Any) -> None:
    """Raise unless each argument is an integer of at most 64 bits.

    Examples
    --------
    >>> require_ints("chunk", chunks=1.5)
    Traceback (most recent call last):
        ...
    TypeError: chunk(): argument 'chunks' must be int, not float
    """
    for argument, value in values.items():
        as_int(name, argument, value)


def as_ints(name: str, argument: str, values: Any) -> tuple[int, ...]:
    """Return a sequence of integers as a tuple; an array or a Tensor is no sequence."""
    if not isinstance(values, list | tuple):
        raise wrong_type(name, argument, "tuple of ints", values)
    ints = []
    for position, value in enumerate(values):
        if type(value) is not int:
            if not is_int(value):
                raise TypeError(
                    f"{name}(): argument '{argument}' must be tuple of ints, but found element of type "
                    f"{type_name(value)} at pos {position}"
                )
            value = operator.index(value)
        if abs(value) >= 2**63:
            check_long(name, value)
        ints.append(value)
    return tuple(ints)


def is_number(value: Any, complex_too: bool = False) -> bool:
    """Tell whether a value is a number: of Python, of NumPy, or a 0-d Tensor."""
    if isinstance(value, int | float | np.integer | np.floating | np.bool_):
        return True
    if isinstance(value, complex | np.complexfloating):
        return complex_too
    array = getattr(value, "array", None)
    return array is not None and array.ndim == 0 and (complex_too or array.dtype.kind != "c")


def as_number(name: str, argument: str, value: Any) -> Any:
    """Return a real number as Python's int or float.

    Examples
    --------
    >>> as_number("celu", "alpha", "1")
    Traceback (most recent call last):
        ...
    TypeError: celu(): argument 'alpha' must be a number, not str
    """
    if type(value) in (int, float):
        return value
    if not is_number(value):
        raise wrong_type(name, argument, "a number", value)
    return value.item() if hasattr(value, "item") else value


def require_numbers(name: str, complex_too: bool = False, **values: Any) -> None:
    """Raise unless each argument is a number, a real one or, if that is allowed, a complex one."""
    for argument, value in values.items():
        if not is_number(value, complex_too):
            raise wrong_type(name, argument, "a number", value)


def as_numpy_dtype(name: str, dtype: Any, argument: str = "dtype") -> Any:
    """Return the NumPy dtype that an argument stands for: a dtype, or Python's bool, int, float or complex.

    Examples
    --------
    >>> as_numpy_dtype("sum", "float32")
    Traceback (most recent call last):
        ...
    TypeError: sum(): argument 'dtype' must be torch.dtype, not str
    """
    return as_dtype(name, dtype, argument).numpy_dtype


def as_dtype(name: str, dtype: Any, argument: str = "dtype") -> dtypes.dtype:
    """Return a dtype given as one, or as Python's bool, int, float or complex."""
    if isinstance(dtype, dtypes.dtype):
        return dtype
    if isinstance(dtype, type) and dtype in PYTHON_TYPES:
        return PYTHON_TYPES[dtype]
    raise wrong_type(name, argument, "torch.dtype", dtype)


def optional_dtype(name: str, dtype: Any) -> dtypes.dtype | None:
    """Return a dtype, or None if none is given."""
    return None if dtype is None else as_dtype(name, dtype)


PYTHON_TYPES: dict[type, dtypes.dtype] = {
    bool: dtypes.bool_,
    int: dtypes.int64,
    float: dtypes.float64,
    complex: dtypes.complex128,
}
"""What Python's types stand for where a dtype is expected."""
