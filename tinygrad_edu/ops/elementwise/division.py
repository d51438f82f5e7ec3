"""Division: true, rounded, and what remains.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.div.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import (
    BinaryOp,
    raw,
    reject_bool,
    reject_complex,
    require_tensor,
    unbroadcast,
    zeros_for,
)
from tinygrad_edu.ops.half import in_float32, loses_digits, rounded_once
from tinygrad_edu.ops.promotion import promote, promote_to_float


class Div(BinaryOp):
    """a / b; the derivatives are 1 / b and -a / b^2 = -(a / b) / b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a if self.needs_input_grad[1] else None, b)
        return a / b

    def backward(self, grad_output: Array) -> tuple[Array, Array | None]:
        a, b = self.saved
        shape_a, shape_b = self.shapes
        grad_a = grad_output / b.conj()
        grad_b = unbroadcast(-grad_a * (a / b).conj(), shape_b) if self.needs_input_grad[1] else None
        return unbroadcast(grad_a, shape_a), grad_b


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; integers are divided as floating-point numbers unless a rounding mode is given.

    Parameters
    ----------
    input, other : Tensor or number
        Numerator and denominator.
    rounding_mode : {None, "trunc", "floor"}
        Leave the quotient as it is, round it towards zero, or down; the derivative of a rounded one is 0.

    Returns
    -------
    Tensor
        Of the broadcast shape; floating-point unless rounded.

    Raises
    ------
    RuntimeError
        If the rounding mode is unknown, or integers are divided by 0 with one.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.div.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.div(torch.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if loses_digits(other, input) or loses_digits(input, other):
        return in_float32(div, input, other, rounding_mode=rounding_mode)
    if rounding_mode is None:
        return Div.apply(*promote_to_float("div", input, other))
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    a, b = promote("div", input, other)
    reject_bool("div_" + rounding_mode, a)
    reject_complex("div_" + rounding_mode, a)
    check_divisor("div", b)
    return RoundedDivide.apply(a, b, towards_zero=rounding_mode == "trunc")


class RoundedDivide(BinaryOp):
    """a / b rounded down, or towards zero: a step function, whose derivative is 0."""

    def forward(self, a: Array, b: Array, *, towards_zero: bool) -> Array:
        self.shapes = a.shape, b.shape
        if not towards_zero:
            return a // b
        if is_floating(a.dtype):
            return array_module(a).trunc(a / b)
        return a // b + ((a % b != 0) & ((a < 0) != (b < 0)))  # exact for integers of any size

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        zeros = zeros_for(grad_output)
        return unbroadcast(zeros, self.shapes[0]), unbroadcast(zeros, self.shapes[1])


def check_divisor(name: str, divisor: Array) -> None:
    """Raise for a division of integers by zero, which has no result."""
    if raw(divisor).dtype.kind in "iu" and (raw(divisor) == 0).any():
        raise RuntimeError(
            f"{name}: ZeroDivisionError: integer division by zero; expected other != 0 everywhere"
        )


def floor_divide(input: Any, other: Any) -> Tensor:
    """floor(input / other), as Python's ``//``; the derivative is 0."""
    return div(input, other, rounding_mode="floor")


class Remainder(BinaryOp):
    """a - b floor(a / b), of the sign of b; the derivatives are 1 and -floor(a / b)."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return a % b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        grad_b = unbroadcast(-grad_output * (a // b), self.shapes[1]) if self.needs_input_grad[1] else None
        return unbroadcast(grad_output, self.shapes[0]), grad_b


@rounded_once
def remainder(input: Any, other: Any) -> Tensor:
    """Remainder of the division, with the sign of the divisor, as Python's ``%``."""
    a, b = promote("remainder", input, other)
    reject_bool("remainder", a)
    reject_complex("remainder", a)
    check_divisor("remainder", b)
    return Remainder.apply(a, b)


class Fmod(BinaryOp):
    """a - b trunc(a / b), of the sign of a; the derivatives are 1 and -trunc(a / b)."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).fmod(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        grad_b = None
        if self.needs_input_grad[1]:
            grad_b = unbroadcast(-grad_output * array_module(grad_output).trunc(a / b), self.shapes[1])
        return unbroadcast(grad_output, self.shapes[0]), grad_b


@rounded_once
def fmod(input: Any, other: Any) -> Tensor:
    """Remainder of the division, with the sign of the dividend, as C's ``fmod``."""
    require_tensor("fmod", input)
    a, b = promote("fmod", input, other)
    reject_bool("fmod", a)
    reject_complex("fmod", a)
    check_divisor("fmod", b)
    return Fmod.apply(a, b)


def reciprocal(input: Tensor) -> Tensor:
    """1 / input; the derivative is -1 / input^2."""
    require_tensor("reciprocal", input)
    return div(1, input)
