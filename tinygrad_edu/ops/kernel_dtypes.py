"""Dtypes that the compiled kernels do not know, for operations that work on them: each by way of one they know.

Half precision is computed in float32 (see ``half.py``), integers in float64, and the real and the imaginary parts of
complex numbers by themselves. Integers have no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.common import cast
from tinygrad_edu.ops.elementwise.complex_numbers import Complex, imag, real
from tinygrad_edu.ops.half import in_float32
from tinygrad_edu_kernels.dtypes import FLOAT64

EXACT = 2**53
"""The integers up to here are float64 numbers."""


def in_kernel_dtype(function: Callable[..., Any], name: str, x: TensorBase, *rest: Any) -> Any:
    """Call an operation in a dtype that its kernels know, and return what it gives in the dtype of ``x``."""
    if x.array.dtype in HALF_DTYPES:
        return in_float32(function, name, x, *rest)
    if x.array.dtype.kind == "c":
        return by_parts(function, name, x, *rest)
    return in_float64(function, name, x, *rest)


def in_float64(function: Callable[..., Any], name: str, x: TensorBase, *rest: Any) -> Any:
    """Call a function with Tensors of integers turned into float64; what comes out is cut off to integers."""
    dtype = x.array.dtype
    wide = [cast(y, FLOAT64) if is_of(y, dtype) else y for y in (x, *rest)]
    for y in wide:
        check_exact(name, y)
    results = function(name, *wide)
    return (
        tuple([cut(name, y, dtype) for y in results])
        if isinstance(results, tuple)
        else cut(name, results, dtype)
    )


def is_of(value: Any, dtype: Any) -> bool:
    """Tell whether it is a Tensor of this dtype."""
    return isinstance(value, TensorBase) and value.array.dtype == dtype


def check_exact(name: str, value: Any) -> None:
    """Raise for a float64 Tensor that may have been rounded."""
    if is_of(value, FLOAT64) and value.array.size and abs(value.array).max() >= EXACT:
        raise RuntimeError(
            f"{name}: expected integers of a size below 2**53, got {abs(value.array).max():.0f}"
        )


def cut(name: str, value: TensorBase, dtype: Any) -> Any:
    """Return a float64 Tensor without its fractions, as integers; positions, which are integers, as they are."""
    if not is_of(value, FLOAT64):
        return value
    check_exact(name, value)
    return tensor_from_array(array_module(value.array).trunc(value.array).astype(np.int64).astype(dtype))


def by_parts(
    function: Callable[..., Any], name: str, x: TensorBase, weight: TensorBase, bias: Any, *rest: Any
) -> Any:
    """Call a function that is linear in x and in the weight, and adds a bias, on the parts of complex Tensors."""
    (a, b), (c, d), (e, f) = parts(x), parts(weight), parts(bias)
    return Complex.apply(
        function(name, a, c, e, *rest) - function(name, b, d, None, *rest),
        function(name, a, d, f, *rest) + function(name, b, c, None, *rest),
    )


def parts(value: TensorBase | None) -> tuple[Any, Any]:
    """Return the real and the imaginary part of a Tensor."""
    return (None, None) if value is None else (real(value), imag(value))
