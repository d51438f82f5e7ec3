"""A = U S V^H: the singular values of a matrix, and what is told by them.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.svd.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import raw
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import conjugate_transpose, identity, require_matrices, svd_of_array


class SVD(Op):
    """U, S and V^H with A = U diag(S) V^H, singular values falling, U and V with orthonormal columns.

    With E_jk = s_k^2 - s_j^2 off the diagonal, which is 1 here, and skew(X) = X - X^H:
    dL/dA = U [skew(U^H gU) / E S + S skew(V^H gV) / E + diag(gS)] V^H
    + (I - U U^H) gU S^-1 V^H + U S^-1 gV^H (I - V V^H) [1]_.
    For complex numbers, i Im diag(U^H gU) / S joins the bracket: the phases of U and V turn together [2]_. The
    derivatives of U and V exist only where all singular values differ.

    References
    ----------
    .. [1] J. Townsend, "Differentiating the singular value decomposition", 2016, equations 20 to 22; M. B. Giles,
       "Collected matrix derivative results", 2008, section 3.2, for the singular values.
    .. [2] ``svd_backward`` in PyTorch's torch/csrc/autograd/FunctionsManual.cpp.
    """

    def forward(self, a: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
        self.is_full = full_matrices and a.shape[-1] != a.shape[-2]
        u, s, vh = svd_of_array(a, full_matrices=full_matrices)
        self.save_for_backward(u, s, vh)
        return u, s, vh

    def backward(self, grad_u: Array | None, grad_s: Array | None, grad_vh: Array | None) -> Array | None:
        u, s, vh = self.saved
        k = s.shape[-1]
        if self.is_full:  # the further columns may be any
            u, vh = u[..., :, :k], vh[..., :k, :]
            grad_u = None if grad_u is None else grad_u[..., :, :k]
            grad_vh = None if grad_vh is None else grad_vh[..., :k, :]
        gap = None if grad_u is None and grad_vh is None else gaps(s * s)
        parts = []
        if grad_s is not None:
            parts.append(product(u * grad_s[..., None, :], vh))
        if grad_u is not None:
            inner = product(conjugate_transpose(u), grad_u)
            turn = skew(inner) / gap * s[..., None, :]
            if raw(u).dtype.kind == "c":
                turn = turn + _phases(inner, s)
            outside = (grad_u - product(u, inner)) / s[..., None, :]  # 0 where U is square
            parts.append(product(product(u, turn) + outside, vh))
        if grad_vh is not None:
            v, grad_v = conjugate_transpose(vh), conjugate_transpose(grad_vh)
            inner = product(vh, grad_v)
            turn = s[..., :, None] * (skew(inner) / gap)
            outside = conjugate_transpose((grad_v - product(v, inner)) / s[..., None, :])
            parts.append(product(u, product(turn, vh) + outside))
        return sum(parts[1:], start=parts[0]) if parts else None


def gaps(x: Array) -> Array:
    """Return x_k - x_j in row j and column k; ones on the diagonal."""
    return x[..., None, :] - x[..., :, None] + identity(x, x.shape[-1])


def skew(x: Array) -> Array:
    """Return X - X^H."""
    return x - conjugate_transpose(x)


def _phases(inner: Array, s: Array) -> Array:
    """Return the diagonal matrices of i Im(U^H gU) / S."""
    return identity(inner, s.shape[-1]) * (skew(inner) / (2 * s[..., None, :]))


class SVDResult(NamedTuple):
    """What ``svd`` returns."""

    U: Any
    S: Any
    Vh: Any


@wide_under_autocast
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    r"""Return U, S and V^H with A = U diag(S) V^H.

    Parameters
    ----------
    A : Tensor
        (\*batch, m, n).
    full_matrices : bool
        U (\*batch, m, m) and V^H (\*batch, n, n); else of k = min(m, n) columns and rows.
    driver : str, optional
        An algorithm of CUDA's, which must not be given for a tensor of the CPU.

    Returns
    -------
    (U, S, Vh)
        The singular values S (\*batch, k) are real and fall.

    Raises
    ------
    LinAlgError
        If the matrix holds infinity or NaN.

    Notes
    -----
    Pairs of columns of U and V may have the other sign (or, complex, be turned by a phase): a loss must not ask which.
    The gradient exists only where all singular values differ, unless the loss is made of S alone.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.svd.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.svd(torch.tensor([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    require_bools("linalg.svd", full_matrices=full_matrices)
    require_matrices("linalg.svd", A)
    check_driver("linalg.svd", A, driver)
    return SVDResult(*SVD.apply(A, full_matrices=full_matrices))


def check_driver(name: str, A: Tensor, driver: str | None) -> None:
    """Raise if an algorithm is chosen for a tensor of the CPU."""
    if driver is not None and A.device.type == "cpu":
        raise RuntimeError(
            f"{name}: keyword argument `driver=` is only supported on CUDA inputs, got {driver!r}"
        )


@wide_under_autocast
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    r"""Return the singular values of each matrix (\*batch, m, n), falling: (\*batch, min(m, n)).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.svdvals.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.svdvals(torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
    tensor([3., 2.])
    """
    require_matrices("linalg.svdvals", A)
    check_driver("linalg.svdvals", A, driver)
    return SVD.apply(A, full_matrices=False)[1]
