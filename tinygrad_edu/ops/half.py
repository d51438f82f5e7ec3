"""float16: computed in float32, and the result rounded once.

A number of float16 has eleven binary digits and ends at 65504. PyTorch computes with such numbers in float32 and rounds
what comes out: the norm of a vector of 300s is no infinity though their squares are. An operation of one step needs
nothing of it, for NumPy does the same. Here is what those of several steps need, and those whose kernels know
float32 and float64 only. The way back goes through the same casts, so the gradient, too, is rounded once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import FLOAT16
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.common import cast
from tinygrad_edu_kernels.dtypes import FLOAT32

P = ParamSpec("P")
R = TypeVar("R")

NOTHING = np.empty(0)


def rounded_once(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function, whose first argument is a Tensor, compute in float32 where all its floats are float16.

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
        if args and getattr(args[0], "array", NOTHING).dtype != FLOAT16:
            return function(*args, **options)
        if not is_float16_alone((*args, *options.values())):
            return function(*args, **options)
        wide = {name: widened(x) for name, x in options.items()}
        return narrowed(function(*widened(args), **wide))

    return compute


def in_float32(function: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    """Call a function with Tensors of float16 turned into float32, and turn what it returns into float16."""
    wide: Any = {name: widened(x) for name, x in options.items()}
    return narrowed(function(*widened(args), **wide))


def loses_digits(number: Any, tensor: Any) -> bool:
    """Tell whether a Tensor is of float16 and a Python number beside it is none of float16's, like 1e-8 or 100000."""
    if not isinstance(number, int | float) or not is_float16_alone((tensor,)):
        return False
    return abs(number) > float(np.finfo(FLOAT16).max) or float(FLOAT16.type(number)) != number


def is_float16_alone(values: tuple[Any, ...]) -> bool:
    """Tell whether there are Tensors of float16 and no others of floating-point or complex numbers."""
    dtypes = {x.array.dtype for x in values if isinstance(x, TensorBase)}
    return FLOAT16 in dtypes and all(dtype == FLOAT16 or not is_inexact(dtype) for dtype in dtypes)


def widened(value: Any) -> Any:
    """Return a Tensor of float16 as float32, also within a list or tuple; anything else as it is."""
    if isinstance(value, TensorBase):
        return cast(value, FLOAT32) if value.array.dtype == FLOAT16 else value
    return type(value)(map(widened, value)) if type(value) in (list, tuple) else value


def narrowed(value: Any) -> Any:
    """Return a Tensor of float32, rounded to float16, also within a tuple; anything else as it is."""
    if isinstance(value, TensorBase):
        return cast(value, FLOAT16) if value.array.dtype == FLOAT32 else value
    return tuple(map(narrowed, value)) if type(value) is tuple else value
