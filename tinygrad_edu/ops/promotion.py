"""Promotion: the one dtype, and the one device, of operands that are computed with together.

References
----------
https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import is_on_host
from tinygrad_edu.numpy_dtypes import FLOATING_KINDS, is_floating
from tinygrad_edu.ops.common import cast, raw, require_tensor
from tinygrad_edu.scalars import as_scalar, check_integer, checked_scalar, element_scalar


def promote(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands of one dtype, by PyTorch's promotion rules; Python numbers become NumPy scalars."""
    if isinstance(a, TensorBase) and isinstance(b, TensorBase):
        if type(a.array) is not type(b.array):  # one of them is on a GPU
            a, b = on_one_device(a, b)
        if a.array.dtype == b.array.dtype:
            return a, b
    elif fits(b, a):
        return a, a.array.dtype.type(b)
    elif fits(a, b):
        return b.array.dtype.type(a), b
    return promote_by(dtypes.result_numpy_dtype, name, a, b)


def promote_to_float(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands of one floating-point dtype: the default one if both are integers or booleans."""
    if fits(b, a):
        return a, a.array.dtype.type(b)
    return promote_by(float_result_dtype, name, *on_one_device(a, b))


def float_result_dtype(a: Any, b: Any) -> Any:
    """Return the dtype in which two operands are divided."""
    dtype = dtypes.result_numpy_dtype(a, b)
    return dtypes.get_default_dtype().numpy_dtype if dtype.kind in "biu" else dtype


def promote_by(result_dtype: Callable[[Any, Any], Any], name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands, at least one of them a Tensor, in the dtype that a rule gives."""
    if not isinstance(b, TensorBase):
        require_tensor(name, a)
    a, b = without_numpy_scalars(a, b)
    check_integer(name, a)
    check_integer(name, b)
    try:
        dtype = result_dtype(raw(a), raw(b))
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    return _with_dtype(a, dtype), _with_dtype(b, dtype)


def promote_checked(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Do what ``promote`` does, for a result that holds the operands themselves: its dtype must hold a number, too."""
    a, b = without_numpy_scalars(a, b)
    for number, tensor in ((a, b), (b, a)):
        if isinstance(number, int | float | complex) and isinstance(tensor, TensorBase):
            element_scalar(name, number, dtypes.result_numpy_dtype(number, tensor.array))
    return promote(name, a, b)


def checked_factor(name: str, number: Any, *operands: Any) -> Any:
    """Return a factor of the operands, of which the first is a Tensor: the dtype of all of them must hold it."""
    dtype = functools.reduce(dtypes.result_numpy_dtype, [raw(x) for x in operands])
    scalar = checked_scalar(name, number, dtype)
    if dtype.kind in "biu":
        return scalar.item()
    return number.real if isinstance(number, complex) and is_floating(dtype) else number


def without_numpy_scalars(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands; a NumPy scalar beside a Tensor counts as the Python number, as in PyTorch."""
    if isinstance(b, np.generic) and isinstance(a, TensorBase):
        return a, b.item()
    if isinstance(a, np.generic) and isinstance(b, TensorBase):
        return a.item(), b
    return a, b


def on_one_device(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands; a 0-d Tensor of the CPU goes to the GPU of the other one, as in PyTorch."""
    if not isinstance(a, TensorBase) or not isinstance(b, TensorBase):
        return a, b
    if a.ndim == 0 and is_on_host(a.array) and not is_on_host(b.array):
        return a.to(b.device), b
    if b.ndim == 0 and is_on_host(b.array) and not is_on_host(a.array):
        return a, b.to(a.device)
    return a, b


def fits(number: Any, tensor: Any) -> bool:
    """Tell whether a Python number leaves the dtype of a Tensor as it is, and is in the range even of float16."""
    if isinstance(number, int | float) and isinstance(tensor, TensorBase):
        return tensor.array.dtype.kind in FLOATING_KINDS and abs(number) < 60000
    return False


def _with_dtype(operand: Any, dtype: Any) -> Any:
    if isinstance(operand, np.generic):
        return operand.astype(dtype)
    return cast(operand, dtype) if hasattr(operand, "shape") else as_scalar(operand, dtype)


def promote_many(name: str, *operands: Any) -> tuple[Any, ...]:
    """Return any number of operands, the first of them a Tensor, of one dtype, which must hold the numbers."""
    combined = raw(operands[0])
    if {getattr(raw(x), "dtype", None) for x in operands} == {combined.dtype}:
        return operands
    for operand in operands[1:]:
        array = raw(operand)
        try:
            dtype = dtypes.result_numpy_dtype(combined, array)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from None
        combined = np.empty((1,) * max(combined.ndim, np.ndim(array)), dtype)
    return tuple(
        [
            checked_scalar(name, x, combined.dtype)
            if isinstance(x, int | float)
            else _with_dtype(x, combined.dtype)
            for x in operands
        ]
    )
