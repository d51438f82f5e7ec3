"""Elementwise functions of one tensor whose results are floating-point numbers.

Every operation is a class, forward and backward side by side, and a lower-case function below it. Integers
are turned into the default floating-point dtype first, as PyTorch does.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

import math
from types import ModuleType

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, special_module
from tinygrad_edu.ops.common import as_float, reject_complex
from tinygrad_edu.ops.half import rounded_once

LN_2 = math.log(2.0)
LN_10 = math.log(10.0)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


class Exp(Op):
    """e^x, elementwise; dy/dx = e^x."""

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.exp(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * y.conj()


def exp(input: Tensor) -> Tensor:
    """e^x, elementwise; dy/dx = e^x."""
    return Exp.apply(as_float("exp", input))


class Exp2(Op):
    """2^x, elementwise; dy/dx = 2^x ln 2."""

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.exp2(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * y.conj() * LN_2


def exp2(input: Tensor) -> Tensor:
    """2^x, elementwise; dy/dx = 2^x ln 2."""
    return Exp2.apply(as_float("exp2", input))


class Expm1(Op):
    """e^x - 1, exact also for small x; dy/dx = e^x = y + 1."""

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.expm1(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * (y + 1).conj()


def expm1(input: Tensor) -> Tensor:
    """e^x - 1, exact also for small x; dy/dx = e^x = y + 1."""
    return Expm1.apply(as_float("expm1", input))


class Log(Op):
    """Natural logarithm; dy/dx = 1 / x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / x.conj()


def log(input: Tensor) -> Tensor:
    """Natural logarithm; dy/dx = 1 / x."""
    return Log.apply(as_float("log", input))


class Log2(Op):
    """Logarithm to base 2; dy/dx = 1 / (x ln 2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log2(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / (x * LN_2).conj()


def log2(input: Tensor) -> Tensor:
    """Logarithm to base 2; dy/dx = 1 / (x ln 2)."""
    return Log2.apply(as_float("log2", input))


class Log10(Op):
    """Logarithm to base 10; dy/dx = 1 / (x ln 10)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log10(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / (x * LN_10).conj()


def log10(input: Tensor) -> Tensor:
    """Logarithm to base 10; dy/dx = 1 / (x ln 10)."""
    return Log10.apply(as_float("log10", input))


class Log1p(Op):
    """ln(1 + x), exact also for small x; dy/dx = 1 / (1 + x)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).log1p(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / (1 + x).conj()


def log1p(input: Tensor) -> Tensor:
    """ln(1 + x), exact also for small x; dy/dx = 1 / (1 + x)."""
    return Log1p.apply(as_float("log1p", input))


class Sqrt(Op):
    """Square root; dy/dx = 1 / (2 sqrt(x))."""

    def forward(self, x: Array) -> Array:
        y = array_module(x).sqrt(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output / (2 * y).conj()


def sqrt(input: Tensor) -> Tensor:
    """Square root; dy/dx = 1 / (2 sqrt(x))."""
    return Sqrt.apply(as_float("sqrt", input))


class Rsqrt(Op):
    """1 / sqrt(x); dy/dx = -y^3 / 2."""

    def forward(self, x: Array) -> Array:
        y = 1 / array_module(x).sqrt(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * (y * y * y).conj() * -0.5


@rounded_once
def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(x); dy/dx = -y^3 / 2."""
    return Rsqrt.apply(as_float("rsqrt", input))


class Sigmoid(Op):
    """1 / (1 + e^-x), the logistic function; dy/dx = y (1 - y)."""

    def forward(self, x: Array) -> Array:
        if kernel_table.has_kernels(x):
            y = kernel_table.activation(x).sigmoid_forward(x)
        else:
            y = stable_sigmoid(array_module(x), x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).sigmoid_backward(grad_output, y)
        return grad_output * (y * (1 - y)).conj()


@rounded_once
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e^-x), the logistic function; dy/dx = y (1 - y)."""
    return Sigmoid.apply(as_float("sigmoid", input))


class Erf(Op):
    """Error function; dy/dx = 2 / sqrt(pi) e^(-x^2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        if kernel_table.has_kernels(x):
            return kernel_table.activation(x).erf(x)
        return special_module(x).erf(x).astype(x.dtype, copy=False)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * array_module(x).exp(-(x * x)) * TWO_OVER_SQRT_PI


def erf(input: Tensor) -> Tensor:
    """Error function; dy/dx = 2 / sqrt(pi) e^(-x^2)."""
    x = as_float("erf", input)
    reject_complex("erf", x)
    return Erf.apply(x)


class Erfc(Op):
    """1 - erf(x), exact also where erf(x) is close to 1; dy/dx = -2 / sqrt(pi) e^(-x^2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return special_module(x).erfc(x).astype(x.dtype, copy=False)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * array_module(x).exp(-(x * x)) * -TWO_OVER_SQRT_PI


def erfc(input: Tensor) -> Tensor:
    """1 - erf(x), exact also where erf(x) is close to 1; dy/dx = -2 / sqrt(pi) e^(-x^2)."""
    x = as_float("erfc", input)
    reject_complex("erfc", x)
    return Erfc.apply(x)


def stable_sigmoid(xp: ModuleType, x: Array) -> Array:
    """Return e^min(x, 0) / (1 + e^-|x|): the logistic function, without an exponent that could overflow."""
    if x.dtype.kind == "c":  # there is no smaller one of two complex numbers
        return 1 / (1 + xp.exp(-x))
    return xp.exp(xp.minimum(x, x.dtype.type(0))) / (1 + xp.exp(-abs(x)))
