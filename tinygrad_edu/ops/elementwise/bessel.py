"""Bessel functions, and the Airy function; those that PyTorch differentiates are the modified ones of the first kind.

References
----------
https://docs.pytorch.org/docs/stable/special.html
DLMF: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapters 9 and 10
"""

from __future__ import annotations

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, device_of, special_module, to_device, to_numpy
from tinygrad_edu.ops.common import as_float, reject_complex
from tinygrad_edu.ops.elementwise.without_gradient import without_gradient
from tinygrad_edu.ops.half import rounded_once


class I0(Op):
    """Modified Bessel function I_0 (DLMF 10.25.2); dy/dx = I_1(x) (DLMF 10.29.3)."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return special_module(x).i0(x).astype(x.dtype, copy=False)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * I1.compute(x)


@rounded_once
def i0(input: Tensor) -> Tensor:
    """Modified Bessel function of the first kind of order 0: sum over k of (x^2 / 4)^k / (k!)^2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    x = as_float("i0", input)
    reject_complex("i0", x)
    return I0.apply(x)


class I1(Op):
    """Modified Bessel function I_1 (DLMF 10.25.2); dy/dx = I_0(x) - y / x (DLMF 10.29.2), 1/2 at 0."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).i1(x).astype(x.dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        return grad_output * (I0.compute(x) - ratio(y, x))


@rounded_once
def i1(input: Tensor) -> Tensor:
    """Modified Bessel function of the first kind of order 1, the derivative of ``i0``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.i1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    x = as_float("i1", input)
    reject_complex("i1", x)
    return I1.apply(x)


def ratio(y: Array, x: Array) -> Array:
    """Return I_1(x) / x, or e^-|x| times it, which is 1/2 at 0."""
    at_zero = 1 - array_module(x).sign(x) ** 2
    return (y + at_zero / 2) / (x + at_zero)


class I0e(Op):
    """e^-|x| I_0(x), which does not overflow; dy/dx = e^-|x| I_1(x) - sign(x) y."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).i0e(x).astype(x.dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        return grad_output * (I1e.compute(x) - array_module(x).sign(x) * y)


@rounded_once
def i0e(input: Tensor) -> Tensor:
    """e^-|x| ``i0(x)``, which does not overflow.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.i0e(torch.tensor([0.0, 1000.0]))
    tensor([1.0000, 0.0126])
    """
    x = as_float("i0e", input)
    reject_complex("i0e", x)
    return I0e.apply(x)


class I1e(Op):
    """e^-|x| I_1(x), which does not overflow; dy/dx = e^-|x| I_0(x) - y (sign(x) + 1 / x), 1/2 at 0."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).i1e(x).astype(x.dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        return grad_output * (I0e.compute(x) - array_module(x).sign(x) * y - ratio(y, x))


@rounded_once
def i1e(input: Tensor) -> Tensor:
    """e^-|x| ``i1(x)``, which does not overflow.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.i1e(torch.tensor([0.0, 1000.0]))
    tensor([0.0000, 0.0126])
    """
    x = as_float("i1e", input)
    reject_complex("i1e", x)
    return I1e.apply(x)


def bessel_j0(input: Tensor) -> Tensor:
    """Bessel function of the first kind of order 0 (DLMF 10.2.2); without a gradient, as in PyTorch.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.bessel_j0(torch.tensor([1.0]))
    tensor([0.7652])
    """
    return without_gradient("bessel_j0", input, "j0")


def bessel_j1(input: Tensor) -> Tensor:
    """Bessel function of the first kind of order 1 (DLMF 10.2.2); without a gradient, as in PyTorch."""
    return without_gradient("bessel_j1", input, "j1")


def bessel_y0(input: Tensor) -> Tensor:
    """Bessel function of the second kind of order 0 (DLMF 10.2.3); without a gradient, as in PyTorch."""
    return without_gradient("bessel_y0", input, "y0")


def bessel_y1(input: Tensor) -> Tensor:
    """Bessel function of the second kind of order 1 (DLMF 10.2.3); without a gradient, as in PyTorch."""
    return without_gradient("bessel_y1", input, "y1")


def modified_bessel_i0(input: Tensor) -> Tensor:
    """What ``i0`` is, without a gradient, as in PyTorch."""
    return without_gradient("modified_bessel_i0", input, "i0")


def modified_bessel_i1(input: Tensor) -> Tensor:
    """What ``i1`` is, without a gradient, as in PyTorch."""
    return without_gradient("modified_bessel_i1", input, "i1")


def modified_bessel_k0(input: Tensor) -> Tensor:
    """Modified Bessel function of the second kind of order 0 (DLMF 10.27.4); without a gradient, as in PyTorch."""
    return without_gradient("modified_bessel_k0", input, "k0")


def modified_bessel_k1(input: Tensor) -> Tensor:
    """Modified Bessel function of the second kind of order 1 (DLMF 10.27.4); without a gradient, as in PyTorch."""
    return without_gradient("modified_bessel_k1", input, "k1")


def scaled_modified_bessel_k0(x: Tensor) -> Tensor:
    """e^x ``modified_bessel_k0(x)``, which does not vanish as fast; without a gradient, as in PyTorch."""
    return without_gradient("scaled_modified_bessel_k0", x, "k0e")


def scaled_modified_bessel_k1(x: Tensor) -> Tensor:
    """e^x ``modified_bessel_k1(x)``, which does not vanish as fast; without a gradient, as in PyTorch."""
    return without_gradient("scaled_modified_bessel_k1", x, "k1e")


class SphericalJ0(Op):
    """sin(x) / x, 1 at 0 and 0 at infinity (DLMF 10.49.3)."""

    num_differentiable = 0

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.sin(x) / xp.where(x == 0, x.dtype.type(1), x)
        y = xp.where(x == 0, x.dtype.type(1), y)
        return xp.where(xp.isinf(x), x.dtype.type(0), y)


@rounded_once
def spherical_bessel_j0(x: Tensor) -> Tensor:
    """Spherical Bessel function of the first kind of order 0: sin(x) / x; without a gradient, as in PyTorch.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.spherical_bessel_j0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    x = as_float("spherical_bessel_j0", x)
    reject_complex("spherical_bessel_j0", x)
    return SphericalJ0.apply(x)


class AiryAi(Op):
    """Airy function Ai, which solves y'' = x y and vanishes for large x (DLMF 9.2.2)."""

    num_differentiable = 0

    def forward(self, x: Array) -> Array:
        import scipy.special

        # CuPy has none: on the host, whatever the device.
        y = scipy.special.airy(to_numpy(x))[0]
        return to_device(y.astype(x.dtype, copy=False), device_of(x))


@rounded_once
def airy_ai(x: Tensor) -> Tensor:
    """Airy function Ai, which solves y'' = x y and vanishes for large x; without a gradient, as in PyTorch.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.airy_ai(torch.tensor([0.0, 1.0]))
    tensor([0.3550, 0.1353])
    """
    x = as_float("airy_ai", x)
    reject_complex("airy_ai", x)
    return AiryAi.apply(x)
