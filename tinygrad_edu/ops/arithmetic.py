"""Elementwise arithmetic: + - * / ** and what belongs to it.

Operands are broadcast against each other and brought to one dtype by PyTorch's promotion rules.
``save_for_backward`` keeps an operand only if the other one wants a gradient.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    BinaryOp,
    promote,
    promote_to_float,
    raw,
    reject_bool,
    require_tensor,
    unbroadcast,
    zeros_for,
)
from tinygrad_edu.ops.select import where
from tinygrad_edu.ops.unary import log


class Add(BinaryOp):
    """a + b; both derivatives are 1."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        return a + b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        shape_a, shape_b = self.shapes
        return unbroadcast(grad_output, shape_a), unbroadcast(grad_output, shape_b)


def add(input: Any, other: Any, *, alpha: float = 1) -> Array:
    """input + alpha * other."""
    if alpha != 1:
        other = scaled("add", input, other, alpha)
    return Add.apply(*promote("add", input, other))


def scaled(name: str, input: Any, other: Any, alpha: float) -> Any:
    """Return alpha * other; an integer sum needs an integer factor."""
    if isinstance(alpha, float) and all(getattr(raw(x), "dtype", np.dtype(int)).kind in "iub" for x in (input, other)):
        raise RuntimeError(
            f"{name}: For integral input tensors, argument alpha must not be a floating point number, got {alpha}"
        )
    return mul(other, alpha)


class Sub(BinaryOp):
    """a - b; the derivatives are 1 and -1."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        return a - b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        shape_a, shape_b = self.shapes
        grad_b = unbroadcast(-grad_output, shape_b) if self.needs_input_grad[1] else None
        return unbroadcast(grad_output, shape_a), grad_b


def sub(input: Any, other: Any, *, alpha: float = 1) -> Array:
    """input - alpha * other."""
    for x in (input, other):
        if getattr(raw(x), "dtype", None) == np.bool_ or isinstance(x, bool):
            raise RuntimeError(
                "sub: Subtraction, the `-` operator, with a bool tensor is not supported. Use `^` between two masks, "
                "`~` or `logical_not()` to invert one."
            )
    if alpha != 1:
        other = scaled("sub", input, other, alpha)
    return Sub.apply(*promote("sub", input, other))


class Mul(BinaryOp):
    """a * b; the derivatives are b and a."""

    def forward(self, a: Array, b: Array) -> Array:
        needs_a, needs_b = self.needs_input_grad
        self.shapes = a.shape, b.shape
        self.save_for_backward(a if needs_b else None, b if needs_a else None)
        return a * b

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        a, b = self.saved
        shape_a, shape_b = self.shapes
        grad_a = unbroadcast(grad_output * b, shape_a) if self.needs_input_grad[0] else None
        grad_b = unbroadcast(grad_output * a, shape_b) if self.needs_input_grad[1] else None
        return grad_a, grad_b


def mul(input: Any, other: Any) -> Array:
    """input * other."""
    return Mul.apply(*promote("mul", input, other))


class Div(BinaryOp):
    """a / b; the derivatives are 1 / b and -a / b^2 = -(a / b) / b."""

    quiet = True

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        quotient = a / b
        self.save_for_backward(b, quotient if self.needs_input_grad[1] else None)
        return quotient

    def backward(self, grad_output: Array) -> tuple[Array, Array | None]:
        b, quotient = self.saved
        shape_a, shape_b = self.shapes
        grad_a = grad_output / b
        grad_b = unbroadcast(-grad_a * quotient, shape_b) if self.needs_input_grad[1] else None
        return unbroadcast(grad_a, shape_a), grad_b


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Array:
    """input / other; integers are divided as floating-point numbers unless a rounding mode is given.

    Parameters
    ----------
    input, other : Tensor or number
        Numerator and denominator.
    rounding_mode : {None, "trunc", "floor"}
        Round the quotient towards zero, or down.
    """
    if rounding_mode is None:
        return Div.apply(*promote_to_float("div", input, other))
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    a, b = promote("div", input, other)
    reject_bool("div_" + rounding_mode, a)
    check_divisor("div", b)
    return RoundedDivide.apply(a, b, towards_zero=rounding_mode == "trunc")


class RoundedDivide(BinaryOp):
    """a / b rounded down, or towards zero: a step function, whose derivative is 0."""

    quiet = True

    def forward(self, a: Array, b: Array, *, towards_zero: bool) -> Array:
        self.shapes = a.shape, b.shape
        if not towards_zero:
            return a // b
        if a.dtype.kind == "f":
            return array_module(a).trunc(a / b)
        return a // b + ((a % b != 0) & ((a < 0) != (b < 0)))  # exact for integers of any size

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        zeros = zeros_for(grad_output)
        return unbroadcast(zeros, self.shapes[0]), unbroadcast(zeros, self.shapes[1])


def check_divisor(name: str, divisor: Array) -> None:
    """Raise for a division of integers by zero, which has no result."""
    if raw(divisor).dtype.kind in "iu" and (raw(divisor) == 0).any():
        raise RuntimeError(f"{name}: ZeroDivisionError: integer division by zero; expected other != 0 everywhere")


def floor_divide(input: Any, other: Any) -> Array:
    """floor(input / other)."""
    return div(input, other, rounding_mode="floor")


class Remainder(BinaryOp):
    """a - b floor(a / b), of the sign of b; the derivatives are 1 and -floor(a / b)."""

    quiet = True

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return a % b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        grad_b = (
            unbroadcast(-grad_output * floor_divide(a, b), self.shapes[1])
            if self.needs_input_grad[1]
            else None
        )
        return unbroadcast(grad_output, self.shapes[0]), grad_b


def remainder(input: Any, other: Any) -> Array:
    """Remainder of the division, with the sign of the divisor, as Python's ``%``."""
    a, b = promote("remainder", input, other)
    reject_bool("remainder", a)
    check_divisor("remainder", b)
    return Remainder.apply(a, b)


class Fmod(BinaryOp):
    """a - b trunc(a / b), of the sign of a; the derivatives are 1 and -trunc(a / b)."""

    quiet = True

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).fmod(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        grad_b = (
            unbroadcast(-grad_output * trunc(a / b), self.shapes[1]) if self.needs_input_grad[1] else None
        )
        return unbroadcast(grad_output, self.shapes[0]), grad_b


def fmod(input: Any, other: Any) -> Array:
    """Remainder of the division, with the sign of the dividend, as C's ``fmod``."""
    a, b = promote("fmod", input, other)
    reject_bool("fmod", a)
    check_divisor("fmod", b)
    return Fmod.apply(a, b)


class Pow(BinaryOp):
    """a^b; the derivatives are b a^(b - 1) and a^b ln a (0 where a = 0 and b >= 0)."""

    quiet = True

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        y = a**b
        self.save_for_backward(a, b, y if self.needs_input_grad[1] else None)
        return y

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        a, b, y = self.saved
        shape_a, shape_b = self.shapes
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            slope = where(b == 0, 0.0, b * a ** (b - 1))
            grad_a = unbroadcast(grad_output * slope, shape_a)
        if self.needs_input_grad[1]:
            slope = where((a == 0) & (b >= 0), 0.0, y * log(a))
            grad_b = unbroadcast(grad_output * slope, shape_b)
        return grad_a, grad_b


def pow(input: Any, exponent: Any) -> Array:
    """input ** exponent."""
    a, b = promote("pow", input, exponent)
    reject_bool("pow", a)
    negative = raw(exponent) < 0
    if raw(a).dtype.kind in "iu" and (negative if isinstance(negative, bool) else negative.any()):
        raise RuntimeError(
            f"pow: Integers to negative integer powers are not allowed, got exponent {exponent}; expected it to be 0 or "
            "more. Hint: input.float()"
        )
    return Pow.apply(a, b)


class Neg(Op):
    """-x; the derivative is -1."""

    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, grad_output: Array) -> Array:
        return -grad_output


def neg(input: Array) -> Array:
    """-input."""
    require_tensor("neg", input)
    if raw(input).dtype.kind == "b":
        raise RuntimeError(
            "neg: Negation, the `-` operator, on a bool tensor is not supported. Use `~` instead."
        )
    return Neg.apply(input)


class Abs(Op):
    """|x|; the derivative is the sign of x, 0 at 0."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return abs(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * sign(x)


def absolute(input: Array) -> Array:
    """|input|."""
    require_tensor("abs", input)
    reject_bool("abs", input)
    return Abs.apply(input)


def reciprocal(input: Array) -> Array:
    """1 / input."""
    return div(1, input)


def square(input: Array) -> Array:
    """input * input."""
    return mul(input, input)


class Stepwise(Op):
    """A function that is constant in steps: sign, floor, ceil, trunc, round. Its derivative is 0."""

    def forward(self, x: Array, *, function: str) -> Array:
        if function == "sign" and x.dtype.kind != "b":
            return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)  # 0 for NaN
        if x.dtype.kind != "f":
            return x.copy()
        return getattr(array_module(x), function)(x)

    def backward(self, grad_output: Array) -> Array:
        return zeros_for(grad_output)


def sign(input: Array) -> Array:
    """-1, 0 or 1, as the sign of the input."""
    return Stepwise.apply(input, function="sign")


def floor(input: Array) -> Array:
    """The largest integer not above the input."""
    reject_bool("floor", input)
    return Stepwise.apply(input, function="floor")


def ceil(input: Array) -> Array:
    """The smallest integer not below the input."""
    reject_bool("ceil", input)
    return Stepwise.apply(input, function="ceil")


def trunc(input: Array) -> Array:
    """The input without its fraction."""
    reject_bool("trunc", input)
    return Stepwise.apply(input, function="trunc")


def round(input: Array, *, decimals: int = 0) -> Array:
    """The nearest integer, halves to the even one; or the nearest number of so many decimals."""
    reject_bool("round", input)
    if decimals == 0:
        return Stepwise.apply(input, function="rint")
    scale = 10.0**decimals
    return div(Stepwise.apply(mul(input, scale), function="rint"), scale)


def frac(input: Array) -> Array:
    """The fraction, with the sign of the input."""
    return sub(input, trunc(input))


class Atan2(BinaryOp):
    """The angle of the point (x, y); the derivatives are x / (x^2 + y^2) and -y / (x^2 + y^2), and 0 at (0, 0)."""

    def forward(self, y: Array, x: Array) -> Array:
        self.shapes = y.shape, x.shape
        self.save_for_backward(y, x)
        return array_module(y).arctan2(y, x)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        y, x = self.saved
        square = x * x + y * y
        scaled = grad_output / where(square == 0, 1.0, square)
        return unbroadcast(scaled * x, self.shapes[0]), unbroadcast(-scaled * y, self.shapes[1])


def atan2(input: Array, other: Array) -> Array:
    """The angle whose tangent is input / other, in the right quadrant."""
    return Atan2.apply(*promote_to_float("atan2", input, other))


def lerp(input: Array, end: Array, weight: Any) -> Array:
    """input + weight * (end - input)."""
    return add(input, mul(weight, sub(end, input)))


def addcmul(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """input + value * tensor1 * tensor2."""
    return add(input, mul(tensor1, tensor2), alpha=value)


def addcdiv(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """input + value * tensor1 / tensor2."""
    return add(input, div(tensor1, tensor2), alpha=value)
