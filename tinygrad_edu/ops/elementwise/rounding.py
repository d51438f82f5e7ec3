"""Functions that are constant in steps: sign, floor, ceil, trunc, round; and the fraction they leave.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_floating
from tinygrad_edu.ops.common import (
    cast,
    copy_in_order,
    raw,
    reject_bool,
    reject_complex,
    require_floating_point,
    require_tensor,
    zeros_for,
)


class Stepwise(Op):
    """A function that is constant in steps: sign, floor, ceil, trunc, round. Its derivative is 0."""

    def forward(self, x: Array, *, function: str) -> Array:
        if function == "sign" and x.dtype.kind != "b":
            return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)  # 0 for NaN
        if not is_floating(x.dtype):
            return copy_in_order(x)
        return getattr(array_module(x), function)(x)

    def backward(self, grad_output: Array) -> Array:
        return zeros_for(grad_output)


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1, as the sign of the input; 0 for NaN."""
    require_tensor("sign", input)
    reject_complex("sign", input)
    return Stepwise.apply(input, function="sign")


def floor(input: Tensor) -> Tensor:
    """The largest integer not above the input."""
    return _rounded("floor", input, "floor")


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below the input."""
    return _rounded("ceil", input, "ceil")


def trunc(input: Tensor) -> Tensor:
    """The input without its fraction."""
    return _rounded("trunc", input, "trunc")


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, halves to the even one; or the nearest number with so many decimals.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.round(torch.tensor([0.5, 1.5, 2.7]))
    tensor([0., 2., 3.])
    """
    decimals = as_int("round", "decimals", decimals)
    if abs(decimals) > 300:
        raise RuntimeError(f"round: expected decimals from -300 to 300, got {decimals}")
    if decimals == 0:
        return _rounded("round", input, "rint")
    require_tensor("round", input)
    dtype = raw(input).dtype
    if not is_floating(dtype):
        raise RuntimeError(f"round: expected floating-point numbers for decimals={decimals}, got {dtype}")
    x, scale = cast(input, np.float32) if dtype in HALF_DTYPES else input, 10.0 ** abs(decimals)
    if decimals > 0:
        return cast(_rounded("round", x * scale, "rint") / scale, dtype)
    return cast(_rounded("round", x / scale, "rint") * scale, dtype)


def frac(input: Tensor) -> Tensor:
    """input - trunc(input): the fraction, with the sign of the input; the derivative is 1."""
    require_floating_point("frac", input)
    return input - trunc(input)


def _rounded(name: str, input: Array, function: str) -> Array:
    require_tensor(name, input)
    reject_bool(name, input)
    reject_complex(name, input)
    return Stepwise.apply(input, function=function)
