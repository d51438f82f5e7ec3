"""Eigenvalues and eigenvectors.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.eigh.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import raw
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import (
    LinAlgError,
    conjugate_transpose,
    identity,
    on_host,
    real_part,
    require_matrices,
)
from tinygrad_edu.ops.linalg.solve import Solve
from tinygrad_edu.ops.linalg.svd import gaps, skew


class Eigh(Op):
    """Eigenvalues w, rising, and orthonormal eigenvectors V of a symmetric (Hermitian) A: A V = V diag(w).

    With E_jk = w_k - w_j off the diagonal, dL/dA = V (diag(gw) + V^H gV / E) V^H, where the diagonal of V^H gV is left
    out [1]_; of it the Hermitian part is taken, with (X - X^H) / 2 for the X = V^H gV. The derivative of V exists only
    where all eigenvalues differ.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 3.1.
    """

    def forward(self, a: Array, *, uplo: str) -> tuple[Array, Array]:
        w, v = array_module(a).linalg.eigh(a, uplo)
        self.save_for_backward(w, v)
        return w, v

    def backward(self, grad_w: Array | None, grad_v: Array | None) -> Array | None:
        w, v = self.saved
        parts = []
        if grad_w is not None:
            parts.append(v * grad_w[..., None, :])
        if grad_v is not None:
            turn = 0.5 * skew(product(conjugate_transpose(v), grad_v)) / gaps(w)
            parts.append(product(v, turn * off_diagonal(turn)))
        return product(sum(parts[1:], start=parts[0]), conjugate_transpose(v)) if parts else None


def off_diagonal(x: Array) -> Array:
    """Return a matrix of ones with zeros on the diagonal."""
    return 1 - identity(x, x.shape[-1])


class Eig(Op):
    """Complex eigenvalues w and eigenvectors V of length 1 of any square matrix: A V = V diag(w).

    With E_jk = conj(w_k - w_j) off the diagonal, dL/dA = V^-H (diag(gw) + (V^H gV - V^H V diag(Re(V^H gV))) / E) V^H;
    without the middle term, which keeps the length 1, it is Giles' [1]_, [2]_.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 3.1.
    .. [2] C. Boeddeker et al., "On the computation of complex-valued gradients with application to statistically
       optimum beamforming", arXiv 1701.00392, 2017, equation 4.77; ``linalg_eig_backward`` in PyTorch's
       torch/csrc/autograd/FunctionsManual.cpp.
    """

    def forward(self, a: Array) -> tuple[Array, Array]:
        self.is_real = a.dtype.kind != "c"
        w, v = on_host(_eig, a)
        self.save_for_backward(w, v)
        return w, v

    def backward(self, grad_w: Array | None, grad_v: Array | None) -> Array | None:
        w, v = self.saved
        vh = conjugate_transpose(v)
        parts = []
        if grad_v is not None:
            inner = product(vh, grad_v)
            lengths = real_part(inner.diagonal(0, -2, -1))[..., None, :]
            turn = (inner - product(vh, v) * lengths) / gaps(w).conj()
            parts.append(turn * off_diagonal(turn))
        if grad_w is not None:
            parts.append(identity(grad_w, w.shape[-1]) * grad_w[..., None, :])
        if not parts:
            return None
        grad = Solve.compute(vh, product(sum(parts[1:], start=parts[0]), vh))
        return real_part(grad) if self.is_real else grad


def _eig(a: Any) -> tuple[Any, Any]:
    w, v = np.linalg.eig(a)
    dtype = np.result_type(a.dtype, np.complex64)
    return w.astype(dtype), v.astype(dtype)


class EigenResult(NamedTuple):
    """What ``eig`` and ``eigh`` return."""

    eigenvalues: Any
    eigenvectors: Any


@wide_under_autocast
def eigh(input: Tensor, UPLO: str = "L") -> EigenResult:
    r"""Return the eigenvalues, rising, and the eigenvectors of symmetric (Hermitian) matrices.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, n, n).
    UPLO : str
        "L" or "U": which triangle is looked at.

    Returns
    -------
    (eigenvalues, eigenvectors)
        Real ones (\*batch, n), and (\*batch, n, n), one a column.

    Notes
    -----
    An eigenvector may have the other sign (or, complex, be turned by a phase): a loss must not ask which. Its gradient
    exists only where all eigenvalues differ; that of the eigenvalues exists everywhere.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.eigh.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.eigh(torch.tensor([[1.0, 2.0], [2.0, 1.0]])).eigenvalues
    tensor([-1.,  3.])
    """
    require_matrices("linalg.eigh", input, square=True)
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"linalg.eigh: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    try:
        return EigenResult(*Eigh.apply(input, uplo=UPLO.upper()))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(
            "linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
            "repeated eigenvalues."
        ) from error


@wide_under_autocast
def eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of symmetric (Hermitian) matrices, rising: see :func:`eigh`."""
    return eigh(input, UPLO).eigenvalues


@wide_under_autocast
def eig(input: Tensor) -> EigenResult:
    r"""Return the complex eigenvalues (\*batch, n) and eigenvectors (\*batch, n, n), one a column, in no special order.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.eig.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.eig(torch.tensor([[0.0, -1.0], [1.0, 0.0]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    return _eig_of("linalg.eig", input)


def _eig_of(name: str, A: Tensor) -> EigenResult:
    require_matrices(name, A, square=True)
    array = raw(A)
    if not array_module(array).isfinite(array).all():
        raise RuntimeError(f"{name}: input tensor should not contain infs or NaNs.")
    return EigenResult(*Eig.apply(A))


@wide_under_autocast
def eigvals(input: Tensor) -> Tensor:
    """Return the complex eigenvalues of each matrix: see :func:`eig`."""
    return _eig_of("linalg.eigvals", input).eigenvalues
