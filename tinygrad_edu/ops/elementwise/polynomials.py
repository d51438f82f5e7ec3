"""Orthogonal polynomials of a degree for each element; without gradients, as in PyTorch.

References
----------
https://docs.pytorch.org/docs/stable/special.html
DLMF: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapter 18
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, device_of, to_device, to_numpy
from tinygrad_edu.ops.common import BinaryOp, reject_complex
from tinygrad_edu.ops.elementwise.special import as_tensors, require_number_or_tensor
from tinygrad_edu.ops.promotion import promote_to_float

LARGEST_HERMITE = 128
LARGEST_HERMITE_OF_FLOAT64 = 512
"""Hermite polynomials of a higher degree are NaN, as in PyTorch: the steps would be many, and the numbers too large."""


class Polynomial(BinaryOp):
    """The polynomial of degree n at x, by the recurrences of SciPy (DLMF 18.9.1); 0 where n is negative."""

    num_differentiable = 0

    def forward(self, x: Array, n: Array, *, family: str, shifted: bool) -> Array:
        # CuPy has none: on the host, whatever the device.
        places, degrees = to_numpy(x).astype(np.float64), np.trunc(to_numpy(n)).astype(np.int64)
        y = values(family, degrees, 2 * places - 1 if shifted else places)
        y = np.where(degrees < 0, 0, y)
        if family.startswith("hermite"):
            most = LARGEST_HERMITE_OF_FLOAT64 if x.dtype == np.float64 else LARGEST_HERMITE
            y = np.where(degrees > most, np.nan, y)
        return to_device(y.astype(x.dtype), device_of(x))


def values(family: str, n: Array, x: Array) -> Array:
    """Return the polynomials of one family; the third and fourth kind of Chebyshev's come from the second."""
    from scipy import special

    if family == "chebyshev_v":  # DLMF 18.9.9
        return special.eval_chebyu(n, x) - special.eval_chebyu(n - 1, x)
    if family == "chebyshev_w":  # DLMF 18.9.10
        return special.eval_chebyu(n, x) + special.eval_chebyu(n - 1, x)
    functions = {
        "chebyshev_t": special.eval_chebyt,
        "chebyshev_u": special.eval_chebyu,
        "hermite_h": special.eval_hermite,
        "hermite_he": special.eval_hermitenorm,
        "laguerre_l": special.eval_laguerre,
        "legendre_p": special.eval_legendre,
    }
    return functions[family](n, x)


def polynomial(name: str, x: Any, n: Any, family: str, shifted: bool = False) -> Any:
    """Check the arguments, one of which may be a number, and compute."""
    require_number_or_tensor(name, x, "x")
    require_number_or_tensor(name, n, "n")
    reject_complex(name, x, n)
    x, degrees = as_tensors(*promote_to_float(name, x, n))
    return Polynomial.apply(x, degrees, family=family, shifted=shifted)


def chebyshev_polynomial_t(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial of the first kind, T_n(cos t) = cos(n t) (DLMF 18.5.1).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.chebyshev_polynomial_t(torch.tensor([0.5]), 3)
    tensor([-1.])
    """
    return polynomial("chebyshev_polynomial_t", x, n, "chebyshev_t")


def chebyshev_polynomial_u(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial of the second kind, U_n(cos t) = sin((n + 1) t) / sin(t) (DLMF 18.5.2)."""
    return polynomial("chebyshev_polynomial_u", x, n, "chebyshev_u")


def chebyshev_polynomial_v(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial of the third kind, V_n(cos t) = cos((n + 1/2) t) / cos(t / 2) (DLMF 18.5.3)."""
    return polynomial("chebyshev_polynomial_v", x, n, "chebyshev_v")


def chebyshev_polynomial_w(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial of the fourth kind, W_n(cos t) = sin((n + 1/2) t) / sin(t / 2) (DLMF 18.5.4)."""
    return polynomial("chebyshev_polynomial_w", x, n, "chebyshev_w")


def hermite_polynomial_h(x: Any, n: Any) -> Tensor:
    """Hermite polynomial of physics, orthogonal for e^(-x^2): H_n = 2 x H_(n-1) - 2 (n - 1) H_(n-2).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.hermite_polynomial_h(torch.tensor([1.0]), 2)
    tensor([2.])
    """
    return polynomial("hermite_polynomial_h", x, n, "hermite_h")


def hermite_polynomial_he(x: Any, n: Any) -> Tensor:
    """Hermite polynomial of probability, orthogonal for e^(-x^2 / 2): He_n = x He_(n-1) - (n - 1) He_(n-2)."""
    return polynomial("hermite_polynomial_he", x, n, "hermite_he")


def laguerre_polynomial_l(x: Any, n: Any) -> Tensor:
    """Laguerre polynomial, orthogonal for e^-x: n L_n = (2 n - 1 - x) L_(n-1) - (n - 1) L_(n-2).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.laguerre_polynomial_l(torch.tensor([2.0]), 2)
    tensor([-1.])
    """
    return polynomial("laguerre_polynomial_l", x, n, "laguerre_l")


def legendre_polynomial_p(x: Any, n: Any) -> Tensor:
    """Legendre polynomial, orthogonal on [-1, 1]: n P_n = (2 n - 1) x P_(n-1) - (n - 1) P_(n-2).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.special.legendre_polynomial_p(torch.tensor([1.0]), 3)
    tensor([1.])
    """
    return polynomial("legendre_polynomial_p", x, n, "legendre_p")


def shifted_chebyshev_polynomial_t(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial ``chebyshev_polynomial_t`` of 2 x - 1: for x from 0 to 1 instead of -1 to 1."""
    return polynomial("shifted_chebyshev_polynomial_t", x, n, "chebyshev_t", shifted=True)


def shifted_chebyshev_polynomial_u(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial ``chebyshev_polynomial_u`` of 2 x - 1: for x from 0 to 1 instead of -1 to 1."""
    return polynomial("shifted_chebyshev_polynomial_u", x, n, "chebyshev_u", shifted=True)


def shifted_chebyshev_polynomial_v(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial ``chebyshev_polynomial_v`` of 2 x - 1: for x from 0 to 1 instead of -1 to 1."""
    return polynomial("shifted_chebyshev_polynomial_v", x, n, "chebyshev_v", shifted=True)


def shifted_chebyshev_polynomial_w(x: Any, n: Any) -> Tensor:
    """Chebyshev polynomial ``chebyshev_polynomial_w`` of 2 x - 1: for x from 0 to 1 instead of -1 to 1."""
    return polynomial("shifted_chebyshev_polynomial_w", x, n, "chebyshev_w", shifted=True)
