"""Determinants, and their logarithms.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.det.html
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.ops.common import raw
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.elementwise.unary import log
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import conjugate_transpose, identity, require_matrices
from tinygrad_edu.ops.linalg.solve import Solve
from tinygrad_edu.ops.linalg.svd import SVD


class Det(Op):
    """y = det A; dy/dA = det A A^-T [1]_, which is the matrix of cofactors.

    If A = U S V^H has no inverse, the cofactors are det U det V^H U diag(s_2 s_3 ..., s_1 s_3 ..., ...) V^H [2]_.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 2.2.4.
    .. [2] N. J. Higham, "What is the adjugate of a matrix?", 2020.
    """

    def forward(self, a: Array) -> Array:
        xp = array_module(a)
        y = xp.asarray(xp.linalg.det(a))
        self.save_for_backward(a, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        a, y = self.saved
        if is_on_host(raw(y)) and not raw(y).all():
            return grad_output[..., None, None] * cofactors(a)
        scale = grad_output * y.conj()
        return scale[..., None, None] * conjugate_transpose(Solve.compute(a, identity(a, a.shape[-1])))


def cofactors(a: Array) -> Array:
    """Return the conjugates of the cofactors, by the singular values: without a division, which may be by 0."""
    u, s, vh = SVD.compute(a, full_matrices=False)
    n = a.shape[-1]
    others = [_product_of([s[..., j] for j in range(n) if j != i], s) for i in range(n)]
    scale = (_det(u) * _det(vh)).conj()
    return scale[..., None, None] * product(u * array_module(s).stack(others, -1)[..., None, :], vh)


def _det(x: Array) -> Array:
    return Det.apply(x) if isinstance(x, TensorBase) else array_module(x).linalg.det(x)


def _product_of(factors: list[Array], like: Array) -> Array:
    return math.prod(factors[1:], start=factors[0]) if factors else like[..., 0] * 0 + 1


class SLogDet(Op):
    """sign = det A / |det A| and ln |det A|; d ln |det A| / dA = A^-H [1]_.

    The sign of real numbers does not change; a complex one turns with the imaginary part of ln det A: with
    g = dL/dlogabsdet - i Im(conj(dL/dsign) sign), dL/dA = g A^-H.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 2.2.4; the complex part from
       ``slogdet_backward`` in PyTorch's torch/csrc/autograd/FunctionsManual.cpp.
    """

    def forward(self, a: Array) -> tuple[Array, Array]:
        xp = array_module(a)
        sign, logabsdet = xp.linalg.slogdet(a)
        sign, logabsdet = xp.asarray(sign), xp.asarray(logabsdet)
        self.save_for_backward(a, sign)
        return sign, logabsdet

    def backward(self, grad_sign: Array | None, grad_logabsdet: Array | None) -> Array | None:
        a, sign = self.saved
        grad = grad_logabsdet
        if raw(sign).dtype.kind == "c" and grad_sign is not None:
            turn = -1j * (grad_sign.conj() * sign).imag
            grad = turn if grad is None else grad + turn
        if grad is None:
            return None
        return grad[..., None, None] * conjugate_transpose(Solve.compute(a, identity(a, a.shape[-1])))


class SignAndLog(NamedTuple):
    """What ``slogdet`` returns."""

    sign: Any
    logabsdet: Any


def det(A: Tensor) -> Tensor:
    r"""Return the determinant of each matrix (\*batch, n, n).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.det.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.det(torch.tensor([[2.0, 1.0], [0.0, 4.0]]))
    tensor(8.)
    """
    require_matrices("linalg.det", A, square=True)
    return Det.apply(A)


def slogdet(A: Tensor) -> SignAndLog:
    r"""Return the sign of the determinant of each matrix (\*batch, n, n), and ln |det A|: 0 and -inf if it is 0.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.slogdet.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.slogdet(torch.eye(3) * -1e30).logabsdet  # the determinant is -1e90
    tensor(207.2327)
    """
    require_matrices("linalg.slogdet", A, square=True)
    return SignAndLog(*SLogDet.apply(A))


def logdet(input: Tensor) -> Tensor:
    """Return ln det of each matrix; NaN where the determinant is negative."""
    require_matrices("logdet", input, square=True)
    sign, logabsdet = SLogDet.apply(input)
    if raw(sign).dtype.kind == "c":
        return logabsdet + log(sign)
    return where(sign == -1.0, math.nan, logabsdet)
