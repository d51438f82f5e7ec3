"""Half precision, float16 and bfloat16: computed in float32, and the result rounded once.

A number of float16 has eleven binary digits and ends at 65504; one of bfloat16 has eight, and float32's range. PyTorch
computes with such numbers in float32 and rounds what comes out: the norm of a vector of 300s is no infinity in float16
though their squares are. An operation of one step needs nothing of it: NumPy does the same with float16, and
``Op.apply`` with bfloat16. Here is what those of several steps need, and those whose kernels know float32 and float64
only. The way back goes through the same casts, so the gradient, too, is rounded once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_inexact
from tinygrad_edu.ops.autocast import is_concerned, under_autocast
from tinygrad_edu.ops.common import cast
from tinygrad_edu.scalars import limits
from tinygrad_edu_kernels.dtypes import FLOAT32

P = ParamSpec("P")
R = TypeVar("R")

NOTHING = np.empty(0)


def rounded_once(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function, whose first argument is a Tensor, compute in float32 if all floats are of one half precision.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> @rounded_once
    ... def mean_square(x):
    ...     return (x * x).mean()
    >>> mean_square(torch.full((2,), 255.0, dtype=torch.float16))  # 65025
    tensor(65024., dtype=torch.float16)
    """

    @functools.wraps(function)
    def compute(*args: Any, **options: Any) -> Any:
        if this_thread.mode.autocast and is_concerned(function.__name__):
            return under_autocast(compute, *args, **options)
        if args and getattr(args[0], "array", NOTHING).dtype not in HALF_DTYPES:
            return function(*args, **options)
        if not is_half_alone((*args, *options.values())):
            return function(*args, **options)
        return in_float32(function, *args, **options)

    return compute


def in_float32(function: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    """Call a function with Tensors of half precision turned into float32, and turn what it returns back."""
    wide: Any = {name: widened(x) for name, x in options.items()}
    half = half_dtype_of((*args, *options.values()))
    return narrowed(function(*widened(args), **wide), half)


def with_dtype_of(parameter: TensorBase, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function; beside a parameter of float32, halves are widened, and the results rounded."""
    if parameter.array.dtype != FLOAT32 or half_dtype_of(args) is None:
        return function(*args)
    return in_float32(function, *args)


def half_dtype_of(values: Iterable[Any]) -> Any:
    """Return the dtype of the first Tensor of half precision, which may be within a list or tuple; None without one."""
    for x in values:
        dtype = half_dtype_of(x) if type(x) in (list, tuple) else getattr(x, "array", NOTHING).dtype
        if dtype in HALF_DTYPES:
            return dtype
    return None


def loses_digits(number: Any, tensor: Any) -> bool:
    """Tell whether a Tensor is of half precision and a number beside it is none of its dtype's, like 1e-8 or 100000."""
    half = getattr(tensor, "array", NOTHING).dtype
    if half not in HALF_DTYPES or not isinstance(number, int | float):
        return False
    return abs(number) > limits(half)[1] or float(half.type(number)) != number


def is_half_alone(values: tuple[Any, ...]) -> bool:
    """Tell whether there are Tensors of one half precision and no others of floating-point or complex numbers."""
    dtypes = {x.array.dtype for x in values if isinstance(x, TensorBase)}
    inexact = [dtype for dtype in dtypes if is_inexact(dtype)]
    return len(inexact) == 1 and inexact[0] in HALF_DTYPES


def widened(value: Any) -> Any:
    """Return a Tensor of half precision as float32, also within a list or tuple; anything else as it is."""
    if isinstance(value, TensorBase):
        return cast(value, FLOAT32) if value.array.dtype in HALF_DTYPES else value
    return type(value)(map(widened, value)) if type(value) in (list, tuple) else value


def narrowed(value: Any, half: Any) -> Any:
    """Return a Tensor of float32, rounded to a half precision, also within a tuple; anything else as it is."""
    if isinstance(value, TensorBase):
        return cast(value, half) if value.array.dtype == FLOAT32 else value
    if type(value) is tuple:
        return tuple([narrowed(x, half) for x in value])
    if hasattr(value, "_fields"):  # a named tuple
        return type(value)(*[narrowed(x, half) for x in value])
    return value
