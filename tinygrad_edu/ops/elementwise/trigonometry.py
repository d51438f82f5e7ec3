"""Trigonometric and hyperbolic functions and their inverses; angles are in radians.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import BinaryOp, as_float, kind_of, reject_complex, require_tensors, unbroadcast
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.promotion import promote_to_float


class Sin(Op):
    """Sine; dy/dx = cos x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).sin(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * array_module(x).cos(x).conj()


def sin(input: Tensor) -> Tensor:
    """Sine; dy/dx = cos x."""
    return Sin.apply(as_float("sin", input))


class Cos(Op):
    """Cosine; dy/dx = -sin x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).cos(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return -grad_output * array_module(x).sin(x).conj()


def cos(input: Tensor) -> Tensor:
    """Cosine; dy/dx = -sin x."""
    return Cos.apply(as_float("cos", input))


class Tan(Op):
    """Tangent; dy/dx = 1 + tan^2 x."""

    def forward(self, x: Array) -> Array:
        y = array_module(x).tan(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * (1 + y * y).conj()


def tan(input: Tensor) -> Tensor:
    """Tangent; dy/dx = 1 + tan^2 x."""
    return Tan.apply(as_float("tan", input))


class Asin(Op):
    """Arc sine; dy/dx = 1 / sqrt(1 - x^2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arcsin(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / array_module(x).sqrt(1 - x * x).conj()


def asin(input: Tensor) -> Tensor:
    """Arc sine; dy/dx = 1 / sqrt(1 - x^2)."""
    return Asin.apply(as_float("asin", input))


class Acos(Op):
    """Arc cosine; dy/dx = -1 / sqrt(1 - x^2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arccos(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return -grad_output / array_module(x).sqrt(1 - x * x).conj()


def acos(input: Tensor) -> Tensor:
    """Arc cosine; dy/dx = -1 / sqrt(1 - x^2)."""
    return Acos.apply(as_float("acos", input))


class Atan(Op):
    """Arc tangent; dy/dx = 1 / (1 + x^2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arctan(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / (1 + x * x).conj()


def atan(input: Tensor) -> Tensor:
    """Arc tangent; dy/dx = 1 / (1 + x^2)."""
    return Atan.apply(as_float("atan", input))


class Sinh(Op):
    """Hyperbolic sine; dy/dx = cosh x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).sinh(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * array_module(x).cosh(x).conj()


def sinh(input: Tensor) -> Tensor:
    """Hyperbolic sine; dy/dx = cosh x."""
    return Sinh.apply(as_float("sinh", input))


class Cosh(Op):
    """Hyperbolic cosine; dy/dx = sinh x."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).cosh(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * array_module(x).sinh(x).conj()


def cosh(input: Tensor) -> Tensor:
    """Hyperbolic cosine; dy/dx = sinh x."""
    return Cosh.apply(as_float("cosh", input))


class Tanh(Op):
    """Hyperbolic tangent; dy/dx = 1 - tanh^2 x."""

    def forward(self, x: Array) -> Array:
        y = array_module(x).tanh(x)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).tanh_backward(grad_output, y)
        return grad_output * (1 - y * y).conj()


@rounded_once
def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent; dy/dx = 1 - tanh^2 x."""
    return Tanh.apply(as_float("tanh", input))


class Asinh(Op):
    """Inverse hyperbolic sine; dy/dx = 1 / sqrt(x^2 + 1)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arcsinh(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / array_module(x).sqrt(x * x + 1).conj()


def asinh(input: Tensor) -> Tensor:
    """Inverse hyperbolic sine; dy/dx = 1 / sqrt(x^2 + 1)."""
    return Asinh.apply(as_float("asinh", input))


class Acosh(Op):
    """Inverse hyperbolic cosine; dy/dx = 1 / sqrt(x^2 - 1)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arccosh(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        xp = array_module(x)
        if kind_of(x) == "c":  # the root of a product is another one than the product of roots
            return grad_output / (xp.sqrt(x + 1) * xp.sqrt(x - 1)).conj()
        return grad_output / xp.sqrt(x * x - 1)


def acosh(input: Tensor) -> Tensor:
    """Inverse hyperbolic cosine; dy/dx = 1 / sqrt(x^2 - 1)."""
    return Acosh.apply(as_float("acosh", input))


class Atanh(Op):
    """Inverse hyperbolic tangent; dy/dx = 1 / (1 - x^2)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return array_module(x).arctanh(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output / (1 - x * x).conj()


def atanh(input: Tensor) -> Tensor:
    """Inverse hyperbolic tangent; dy/dx = 1 / (1 - x^2)."""
    return Atanh.apply(as_float("atanh", input))


class Atan2(BinaryOp):
    """The angle of the point (x, y); the derivatives are x / r^2 and -y / r^2, r^2 = x^2 + y^2; 0 at 0."""

    def forward(self, y: Array, x: Array) -> Array:
        self.shapes = y.shape, x.shape
        self.save_for_backward(y, x)
        return array_module(y).arctan2(y, x)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        y, x = self.saved
        square = x * x + y * y
        scaled = grad_output / array_module(square).where(square == 0, 1.0, square)
        return unbroadcast(scaled * x, self.shapes[0]), unbroadcast(-scaled * y, self.shapes[1])


@rounded_once
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle whose tangent is input / other, in the right quadrant."""
    require_tensors("atan2", input=input, other=other)
    reject_complex("atan2", input, other)
    return Atan2.apply(*promote_to_float("atan2", input, other))
