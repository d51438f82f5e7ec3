"""The gamma function's family: its logarithm, the derivatives of that, the incomplete ones, and the zeta function.

References
----------
https://docs.pytorch.org/docs/stable/special.html
DLMF: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapters 5, 8 and 25
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, special_module
from tinygrad_edu.ops.common import BinaryOp, as_float, reject_complex, unbroadcast
from tinygrad_edu.ops.elementwise.special import as_tensors, require_number_or_tensor, two_floats
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.promotion import promote_to_float
from tinygrad_edu.ops.shape.layout import contiguous


class LogGamma(Op):
    """log of the absolute value of the gamma function; dy/dx is the digamma function."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        xp = array_module(x)
        y = xp.where(x == -xp.inf, xp.inf, special_module(x).gammaln(x))  # SciPy has -inf there
        return y.astype(x.dtype, copy=False)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * Digamma.compute(x)


@rounded_once
def lgamma(input: Tensor) -> Tensor:
    """Logarithm of the absolute value of the gamma function, which is (n - 1)! for an integer n.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.lgamma(torch.tensor([1.0, 4.0]))
    tensor([0.0000, 1.7918])
    """
    x = as_float("lgamma", input)
    reject_complex("lgamma", x)
    return LogGamma.apply(x)


class Digamma(Op):
    """Derivative of the logarithm of the gamma function; its own derivative is that of order 1."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        xp = array_module(x)
        y = special_module(x).digamma(x).astype(x.dtype, copy=False)
        return xp.where(
            x == 0, xp.copysign(x.dtype.type(math.inf), -x), y
        )  # as PyTorch; SciPy has NaN or one sign

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * Polygamma.compute(x, order=1)


class Polygamma(Op):
    """Derivative of the digamma function of an order; its own one is that of the next order."""

    def forward(self, x: Array, *, order: int) -> Array:
        self.save_for_backward(x)
        self.order = order
        return special_module(x).polygamma(order, x).astype(x.dtype, copy=False)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return grad_output * Polygamma.compute(x, order=self.order + 1)


@rounded_once
def digamma(input: Tensor) -> Tensor:
    """Derivative of ``lgamma``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.digamma(torch.tensor([1.0]))
    tensor([-0.5772])
    """
    x = as_float("digamma", input)
    reject_complex("digamma", x)
    return Digamma.apply(x)


@rounded_once
def polygamma(n: int, input: Tensor) -> Tensor:
    """Derivative of order n of ``digamma`` (DLMF 5.15.1): (-1)^(n + 1) n! zeta(n + 1, input) for n > 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.polygamma(1, torch.tensor([1.0]))  # pi^2 / 6
    tensor([1.6449])
    """
    order = as_int("polygamma", "n", n)
    if order < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n: expected 0 or more, got n={order}")
    x = as_float("polygamma", input)
    reject_complex("polygamma", x)
    return Polygamma.apply(x, order=order) if order else Digamma.apply(x)


@rounded_once
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """Logarithm of the gamma function of p dimensions (DLMF 35.3.4), which normalises the Wishart distribution.

    p (p - 1) / 4 log(pi) + sum over i = 0..p-1 of lgamma(input - i / 2)

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.mvlgamma(torch.tensor([3.0]), 2)
    tensor([1.5502])
    """
    dimensions = as_int("mvlgamma", "p", p)
    if dimensions < 1:
        raise RuntimeError(
            f"p has to be greater than or equal to 1: expected such a number, got {dimensions}"
        )
    x = as_float("mvlgamma", input)
    reject_complex("mvlgamma", x)
    total: Any = dimensions * (dimensions - 1) / 4 * math.log(math.pi)
    for i in range(dimensions):
        total = total + lgamma(x - i / 2)
    return contiguous(total)


class IncompleteGamma(BinaryOp):
    """P(a, x) = integral of t^(a - 1) e^-t from 0 to x, divided by gamma(a) (DLMF 8.2.4), or Q = 1 - P, the rest.

    dP/dx = x^(a - 1) e^-x / gamma(a) (DLMF 8.8.13), dQ/dx = -dP/dx; for a there is no derivative, as in PyTorch.
    """

    def forward(self, a: Array, x: Array, *, upper: bool) -> Array:
        self.shapes = a.shape, x.shape
        self.upper = upper
        self.save_for_backward(a, x)
        special = special_module(a)
        y = special.gammaincc(a, x) if upper else special.gammainc(a, x)
        return y.astype(a.dtype, copy=False)

    def backward(self, grad_output: Array) -> tuple[None, Array]:
        a, x = self.saved
        if self.needs_input_grad[0]:
            name = "igammac" if self.upper else "igamma"
            raise NotImplementedError(
                f"the derivative for '{name}: input' is not implemented: expected a second argument alone that "
                "requires a gradient"
            )
        xp = array_module(grad_output)
        slope = xp.exp((a - 1) * xp.log(x) - x - LogGamma.compute(a))
        return None, unbroadcast(grad_output * (-slope if self.upper else slope), self.shapes[1])


@rounded_once
def igamma(input: Tensor, other: Tensor) -> Tensor:
    """Lower incomplete gamma function, regularised: the share of the integral of t^(input - 1) e^-t below ``other``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.igamma(torch.tensor([1.0]), torch.tensor([2.0]))  # 1 - e^-2
    tensor([0.8647])
    """
    return IncompleteGamma.apply(*two_floats("igamma", input, other), upper=False)


@rounded_once
def igammac(input: Tensor, other: Tensor) -> Tensor:
    """Upper incomplete gamma function, regularised: 1 - igamma(input, other), exact also where it is small.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.igammac(torch.tensor([1.0]), torch.tensor([2.0]))  # e^-2
    tensor([0.1353])
    """
    return IncompleteGamma.apply(*two_floats("igammac", input, other), upper=True)


class Zeta(BinaryOp):
    """Sum over k >= 0 of 1 / (k + q)^s (DLMF 25.11.1); dy/dq = -s zeta(s + 1, q), and none for s, as in PyTorch."""

    def forward(self, s: Array, q: Array) -> Array:
        self.shapes = s.shape, q.shape
        self.save_for_backward(s, q)
        dtype = s.dtype
        return special_module(s).zeta(s, q).astype(dtype, copy=False)

    def backward(self, grad_output: Array) -> tuple[None, Array]:
        s, q = self.saved
        if self.needs_input_grad[0]:
            raise NotImplementedError(
                "the derivative for 'zeta' is not implemented: expected a second argument alone that requires a "
                "gradient"
            )
        return None, unbroadcast(grad_output * -s * Zeta.compute(s + 1, q), self.shapes[1])


@rounded_once
def zeta(input: Any, other: Any) -> Tensor:
    """Hurwitz zeta function: sum over k >= 0 of 1 / (k + other)^input; one of the two may be a number.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.zeta(torch.tensor([2.0]), 1)  # pi^2 / 6
    tensor([1.6449])
    """
    require_number_or_tensor("zeta", input, "input")
    require_number_or_tensor("zeta", other, "other")
    reject_complex("zeta", input, other)
    return Zeta.apply(*as_tensors(*promote_to_float("zeta", input, other)))
