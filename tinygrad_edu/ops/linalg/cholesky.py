"""A = L L^H for matrices that are positive definite, and what is solved with it.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import raw
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import (
    check_info,
    conjugate_transpose,
    identity,
    require_matrices,
)
from tinygrad_edu.ops.linalg.triangular import SolveTriangular, solve_with_factor
from tinygrad_edu.ops.shape.triangle import Triangle


class Cholesky(Op):
    """The lower triangle L with L L^H = A, and LAPACK's number: 0, or the first minor that is not positive definite.

    With P = L^H dL/dL, and S the symmetric matrix with the lower triangle of P, dL/dA = L^-H S L^-1 / 2 [1]_.

    References
    ----------
    .. [1] I. Murray, "Differentiation of the Cholesky decomposition", arXiv 1602.07527, 2016, equation 10.
    """

    num_differentiable = 1

    def forward(self, a: Array, *, upper: bool) -> tuple[Array, Array]:
        xp = array_module(a)
        a = conjugate_transpose(a) if upper else a  # the lower triangle is read
        info = np.zeros(a.shape[:-2], np.int32)
        try:
            lower = xp.linalg.cholesky(a)
        except np.linalg.LinAlgError:
            lower, info = _with_info(a)
        if xp is np and np.isnan(lower).any():
            info = np.where(info == 0, first_nan_pivots(lower), info).astype(np.int32)
        self.save_for_backward(lower)
        return lower, xp.asarray(info)

    def backward(self, grad_output: Array, _: None) -> Array:
        (lower,) = self.saved
        inner = Triangle.compute(product(conjugate_transpose(lower), grad_output), diagonal=0, lower=True)
        below = Triangle.compute(inner, diagonal=-1, lower=True)
        symmetric = 0.5 * (inner + conjugate_transpose(below))
        upper, options = conjugate_transpose(lower), {"upper": True, "unitriangular": False}
        half = SolveTriangular.compute(upper, symmetric, **options)
        return conjugate_transpose(SolveTriangular.compute(upper, conjugate_transpose(half), **options))


def _with_info(a: Any) -> tuple[Any, Any]:
    """Factor matrix by matrix, some of which are not positive definite."""
    from scipy.linalg import get_lapack_funcs

    (potrf,) = get_lapack_funcs(("potrf",), (a,))
    lower, info = np.empty(a.shape, a.dtype), np.zeros(a.shape[:-2], np.int32)
    for i in np.ndindex(a.shape[:-2]):
        lower[i], info[i] = potrf(a[i], lower=True, clean=True)
    return lower, info


def first_nan_pivots(lower: Any) -> Any:
    """Return which pivot is NaN first, from 1; 0 if none is. OpenBLAS says nothing of it, LAPACK and MKL do."""
    is_nan = np.isnan(np.diagonal(lower, axis1=-2, axis2=-1))
    return np.where(is_nan.any(-1), is_nan.argmax(-1) + 1, 0)


class CholeskyEx(NamedTuple):
    """What ``cholesky_ex`` returns."""

    L: Any
    info: Any


@wide_under_autocast
def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    r"""Return the lower triangle L with L L^H = A, or its L^H if ``upper``.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, n, n), symmetric (Hermitian) and positive definite; only one triangle is looked at.

    Raises
    ------
    LinAlgError
        If a matrix is not positive definite. On a GPU nobody looks, and NaN comes out.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.cholesky.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 10.0]]))
    tensor([[2., 0.],
            [1., 3.]])
    """
    return factor("linalg.cholesky", input, upper, True).L


@wide_under_autocast
def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """Return the triangle and, for each matrix, 0 or the order of the first minor that is not positive definite."""
    require_bools("linalg.cholesky_ex", check_errors=check_errors)
    return factor("linalg.cholesky_ex", input, upper, check_errors)


def factor(name: str, A: Tensor, upper: bool, check_errors: bool) -> CholeskyEx:
    """Return L, or L^H, and LAPACK's numbers; raise if they are to be checked and one is not 0."""
    require_bools(name, upper=upper)
    require_matrices(name, A, square=True)
    lower, info = Cholesky.apply(A, upper=upper)
    if check_errors and is_on_host(raw(info)):
        call(
            check_info,
            f"{name}: The factorization could not be completed because the input is not positive-definite (the "
            "leading minor of order {} is not positive-definite).",
            raw(info),
        )
    return CholeskyEx(conjugate_transpose(lower) if upper else lower, info)


@wide_under_autocast
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """Return the X of A X = B for A = L L^H, or for A = L^H L if L is an upper triangle.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> L = torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 10.0]]))
    >>> torch.cholesky_solve(torch.tensor([[6.0], [12.0]]), L)
    tensor([[1.],
            [1.]])
    """
    require_bools("cholesky_solve", upper=upper)
    return solve_with_factor("cholesky_solve", input2, input, upper)


@wide_under_autocast
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """Return the inverse of L L^H, or of L^H L if L is an upper triangle.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cholesky_inverse.html
    """
    require_bools("cholesky_inverse", upper=upper)
    require_matrices("cholesky_inverse", input, "input", square=True)
    diagonal = raw(input).diagonal(0, -2, -1)
    if is_on_host(diagonal):
        first_zero = (
            np.where((diagonal == 0).any(-1), (diagonal == 0).argmax(-1) + 1, 0)
            if diagonal.size
            else diagonal
        )
        check_info(
            "cholesky_inverse: The diagonal element {} is zero, the inversion could not be completed because the "
            "input matrix is singular.",
            np.asarray(first_zero),
        )
    return solve_with_factor("cholesky_inverse", input, identity(input, input.shape[-1]), upper)
