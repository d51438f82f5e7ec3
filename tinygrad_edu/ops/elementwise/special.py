"""Elementwise functions beyond the elementary ones, and careful forms of these.

References
----------
https://docs.pytorch.org/docs/stable/special.html
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_number, is_number
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module, special_module
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.common import (
    BinaryOp,
    as_float,
    raw,
    reject_complex,
    require_tensor,
    unbroadcast,
    zeros_for,
)
from tinygrad_edu.ops.elementwise.arithmetic import pow
from tinygrad_edu.ops.elementwise.compare import eq, isnan, le, logical_and
from tinygrad_edu.ops.elementwise.select import keep, where
from tinygrad_edu.ops.elementwise.trigonometry import sin
from tinygrad_edu.ops.elementwise.unary import log, log1p
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.promotion import promote, promote_to_float


class LogAddExp(BinaryOp):
    """log(e^a + e^b), without overflow; the derivatives are 1 / (1 + e^(b - a)) and 1 / (1 + e^(a - b)).

    Of complex numbers, that with the larger real part is taken out.
    """

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        xp = array_module(a)
        if a.dtype.kind != "c":
            return xp.logaddexp(a, b)
        larger, smaller = [xp.where(a.real >= b.real, *pair) for pair in ((a, b), (b, a))]
        return larger + xp.log(1 + xp.exp(smaller - larger))

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        xp = array_module(grad_output)
        grad_a = grad_output / (1 + xp.exp(b - a)).conj()
        grad_b = grad_output / (1 + xp.exp(a - b)).conj()
        return unbroadcast(grad_a, self.shapes[0]), unbroadcast(grad_b, self.shapes[1])


@rounded_once
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(e^input + e^other), without overflow.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.logaddexp(torch.tensor([0.0]), torch.tensor([0.0]))
    tensor([0.6931])
    """
    return LogAddExp.apply(*two_floats("logaddexp", input, other, complex_too=True))


class LogAddExp2(BinaryOp):
    """log2(2^a + 2^b), without overflow; the derivatives are 1 / (1 + 2^(b - a)) and 1 / (1 + 2^(a - b))."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).logaddexp2(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        xp = array_module(grad_output)
        grad_a, grad_b = grad_output / (1 + xp.exp2(b - a)), grad_output / (1 + xp.exp2(a - b))
        return unbroadcast(grad_a, self.shapes[0]), unbroadcast(grad_b, self.shapes[1])


@rounded_once
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^input + 2^other), without overflow."""
    return LogAddExp2.apply(*two_floats("logaddexp2", input, other))


class Hypot(BinaryOp):
    """sqrt(a^2 + b^2), without overflow; the derivatives are a / y and b / y."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        y = array_module(a).hypot(a, b)
        self.save_for_backward(a, b, y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b, y = self.saved
        return unbroadcast(grad_output * (a / y), self.shapes[0]), unbroadcast(
            grad_output * (b / y), self.shapes[1]
        )


@rounded_once
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """sqrt(input^2 + other^2): the longest side of a right triangle.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.hypot(torch.tensor([3.0]), torch.tensor([4.0]))
    tensor([5.])
    """
    return Hypot.apply(*two_floats("hypot", input, other))


def two_floats(name: str, input: Any, other: Any, complex_too: bool = False) -> Any:
    """Return two Tensors of one floating-point dtype, or of a complex one, if that is allowed; raise for others."""
    require_tensor(name, input)
    require_tensor(name, other, "other")
    if not complex_too:
        reject_complex(name, input, other)
    a, b = promote(name, input, other)
    if not is_inexact(raw(a).dtype):
        raise NotImplementedError(f"{name}: expected floating-point tensors, got {raw(a).dtype}")
    return a, b


def require_number_or_tensor(name: str, x: Any, argument: str) -> None:
    """Raise unless an operand is a Tensor or a number."""
    if not is_number(x, complex_too=True):
        require_tensor(name, x, argument)


def as_tensors(a: Any, b: Any) -> tuple[Any, Any]:
    """Return two operands, at least one of them a Tensor, as Tensors: a number becomes one of no dimension."""
    a = a if isinstance(a, TensorBase) else b.new_full((), float(a))
    return a, b if isinstance(b, TensorBase) else a.new_full((), float(b))


class FMax(BinaryOp):
    """The larger one, or the one that is a number; the gradient goes to it, to the first of two equal ones."""

    def forward(self, a: Array, b: Array, *, largest: bool) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        self.largest = largest
        xp = array_module(a)
        return xp.fmax(a, b) if largest else xp.fmin(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        first = ((a >= b) if self.largest else (a <= b)) | (b != b)
        grad_a, grad_b = keep(grad_output, first), keep(grad_output, ~first)
        return unbroadcast(grad_a, self.shapes[0]), unbroadcast(grad_b, self.shapes[1])


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of two tensors, element by element; of a number and NaN, the number.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fmax(torch.tensor([1.0, float("nan")]), torch.tensor([2.0, 3.0]))
    tensor([2., 3.])
    """
    require_tensor("fmax", input)
    require_tensor("fmax", other, "other")
    reject_complex("fmax", input, other)
    return FMax.apply(*promote("fmax", input, other), largest=True)


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of two tensors, element by element; of a number and NaN, the number."""
    require_tensor("fmin", input)
    require_tensor("fmin", other, "other")
    reject_complex("fmin", input, other)
    return FMax.apply(*promote("fmin", input, other), largest=False)


class CopySign(BinaryOp):
    """The size of a with the sign of b; dy/da = 1 where a keeps its sign, else -1, and 0 at 0; dy/db = 0."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        xp = array_module(a)
        y = xp.copysign(a, b)
        self.save_for_backward(
            xp.where(a == 0, 0, xp.where(xp.signbit(a) == xp.signbit(b), 1, -1)).astype(y.dtype)
        )
        return y

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        (factor,) = self.saved
        return unbroadcast(grad_output * factor, self.shapes[0]), unbroadcast(
            zeros_for(grad_output), self.shapes[1]
        )


def copysign(input: Tensor, other: Any) -> Tensor:
    """Return the sizes of the input with the signs of ``other``, a Tensor or a number; -0.0 counts as negative.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.copysign(torch.tensor([1.0, -2.0]), torch.tensor([-3.0, 0.0]))
    tensor([-1.,  2.])
    """
    require_tensor("copysign", input)
    reject_complex("copysign", input, other)
    require_number_or_tensor("copysign", other, "other")
    return CopySign.apply(*promote_to_float("copysign", input, other))


@rounded_once
def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), and 0 where the input is 0, unless ``other`` is NaN.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.xlogy(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    if not isinstance(other, TensorBase):
        require_tensor("xlogy", input)
    require_number_or_tensor("xlogy", input, "input")
    require_number_or_tensor("xlogy", other, "other")
    reject_complex("xlogy", input, other)
    a, b = as_tensors(*promote_to_float("xlogy", input, other))
    nothing = logical_and(eq(a, 0), le(b, 0))
    return a * log(where(nothing, 1.0, b))


@rounded_once
def xlog1py(input: Any, other: Any) -> Tensor:
    """input * log(1 + other), exact for a small ``other``, and 0 where the input is 0, unless ``other`` is NaN.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.xlog1py(torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 0.0]))
    tensor([0., 0.])
    """
    require_number_or_tensor("xlog1py", input, "input")
    require_number_or_tensor("xlog1py", other, "other")
    reject_complex("xlog1py", input, other)
    a, b = as_tensors(*promote_to_float("xlog1py", input, other))
    nothing = logical_and(eq(a, 0), le(b, -1))
    return a * log1p(where(nothing, 0.0, b))


class Entr(Op):
    """Entropy -x log(x), 0 at 0 and -inf below; dy/dx = -log(x) - 1."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return special_module(x).entr(x).astype(x.dtype, copy=False)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * (-array_module(x).log(x) - 1)


@rounded_once
def entr(input: Tensor) -> Tensor:
    """-x log(x), element by element: what an event of probability x adds to the entropy; 0 at 0, -inf below.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.entr(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.3466])
    """
    x = as_float("entr", input)
    reject_complex("entr", x)
    return Entr.apply(x)


class Logit(Op):
    """log(x / (1 - x)), of x limited to [eps, 1 - eps]; dy/dx = 1 / (x (1 - x)) within these limits, and 0 beyond."""

    def forward(self, x: Array, *, eps: float | None) -> Array:
        self.save_for_backward(x)
        self.eps = eps
        if eps is not None:
            x = array_module(x).clip(x, eps, 1 - eps)
        return array_module(x).log(x / (1 - x))

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        grad = grad_output / (x * (1 - x))
        return grad if self.eps is None else keep(grad, (x >= self.eps) & (x <= 1 - self.eps))


@rounded_once
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of ``sigmoid``; with ``eps``, of x limited to [eps, 1 - eps].

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.logit(torch.tensor([0.5]))
    tensor([0.])
    """
    x = as_float("logit", input)
    reject_complex("logit", x)
    return Logit.apply(x, eps=None if eps is None else as_number("logit", "eps", eps))


@rounded_once
def sinc(input: Tensor) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sinc(torch.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    x = as_float("sinc", input)
    at_zero = eq(x, 0)
    angle = where(at_zero, 1.0, x) * math.pi
    return where(at_zero, 1.0, sin(angle) / angle)


@rounded_once
def deg2rad(input: Tensor) -> Tensor:
    """Degrees in radians: x pi / 180."""
    reject_complex("deg2rad", input)
    return as_float("deg2rad", input) * (math.pi / 180)


@rounded_once
def rad2deg(input: Tensor) -> Tensor:
    """Radians in degrees: x 180 / pi."""
    reject_complex("rad2deg", input)
    return as_float("rad2deg", input) * (180 / math.pi)


def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent in float64, or in complex128 if one of them is complex.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.float_power(torch.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    if not isinstance(exponent, TensorBase):
        require_tensor("float_power", input)
    require_number_or_tensor("float_power", input, "input")
    require_number_or_tensor("float_power", exponent, "exponent")
    given = input, exponent
    kinds = [x.array.dtype.kind if isinstance(x, TensorBase) else type(x).__name__[0] for x in given]
    dtype = dtypes.complex128 if "c" in kinds else dtypes.float64
    return pow(*[x.to(dtype=dtype) if isinstance(x, TensorBase) else x for x in given])


def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Return the input with other numbers in place of NaN and the infinities: 0, and the ends of the dtype.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nan_to_num(torch.tensor([float("nan"), 1.0, float("inf")]), posinf=9.0)
    tensor([0., 1., 9.])
    """
    require_tensor("nan_to_num", input)
    if raw(input).dtype.kind in "bui":
        return input.clone()
    reject_complex("nan_to_num", input)
    ends = dtypes.finfo(input.dtype)
    x = where(isnan(input), 0.0 if nan is None else as_number("nan_to_num", "nan", nan), input)
    x = where(
        eq(input, math.inf), ends.max if posinf is None else as_number("nan_to_num", "posinf", posinf), x
    )
    return where(
        eq(input, -math.inf), ends.min if neginf is None else as_number("nan_to_num", "neginf", neginf), x
    )
