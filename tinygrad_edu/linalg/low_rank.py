"""The largest singular values of a matrix, found with random vectors.

References
----------
.. [1] N. Halko, P.-G. Martinsson and J. A. Tropp, "Finding structure with randomness: probabilistic algorithms for
   constructing approximate matrix decompositions", SIAM Review 53, 2011, algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.ops import matmul
from tinygrad_edu.ops.linalg.matrices import conjugate_transpose, require_matrices
from tinygrad_edu.ops.linalg.qr import qr
from tinygrad_edu.ops.linalg.svd import svd
from tinygrad_edu.sampling import randn


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return U, S and V of about A = U diag(S) V^H, with q singular values.

    Parameters
    ----------
    A : Tensor
        (\*batch, m, n), of a rank of hardly more than q.
    q : int
        How many singular values.
    niter : int
        How often A A^H is applied to the random vectors.
    M : Tensor, optional
        Taken off A; broadcast to it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.svd_lowrank.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> U, S, V = torch.svd_lowrank(torch.ones(3, 4), q=1)
    >>> torch.allclose(U * S @ V.mT, torch.ones(3, 4))
    True
    """
    require_matrices("svd_lowrank", A)
    q = 6 if q is None else as_int("svd_lowrank", "q", q)
    niter = 2 if niter is None else as_int("svd_lowrank", "niter", niter)
    A = A if M is None else A - M
    if A.shape[-2] < A.shape[-1]:  # assume more rows than columns
        V, S, U = svd_lowrank(conjugate_transpose(A), q, niter)
        return U, S, V
    Q = approximate_basis(A, q, niter)
    U, S, Vh = svd(matmul(conjugate_transpose(Q), A), full_matrices=False)
    return matmul(Q, U), S, conjugate_transpose(Vh)


def approximate_basis(A: Tensor, q: int, niter: int) -> Tensor:
    """Return q orthonormal columns whose combinations come near to the columns of A (algorithm 4.4)."""
    Q = qr(matmul(A, randn(A.shape[-1], q, dtype=A.dtype, device=A.device))).Q
    for _ in range(niter):
        Q = qr(matmul(conjugate_transpose(A), Q)).Q
        Q = qr(matmul(A, Q)).Q
    return Q


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return U, S and V of the principal components: the singular values of A without the means of its columns.

    Parameters
    ----------
    A : Tensor
        (\*batch, m, n): m samples of n features.
    q : int, optional
        How many components; by default min(6, m, n).
    center : bool
        Take off the means; False if they are 0.
    niter : int
        As with :func:`svd_lowrank`.

    Returns
    -------
    (U, S, V)
        The columns of V are the directions, S^2 / (m - 1) the variances along them.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.pca_lowrank.html
    """
    require_matrices("pca_lowrank", A)
    require_bools("pca_lowrank", center=center)
    most = min(A.shape[-2:])
    q = min(6, most) if q is None else as_int("pca_lowrank", "q", q)
    if not 0 <= q <= most:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}")
    if as_int("pca_lowrank", "niter", niter) < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
