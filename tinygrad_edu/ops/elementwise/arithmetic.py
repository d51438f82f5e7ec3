"""Elementwise arithmetic: + - * ** and what belongs to it; division has its own file.

Operands are broadcast against each other and brought to one dtype by PyTorch's promotion rules.
``save_for_backward`` keeps an operand only if the other one wants a gradient.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_inexact
from tinygrad_edu.ops.common import (
    BinaryOp,
    kind_of,
    raw,
    reject_bool,
    require_tensor,
    require_tensors,
    unbroadcast,
    zeros_for,
)
from tinygrad_edu.ops.elementwise.division import div
from tinygrad_edu.ops.elementwise.rounding import Stepwise
from tinygrad_edu.ops.elementwise.signs import Sgn
from tinygrad_edu.ops.half import NOTHING, in_float32, loses_digits, rounded_once
from tinygrad_edu.ops.promotion import checked_factor, promote


class Add(BinaryOp):
    """a + b; both derivatives are 1."""

    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None  # of the operands, if one was repeated

    def forward(self, a: Array, b: Array) -> Array:
        if a.shape != b.shape:
            self.shapes = a.shape, b.shape
        return a + b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        if self.shapes is None:
            return grad_output, grad_output
        shape_a, shape_b = self.shapes
        return unbroadcast(grad_output, shape_a), unbroadcast(grad_output, shape_b)


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha * other.

    Parameters
    ----------
    input, other : Tensor or number
        Broadcast against each other, and brought to one dtype.
    alpha : number
        A factor; an integer if both operands are integers.

    Returns
    -------
    Tensor
        Of the broadcast shape.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.add.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.add(torch.tensor([[1], [2]]), torch.tensor([10, 20]))
    tensor([[11, 21],
            [12, 22]])
    """
    if type(alpha) is not int or alpha != 1:
        other = scaled("add", input, other, alpha)
    return Add.apply(*promote("add", input, other))


def scaled(name: str, input: Any, other: Any, alpha: float) -> Any:
    """Return alpha * other; an integer sum needs an integer factor."""
    kinds = {getattr(raw(x), "dtype", np.dtype(int)).kind for x in (input, other)}
    if isinstance(alpha, bool) and kinds != {"b"}:
        raise RuntimeError(f"{name}: Boolean alpha only supported for Boolean results, got alpha={alpha}")
    if isinstance(alpha, float) and kinds <= set("iub"):
        raise RuntimeError(
            f"{name}: For integral input tensors, argument alpha must not be a floating point number, got "
            f"{alpha}"
        )
    if isinstance(alpha, complex) and "c" not in kinds:
        raise RuntimeError(
            f"{name}: For non-complex input tensors, argument alpha must not be a complex number, got {alpha}"
        )
    return other * checked_factor(name, alpha, input, other)


class Sub(BinaryOp):
    """a - b; the derivatives are 1 and -1."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        return a - b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        shape_a, shape_b = self.shapes
        grad_b = unbroadcast(-grad_output, shape_b) if self.needs_input_grad[1] else None
        return unbroadcast(grad_output, shape_a), grad_b


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input - alpha * other; masks cannot be subtracted."""
    if is_bool(input) or is_bool(other):
        raise RuntimeError(
            "sub: Subtraction, the `-` operator, with a bool tensor is not supported. Use `^` between "
            "two masks, `~` or `logical_not()` to invert one."
        )
    if type(alpha) is not int or alpha != 1:
        other = scaled("sub", input, other, alpha)
    return Sub.apply(*promote("sub", input, other))


def is_bool(x: Any) -> bool:
    """Tell whether an operand is boolean, a mask or a Python value."""
    return isinstance(x, bool) or kind_of(x) == "b"


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
        grad_a = unbroadcast(grad_output * b.conj(), shape_a) if self.needs_input_grad[0] else None
        grad_b = unbroadcast(grad_output * a.conj(), shape_b) if self.needs_input_grad[1] else None
        return grad_a, grad_b


def mul(input: Any, other: Any) -> Tensor:
    """input * other."""
    if getattr(input, "array", NOTHING).dtype in HALF_DTYPES and loses_digits(other, input):
        return in_float32(mul, input, other)
    return Mul.apply(*promote("mul", input, other))


class Pow(BinaryOp):
    """a^b; the derivatives are b a^(b - 1) and a^b ln a (0 where a = 0 and b >= 0)."""

    def forward(self, a: Array, b: Any) -> Array:
        self.shapes = a.shape, np.shape(b)
        y = integer_power(a, b) if a.dtype.kind in "iu" and hasattr(b, "shape") else a**b
        self.save_for_backward(a, b, y if self.needs_input_grad[1] else None)
        return y

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        a, b, y = self.saved
        shape_a, shape_b = self.shapes
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            grad_a = unbroadcast(grad_output * power_slope(a, b).conj(), shape_a)
        if self.needs_input_grad[1]:
            xp = array_module(grad_output)
            not_negative = (b.real >= 0) & (b.imag == 0) if kind_of(b) == "c" else b >= 0
            slope = xp.where((a == 0) & not_negative, 0.0, y * xp.log(a))
            grad_b = unbroadcast(grad_output * slope.conj(), shape_b)
        return grad_a, grad_b


def integer_power(a: Any, b: Array) -> Array:
    """Return a^b of integers; with a negative b that is 0, unless a is 1 or -1, as in PyTorch."""
    xp, zero = array_module(b), b.dtype.type(0)
    of_ones = xp.where((a == -1) & (b % 2 == 1), -1, 1)
    of_negative = xp.where((a == 1) | (a == -1), of_ones, 0)
    return xp.where(b < 0, of_negative, a ** xp.maximum(b, zero)).astype(b.dtype)


def power_slope(a: Array, b: Any) -> Array:
    """Return b a^(b - 1), which is 0 for b = 0 even where a = 0."""
    if isinstance(b, int | float):
        return b * a ** (b - 1) if b else zeros_for(a)
    return array_module(a).where(b == 0, 0.0, b * a ** (b - 1))


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    a, b = promote("pow", input, exponent)
    reject_bool("pow", a)
    if isinstance(exponent, int | float):
        b = exponent  # as a Python number: NumPy has short cuts for x**2 and the like
    if raw(a).dtype.kind in "iu" and isinstance(exponent, int) and exponent < 0:
        raise RuntimeError(
            f"pow: Integers to negative integer powers are not allowed, got exponent {exponent}; expected it "
            "to be 0 or more. Hint: input.float()"
        )
    return Pow.apply(a, b)


class Neg(Op):
    """-x; the derivative is -1."""

    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, grad_output: Array) -> Array:
        return -grad_output


def neg(input: Tensor) -> Tensor:
    """-input."""
    require_tensor("neg", input)
    if raw(input).dtype.kind == "b":
        raise RuntimeError(
            "neg: Negation, the `-` operator, on a bool tensor is not supported. Use `~` instead."
        )
    return Neg.apply(input)


class Abs(Op):
    """|x|; the derivative is the sign of x, 0 at 0; of complex numbers z / |z|."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return abs(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        if kind_of(x) == "c":
            return grad_output * Sgn.compute(x)
        return grad_output * Stepwise.compute(x, function="sign")


def absolute(input: Tensor) -> Tensor:
    """|input|; the derivative is the sign, 0 at 0."""
    require_tensor("abs", input)
    reject_bool("abs", input)
    return Abs.apply(input)


def square(input: Tensor) -> Tensor:
    """input * input; the derivative is 2 * input."""
    require_tensor("square", input)
    return mul(input, input) if raw(input).dtype.kind != "b" else pow(input, 2)


@rounded_once
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input): a point on the way; the weight is a number or a Tensor."""
    require_tensors("lerp", input=input, end=end)
    for argument, x in (("end", end), ("weight", weight)):
        if isinstance(x, TensorBase) and x.dtype != input.dtype:
            raise explained(RuntimeError(f"lerp: expected dtype {input.dtype} for {argument}, got {x.dtype}"))
    return add(input, mul(weight, sub(end, input)))


@rounded_once
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 * tensor2."""
    require_tensors("addcmul", input=input, tensor1=tensor1, tensor2=tensor2)
    reject_bool("addcmul", input)
    product = mul(tensor1, tensor2)
    return add(input, product, alpha=1 if value == 1 else checked_factor("addcmul", value, input, product))


@rounded_once
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 / tensor2."""
    require_tensors("addcdiv", input=input, tensor1=tensor1, tensor2=tensor2)
    if not is_inexact(raw(tensor1).dtype) and not is_inexact(raw(tensor2).dtype):
        raise explained(
            RuntimeError(
                "Integer division with addcdiv is no longer supported: expected floating-point numbers, got "
                f"{tensor1.dtype} and {tensor2.dtype}"
            )
        )
    return add(input, div(tensor1, tensor2), alpha=1 if value == 1 else value)
