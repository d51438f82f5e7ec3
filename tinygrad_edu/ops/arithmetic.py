"""Elementwise arithmetic: + - * / ** and what belongs to it.

Operands are broadcast against each other and brought to one dtype by PyTorch's promotion rules.
``save_for_backward`` keeps an operand only if the other one wants a gradient.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import BinaryOp, as_float, cast, promote, raw, require_tensor, unbroadcast
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
        other = mul(other, alpha)
    return Add.apply(*promote("add", input, other))


class Sub(BinaryOp):
    """a - b; the derivatives are 1 and -1."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        if a.dtype.kind == "b":
            raise RuntimeError(
                "sub: Subtraction, the `-` operator, with two bool tensors is not supported. Use `^`."
            )
        return a - b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        shape_a, shape_b = self.shapes
        grad_b = unbroadcast(-grad_output, shape_b) if self.needs_input_grad[1] else None
        return unbroadcast(grad_output, shape_a), grad_b


def sub(input: Any, other: Any, *, alpha: float = 1) -> Array:
    """input - alpha * other."""
    if alpha != 1:
        other = mul(other, alpha)
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
    a, b = promote("div", input, other)
    if rounding_mode is None:
        return Div.apply(as_float("div", a), as_float("div", b))
    if rounding_mode == "floor":
        return floor_divide(a, b)
    if rounding_mode == "trunc":
        return cast(trunc(Div.apply(as_float("div", a), as_float("div", b))), raw(a).dtype)
    raise RuntimeError(
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
    )


class FloorDivide(BinaryOp):
    """floor(a / b): a step function, whose derivative is 0."""

    quiet = True

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        return a // b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        zero = grad_output * 0
        return unbroadcast(zero, self.shapes[0]), unbroadcast(zero, self.shapes[1])


def floor_divide(input: Any, other: Any) -> Array:
    """floor(input / other)."""
    a, b = promote("floor_divide", input, other)
    if raw(a).dtype.kind in "iu" and (raw(b) == 0).any():
        raise RuntimeError("floor_divide: ZeroDivisionError: integer division by zero")
    return FloorDivide.apply(a, b)


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
    return Remainder.apply(*promote("remainder", input, other))


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
    return Fmod.apply(*promote("fmod", input, other))


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
    if raw(a).dtype.kind in "iu" and (raw(b) < 0).any():
        raise RuntimeError("pow: Integers to negative integer powers are not allowed.")
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
        return (
            getattr(array_module(x), function)(x) if x.dtype.kind in "fc" or function == "sign" else x.copy()
        )

    def backward(self, grad_output: Array) -> Array:
        return grad_output * 0


def sign(input: Array) -> Array:
    """-1, 0 or 1, as the sign of the input."""
    return Stepwise.apply(input, function="sign")


def floor(input: Array) -> Array:
    """The largest integer not above the input."""
    return Stepwise.apply(input, function="floor")


def ceil(input: Array) -> Array:
    """The smallest integer not below the input."""
    return Stepwise.apply(input, function="ceil")


def trunc(input: Array) -> Array:
    """The input without its fraction."""
    return Stepwise.apply(input, function="trunc")


def round(input: Array, *, decimals: int = 0) -> Array:
    """The nearest integer, halves to the even one; or the nearest number of so many decimals."""
    if decimals == 0:
        return Stepwise.apply(input, function="rint")
    scale = 10.0**decimals
    return div(Stepwise.apply(mul(input, scale), function="rint"), scale)


def frac(input: Array) -> Array:
    """The fraction, with the sign of the input."""
    return sub(input, trunc(input))


class Atan2(BinaryOp):
    """The angle of the point (x, y); the derivatives are x / (x^2 + y^2) and -y / (x^2 + y^2)."""

    def forward(self, y: Array, x: Array) -> Array:
        self.shapes = y.shape, x.shape
        self.save_for_backward(y, x)
        return array_module(y).arctan2(y, x)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        y, x = self.saved
        scaled = grad_output / (x * x + y * y)
        return unbroadcast(scaled * x, self.shapes[0]), unbroadcast(-scaled * y, self.shapes[1])


def atan2(input: Array, other: Array) -> Array:
    """The angle whose tangent is input / other, in the right quadrant."""
    a, b = promote("atan2", input, other)
    return Atan2.apply(as_float("atan2", a), as_float("atan2", b))


def lerp(input: Array, end: Array, weight: Any) -> Array:
    """input + weight * (end - input)."""
    return add(input, mul(weight, sub(end, input)))


def addcmul(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """input + value * tensor1 * tensor2."""
    return add(input, mul(tensor1, tensor2), alpha=value)


def addcdiv(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """input + value * tensor1 / tensor2."""
    return add(input, div(tensor1, tensor2), alpha=value)
