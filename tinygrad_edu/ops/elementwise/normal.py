"""The normal distribution's functions: its integral, the inverse of that, and the error functions beside it.

References
----------
https://docs.pytorch.org/docs/stable/special.html
DLMF: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapter 7
"""

from __future__ import annotations

import math

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, special_module
from tinygrad_edu.ops.common import as_float, reject_complex
from tinygrad_edu.ops.elementwise.unary import TWO_OVER_SQRT_PI, erfc
from tinygrad_edu.ops.half import rounded_once


class ErfInv(Op):
    """Inverse of the error function; dy/dx = sqrt(pi) / 2 e^(y^2)."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).erfinv(x).astype(x.dtype, copy=False)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * array_module(y).exp(y * y) * (math.sqrt(math.pi) / 2)


@rounded_once
def erfinv(input: Tensor) -> Tensor:
    """Inverse of the error function, from -1 to 1."""
    x = as_float("erfinv", input)
    reject_complex("erfinv", x)
    return ErfInv.apply(x)


class Erfcx(Op):
    """e^(x^2) erfc(x) (DLMF 7.2.2), which neither vanishes nor overflows for x > 0; dy/dx = 2 x y - 2 / sqrt(pi)."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).erfcx(x).astype(x.dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        return grad_output * (2 * x * y - TWO_OVER_SQRT_PI)


@rounded_once
def erfcx(input: Tensor) -> Tensor:
    """e^(x^2) erfc(x), also where erfc(x) is too small for a number of its own.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.erfcx(torch.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0056])
    """
    x = as_float("erfcx", input)
    reject_complex("erfcx", x)
    return Erfcx.apply(x)


@rounded_once
def ndtr(input: Tensor) -> Tensor:
    """Area below x under the density of the standard normal distribution: erfc(-x / sqrt(2)) / 2 (DLMF 7.18.1).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.ndtr(torch.tensor([0.0, 1.96]))
    tensor([0.5000, 0.9750])
    """
    x = as_float("ndtr", input)
    reject_complex("ndtr", x)
    return erfc(x * -math.sqrt(0.5)) / 2


class Ndtri(Op):
    """Inverse of ``ndtr``; dy/dx = sqrt(2 pi) e^(y^2 / 2), 1 over the density at y."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).ndtri(x).astype(x.dtype, copy=False)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return grad_output * array_module(y).exp(y * y / 2) * math.sqrt(2 * math.pi)


@rounded_once
def ndtri(input: Tensor) -> Tensor:
    """Quantiles of the standard normal distribution: the inverse of ``ndtr``, from 0 to 1.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.ndtri(torch.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    x = as_float("ndtri", input)
    reject_complex("ndtri", x)
    return Ndtri.apply(x)


class LogNdtr(Op):
    """log(ndtr(x)), also where ndtr(x) vanishes; dy/dx = e^(-x^2 / 2 - y) / sqrt(2 pi)."""

    def forward(self, x: Array) -> Array:
        y = special_module(x).log_ndtr(x).astype(x.dtype, copy=False)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        return grad_output * array_module(x).exp(-(x * x / 2 + y)) / math.sqrt(2 * math.pi)


@rounded_once
def log_ndtr(input: Tensor) -> Tensor:
    """Logarithm of ``ndtr``, also where that is too small for a number of its own.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.log_ndtr(torch.tensor([0.0, -100.0]))
    tensor([-6.9315e-01, -5.0055e+03])
    """
    x = as_float("log_ndtr", input)
    reject_complex("log_ndtr", x)
    return LogNdtr.apply(x)
