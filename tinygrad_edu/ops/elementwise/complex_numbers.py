"""Complex numbers: their parts, their angle, their conjugates, and how they are put together.

The gradient of a real number L with respect to z = x + iy is dL/dx + i dL/dy, PyTorch's convention: the direction in
which L grows fastest. For a function with a complex derivative that is grad_output * conj(f'(z)).

References
----------
.. [1] K. Kreutz-Delgado, "The complex gradient operator and the CR-calculus", 2009, sections 4 and 5.
.. [2] https://docs.pytorch.org/docs/stable/notes/autograd.html#autograd-for-complex-numbers
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    BinaryOp,
    as_float,
    raw,
    require_tensor,
    require_tensors,
    unbroadcast,
    zeros_for,
)
from tinygrad_edu.ops.elementwise.trigonometry import cos, sin
from tinygrad_edu.ops.shape.layout import transpose
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES


class Conj(Op):
    """x - iy of z = x + iy; the gradient is conjugated, too."""

    def forward(self, z: Array) -> Array:
        return z.conj()

    def backward(self, grad_output: Array) -> Array:
        return grad_output.conj()


def conj(input: Tensor) -> Tensor:
    """Return complex numbers with their imaginary parts negated; a tensor of real numbers itself.

    PyTorch's is a view that is computed when it is used; here it is computed at once.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.conj.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.conj(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([1.-2.j, 3.+4.j])
    """
    require_tensor("conj", input)
    return Conj.apply(input) if raw(input).dtype.kind == "c" else input


def conj_physical(input: Tensor) -> Tensor:
    """Return what :func:`conj` does."""
    require_tensor("conj_physical", input)
    return conj(input)


def resolve_conj(input: Tensor) -> Tensor:
    """Return the input: nothing waits to be conjugated."""
    require_tensor("resolve_conj", input)
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """Return the input: nothing waits to be negated."""
    require_tensor("resolve_neg", input)
    return input


def adjoint(input: Tensor) -> Tensor:
    r"""Return matrices transposed and conjugated, (\*, m, n) -> (\*, n, m)."""
    require_tensor("adjoint", input)
    if input.ndim < 2:
        raise RuntimeError(f"adjoint: expected a matrix or a batch of them, got a {input.ndim}D tensor")
    return conj(transpose(input, -2, -1))


class Complex(BinaryOp):
    """x + iy of real x and y; their gradients are the real and the imaginary part."""

    def forward(self, x: Array, y: Array) -> Array:
        xp = array_module(x)
        self.shapes = x.shape, y.shape
        z = xp.empty(np.broadcast_shapes(x.shape, y.shape), np.result_type(x.dtype, np.complex64))
        z.real, z.imag = x, y
        return z

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        return unbroadcast(grad_output.real, self.shapes[0]), unbroadcast(grad_output.imag, self.shapes[1])


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """Return real + i imag, of two tensors of float32 or of float64.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.complex.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([1.+3.j, 2.+4.j])
    """
    require_tensors("complex", real=real, imag=imag)
    check_parts("complex", real, imag)
    return Complex.apply(real, imag)


def check_parts(name: str, x: Any, y: Any) -> None:
    """Raise unless two tensors can be the parts of complex numbers, in whichever way."""
    a, b = raw(x).dtype, raw(y).dtype
    if a == np.float16:
        raise NotImplementedError(f"{name}: there is no complex type of two float16")
    if a not in COMPILED_DTYPES or b not in COMPILED_DTYPES:
        raise RuntimeError(f"{name}: Expected both inputs to be Float or Double tensors but got {a} and {b}")
    if a != b:
        raise RuntimeError(
            f"{name}: Expected object of scalar type {a} but got scalar type {b} for second argument"
        )


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Return abs (cos angle + i sin angle): complex numbers by their polar coordinates.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.polar.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.polar(torch.tensor([1.0, 2.0]), torch.tensor([0.0, torch.pi / 2])).imag
    tensor([0., 2.])
    """
    require_tensors("polar", abs=abs, angle=angle)
    check_parts("polar", abs, angle)
    return Complex.apply(abs * cos(angle), abs * sin(angle))


class Real(Op):
    """x of z = x + iy, a view; the gradient has no imaginary part."""

    is_view = True

    def forward(self, z: Array) -> Array:
        return z.real

    def backward(self, grad_output: Array) -> Array:
        return Complex.compute(grad_output, zeros_for(grad_output))


class Imag(Op):
    """y of z = x + iy, a view; the gradient has no real part."""

    is_view = True

    def forward(self, z: Array) -> Array:
        return z.imag

    def backward(self, grad_output: Array) -> Array:
        return Complex.compute(zeros_for(grad_output), grad_output)


def real(input: Tensor) -> Tensor:
    """Return the real parts, a view; a tensor of real numbers itself.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.real(torch.tensor([1 + 2j]))
    tensor([1.])
    """
    require_tensor("real", input)
    return Real.apply(input) if raw(input).dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    """Return the imaginary parts, a view; real numbers have none.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.imag(torch.tensor([1 + 2j]))
    tensor([2.])
    """
    require_tensor("imag", input)
    if raw(input).dtype.kind != "c":
        raise RuntimeError(
            f"imag is not implemented for tensors with non-complex dtypes: expected complex numbers, got {input.dtype}"
        )
    return Imag.apply(input)


class Angle(Op):
    r"""The angle of z = x + iy, atan2(y, x), which grows fastest along iz: the gradient is i z / \|z\|^2, 0 at 0."""

    def forward(self, z: Array) -> Array:
        self.save_for_backward(z)
        return array_module(z).arctan2(z.imag, z.real)

    def backward(self, grad_output: Array) -> Array:
        (z,) = self.saved
        square = z.real * z.real + z.imag * z.imag
        scaled = grad_output / array_module(square).where(square == 0, 1.0, square)
        return Complex.compute(-scaled * z.imag, scaled * z.real)


class AngleOfReal(Op):
    """pi for negative numbers, 0 for others, NaN for NaN; the derivative is 0."""

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        return xp.where(xp.isnan(x), x, xp.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0)))

    def backward(self, grad_output: Array) -> Array:
        return zeros_for(grad_output)


def angle(input: Tensor) -> Tensor:
    """Return the angle to the positive real axis, in radians; of real numbers 0 or pi.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.angle.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.angle(torch.tensor([1j, -1 + 0j]))
    tensor([1.5708, 3.1416])
    """
    x = as_float("angle", input)
    return (Angle if raw(x).dtype.kind == "c" else AngleOfReal).apply(x)


class ViewAsReal(Op):
    r"""(\*) complex numbers as (\*, 2) real ones in the same memory."""

    is_view = True

    def forward(self, z: Array) -> Array:
        return z[..., None].view(z.real.dtype)

    def backward(self, grad_output: Array) -> Array:
        return Complex.compute(grad_output[..., 0], grad_output[..., 1])


class ViewAsComplex(Op):
    r"""(\*, 2) real numbers as (\*) complex ones in the same memory."""

    is_view = True

    def forward(self, x: Array) -> Array:
        return x.view(np.result_type(x.dtype, np.complex64))[..., 0]

    def backward(self, grad_output: Array) -> Array:
        return array_module(grad_output).stack([grad_output.real, grad_output.imag], -1)


def view_as_real(input: Tensor) -> Tensor:
    r"""Return a view of (\*) complex numbers as (\*, 2) real ones: their real and imaginary parts.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.view_as_real(torch.tensor([1 + 2j, 3 + 4j]))
    tensor([[1., 2.],
            [3., 4.]])
    """
    require_tensor("view_as_real", input)
    if raw(input).dtype.kind != "c":
        raise RuntimeError(f"view_as_real is only supported for complex tensors, got {input.dtype}")
    return ViewAsReal.apply(input)


def view_as_complex(input: Tensor) -> Tensor:
    r"""Return a view of (\*, 2) real numbers as (\*) complex ones.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.view_as_complex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1.+2.j, 3.+4.j])
    """
    require_tensor("view_as_complex", input)
    dtype, strides = raw(input).dtype, input.stride()
    if dtype == np.float16:
        raise NotImplementedError("view_as_complex: there is no complex type of two float16")
    if dtype not in COMPILED_DTYPES:
        raise RuntimeError(
            f"view_as_complex is only supported for floating point tensors, but got a tensor of {dtype}"
        )
    if input.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError(f"Tensor must have a last dimension of size 2, got {list(input.shape)}")
    if strides[-1] != 1:
        raise RuntimeError(f"Tensor must have a last dimension with stride 1, got strides {list(strides)}")
    if any(stride % 2 for stride in strides[:-1]):
        raise RuntimeError(
            f"Tensor must have a stride divisible by 2 for all but last dimension, got strides {list(strides)}"
        )
    return ViewAsComplex.apply(input)
