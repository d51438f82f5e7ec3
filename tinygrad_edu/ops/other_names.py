"""Other names that PyTorch has for functions: of NumPy, of C, or from earlier times."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.elementwise.arithmetic import mul, neg, sub
from tinygrad_edu.ops.elementwise.compare import ge, gt, le, lt, ne
from tinygrad_edu.ops.elementwise.division import div
from tinygrad_edu.ops.elementwise.rounding import trunc
from tinygrad_edu.ops.elementwise.select import clamp
from tinygrad_edu.ops.elementwise.trigonometry import acos, acosh, asin, asinh, atan, atan2, atanh
from tinygrad_edu.ops.linalg.matmul import outer
from tinygrad_edu.ops.reduce.running import trapezoid
from tinygrad_edu.ops.shape.join import vstack
from tinygrad_edu.ops.shape.layout import flatten, movedim, transpose

arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctan2 = atan2
arctanh = atanh
negative = neg
subtract = sub
multiply = mul
divide = true_divide = div
fix = trunc
greater = gt
greater_equal = ge
less = lt
less_equal = le
not_equal = ne
moveaxis = movedim
row_stack = vstack
ger = outer
trapz = trapezoid


def ravel(input: Tensor) -> Tensor:
    """Return the elements as a vector: ``flatten`` of all dimensions."""
    require_tensor("ravel", input)
    return flatten(input)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Return a view with two dimensions swapped: ``transpose``."""
    require_tensor("swapaxes", input)
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return a view with two dimensions swapped: ``transpose``."""
    require_tensor("swapdims", input)
    return transpose(input, dim0, dim1)


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Limit every element from below: ``clamp`` with a lower limit alone."""
    require_tensor("clamp_min", input)
    return clamp(input, min, None)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Limit every element from above: ``clamp`` with an upper limit alone."""
    require_tensor("clamp_max", input)
    return clamp(input, None, max)


def positive(input: Tensor) -> Tensor:
    """Return the input itself, which must not be of booleans.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.positive(torch.tensor([1, -2]))
    tensor([ 1, -2])
    """
    require_tensor("positive", input)
    if raw(input).dtype.kind == "b":
        raise RuntimeError(
            "The `+` operator, on a bool tensor is not supported: expected numbers, got torch.bool"
        )
    return input
