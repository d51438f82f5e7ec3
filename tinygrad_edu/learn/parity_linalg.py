"""Linear algebra in the parity report: matrices are made regular, and what may have either sign loses it."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import Tensor, linalg, ops
from tinygrad_edu.learn.parity_recipe import op, real


def positive_definite(x: Tensor) -> Tensor:
    """Return x x^T, of a matrix of more columns than rows."""
    return x @ x.mT


def factor_of(x: Tensor) -> Tensor:
    """Return the Cholesky factor of a positive definite matrix."""
    return ops.cholesky(positive_definite(x))


def cholesky_inverse_of(x: Tensor) -> Tensor:
    """Invert by the factor."""
    return ops.cholesky_inverse(factor_of(x))


def cholesky_solve_of(b: Tensor, x: Tensor) -> Tensor:
    """Solve by the factor."""
    return ops.cholesky_solve(b, factor_of(x))


def logdet_of(x: Tensor) -> Tensor:
    """Return ln det."""
    return ops.logdet(positive_definite(x))


def triangular_solve_of(b: Tensor, x: Tensor) -> Tensor:
    """Solve with the factor alone."""
    return ops.triangular_solve(b, factor_of(x), upper=False).solution


def lu_solve_of(b: Tensor, x: Tensor) -> Tensor:
    """Solve by L and U."""
    return ops.lu_solve(b, *linalg.lu_factor(positive_definite(x)))


def lu_unpack_of(x: Tensor) -> Any:
    """Return P, L and U."""
    return ops.lu_unpack(*linalg.lu_factor(positive_definite(x)))


def matrix_power_of(x: Tensor, n: int) -> Tensor:
    """Return a power of a matrix whose norm is 1."""
    return ops.matrix_power(x / linalg.matrix_norm(x), n)


def matrix_exp_of(x: Tensor) -> Tensor:
    """Return e to a matrix whose norm is 1."""
    return ops.matrix_exp(x / linalg.matrix_norm(x))


def svd_of(x: Tensor) -> tuple[Tensor, ...]:
    """Return the sizes of U and V, and S."""
    U, S, V = ops.svd(x)
    return abs(U), S, abs(V)


def qr_of(x: Tensor) -> tuple[Tensor, ...]:
    """Return the sizes of Q and R."""
    Q, R = ops.qr(x)
    return abs(Q), abs(R)


def inverse_of(x: Tensor) -> Tensor:
    """Invert a positive definite matrix."""
    return ops.inverse(positive_definite(x))


def det_of(x: Tensor) -> Tensor:
    """Return its determinant."""
    return ops.det(positive_definite(x))


def slogdet_of(x: Tensor) -> Any:
    """Return the sign and the logarithm of it."""
    return ops.slogdet(positive_definite(x))


def lu_of(x: Tensor) -> Any:
    """Return L and U in one matrix, and the swapped rows."""
    return ops.lu(positive_definite(x))


WIDE, LARGE = real(3, 5), real(8, 16, 24)
RIGHT, LARGE_RIGHT = real(3, 2), real(8, 16, 4)

LINALG = [
    op("inverse", (WIDE,), (LARGE,), function=inverse_of),
    op("pinverse", (WIDE,), (LARGE,)),
    op("det", (WIDE,), (real(8, 4, 6),), function=det_of),
    op("slogdet", (WIDE,), (LARGE,), function=slogdet_of),
    op("logdet", (WIDE,), (LARGE,), function=logdet_of),
    op("cholesky", (WIDE,), (LARGE,), function=factor_of),
    op("cholesky_inverse", (WIDE,), (LARGE,), function=cholesky_inverse_of),
    op("cholesky_solve", (RIGHT, WIDE), (LARGE_RIGHT, LARGE), function=cholesky_solve_of),
    op("triangular_solve", (RIGHT, WIDE), (LARGE_RIGHT, LARGE), function=triangular_solve_of),
    op("lu", (WIDE,), (LARGE,), function=lu_of),
    op("lu_unpack", (WIDE,), (LARGE,), function=lu_unpack_of),
    op("lu_solve", (RIGHT, WIDE), (LARGE_RIGHT, LARGE), function=lu_solve_of),
    op("matrix_power", (real(3, 3), 3), (real(8, 16, 16), 5), function=matrix_power_of),
    op("matrix_exp", (real(3, 3),), (real(8, 16, 16),), function=matrix_exp_of),
    op("svd", (WIDE,), (LARGE,), function=svd_of),
    op("qr", (WIDE,), (LARGE,), function=qr_of),
    op("geqrf", (real(5, 3, grad=False),), (real(8, 24, 16, grad=False),)),
    op("orgqr", (real(5, 3), real(3)), (real(24, 16, low=-0.1, high=0.1), real(16))),
    op("ormqr", (real(5, 3), real(3), real(5, 2)), (real(24, 16, low=-0.1, high=0.1), real(16), real(24, 8))),
]  # fmt: skip
