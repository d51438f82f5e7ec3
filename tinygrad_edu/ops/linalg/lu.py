"""A = P L U: a permutation, a lower triangle with ones on its diagonal, and an upper triangle.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.linalg.matmul import matmul, product
from tinygrad_edu.ops.linalg.matrices import (
    beside,
    check_info,
    conjugate_transpose,
    on_host,
    require_matrices,
)
from tinygrad_edu.ops.linalg.triangular import SolveTriangular, check_equation
from tinygrad_edu.ops.shape.triangle import Triangle


class LUFactor(Op):
    """P L U = A, with L and U packed into one matrix (the ones on L's diagonal are not kept), by LAPACK's getrf.

    For m <= n, with gL and gU for the parts of the gradient below the diagonal and from it upward:
    dL/dA = P L^-H (gU + [tril(L^H gL - gU U^H) U_1^-H, 0]), where tril is the part below the diagonal and U_1 the first
    m columns of U. For m > n, with L_1 for the first n rows of L and triu for what tril leaves:
    dL/dA = P (gL + [L_1^-H triu(gU U^H - L^H gL); 0]) U^-H [1]_.

    References
    ----------
    .. [1] ``plu_backward_base`` in PyTorch's torch/csrc/autograd/FunctionsManual.cpp, whose comments derive it; for
       square matrices F. R. de Hoog, R. S. Anderssen and M. A. Lukas, "Differentiation of matrix functionals using
       triangular factorization", Mathematics of Computation 80, 2011.
    """

    num_differentiable = 1

    def forward(self, a: Array) -> tuple[Array, Array, Array]:
        lu, pivots, info = on_host(lu_of_batch, a)
        self.save_for_backward(lu, pivots)
        return lu, pivots, info

    def backward(self, grad_output: Array, *_: None) -> Array:
        lu, pivots = self.saved
        m, n = lu.shape[-2:]
        xp = array_module(grad_output)
        lower, upper = unpack_triangles(lu)
        grad_lower = Triangle.compute(grad_output[..., :, :m], diagonal=-1, lower=True)  # (*batch, m, k)
        grad_upper = Triangle.compute(grad_output[..., :n, :], diagonal=0, lower=False)  # (*batch, k, n)
        if m <= n:
            inner = product(conjugate_transpose(lower), grad_lower) - product(
                grad_upper, conjugate_transpose(upper)
            )
            below = Triangle.compute(inner, diagonal=-1, lower=True)
            first = grad_upper[..., :, :m] + _times_inverse(below, conjugate_transpose(upper[..., :, :m]))
            inner = xp.concatenate([first, grad_upper[..., :, m:]], -1)
            grad = SolveTriangular.compute(conjugate_transpose(lower), inner, upper=True, unitriangular=True)
        else:
            inner = product(grad_upper, conjugate_transpose(upper)) - product(
                conjugate_transpose(lower), grad_lower
            )
            above = Triangle.compute(inner, diagonal=0, lower=False)
            top = SolveTriangular.compute(
                conjugate_transpose(lower[..., :n, :]), above, upper=True, unitriangular=True
            )
            inner = xp.concatenate([grad_lower[..., :n, :] + top, grad_lower[..., n:, :]], -2)
            grad = _times_inverse(inner, conjugate_transpose(upper))
        permutation = beside(grad, permutation_of(raw(pivots), m, raw(lu).dtype))
        return product(permutation, grad)


def _times_inverse(x: Array, lower: Array) -> Array:
    """Return X L^-1, as the transposed solution of L^T Y = X^T."""
    y = SolveTriangular.compute(lower.swapaxes(-1, -2), x.swapaxes(-1, -2), upper=True, unitriangular=False)
    return y.swapaxes(-1, -2)


def lu_of_batch(a: Any) -> tuple[Any, Any, Any]:
    """Return L and U in one matrix, the rows that were swapped (counted from 1), and the place of a pivot that is 0."""
    from scipy.linalg import get_lapack_funcs

    (getrf,) = get_lapack_funcs(("getrf",), (a,))
    batch = a.shape[:-2]
    lu = np.array(a, order="C")
    pivots = np.empty((*batch, min(a.shape[-2:])), np.int32)
    info = np.zeros(batch, np.int32)
    for i in np.ndindex(batch) if lu.size else ():
        lu[i], places, info[i] = getrf(lu[i])
        pivots[i] = places + 1
    return lu, pivots, info


def zero_pivots(a: Any) -> Any:
    """Return for each matrix the place of the first pivot that is 0, counted from 1; 0 if it has an inverse."""
    return lu_of_batch(a)[2]


def permutation_of(pivots: Array, m: int, dtype: Any) -> Array:
    """Return the matrices P (*batch, m, m) that undo the swaps of rows: P L U = A."""
    return on_host(_permutations, pivots, m=m, dtype=dtype)


def _permutations(pivots: Any, m: int, dtype: Any) -> Any:
    if not ((pivots >= 1) & (pivots <= m)).all():
        raise RuntimeError(
            f"Pivots must all be between 1 and {m}, got {pivots.tolist()}. Hint: did you pass the result of lu_factor?"
        )
    batch = pivots.shape[:-1]
    matrices = np.zeros((*batch, m, m), dtype)
    for i in np.ndindex(batch):
        rows = np.arange(m)
        for k, other in enumerate(pivots[i] - 1):
            rows[[k, other]] = rows[[other, k]]
        matrices[i][rows, np.arange(m)] = 1
    return matrices


def unpack_triangles(lu: Array) -> tuple[Array, Array]:
    """Return L (*batch, m, k) and U (*batch, k, n) of a packed matrix, an array or a Tensor; k = min(m, n)."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    below = Triangle.compute(lu[..., :, :k], diagonal=-1, lower=True)
    ones = beside(lu, array_module(raw(lu)).eye(m, k, dtype=raw(lu).dtype))
    return below + ones, Triangle.compute(lu[..., :k, :], diagonal=0, lower=False)


class Factored(NamedTuple):
    """What ``lu_factor`` returns."""

    LU: Any
    pivots: Any


class FactoredEx(NamedTuple):
    """What ``lu_factor_ex`` returns."""

    LU: Any
    pivots: Any
    info: Any


class PLU(NamedTuple):
    """What ``lu`` and ``lu_unpack`` return."""

    P: Any
    L: Any
    U: Any


def factor(name: str, A: Tensor, pivot: bool) -> FactoredEx:
    """Return the packed factors, the swapped rows, and LAPACK's number for each matrix."""
    require_bools(name, pivot=pivot)
    require_matrices(name, A)
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented: expected pivot=True")
    return FactoredEx(*LUFactor.apply(A))


def lu_factor(A: Tensor, *, pivot: bool = True) -> Factored:
    r"""Return L and U packed into one matrix and the swapped rows, for :func:`lu_solve`.

    Parameters
    ----------
    A : Tensor
        (\*batch, m, n).

    Returns
    -------
    (LU, pivots)
        (\*batch, m, n) and (\*batch, k) of int32: row i was swapped with row pivots[i], counted from 1.

    Raises
    ------
    RuntimeError
        If a pivot is 0.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [4.0, 8.5]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    LU, pivots, info = factor("linalg.lu_factor", A, pivot)
    _check_pivots("linalg.lu_factor", info)
    return Factored(LU, pivots)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> FactoredEx:
    """Return what :func:`lu_factor` does and, for each matrix, 0 or the place of the first pivot that is 0."""
    require_bools("linalg.lu_factor_ex", check_errors=check_errors)
    factored = factor("linalg.lu_factor_ex", A, pivot)
    if check_errors:
        _check_pivots("linalg.lu_factor_ex", factored.info)
    return factored


def _check_pivots(name: str, info: Tensor) -> None:
    check_info(
        f"{name}: U[{{0}},{{0}}] is zero and using it on lu_solve would result in a division by zero",
        info.numpy(force=True),
    )


def lu(A: Tensor, *, pivot: bool = True) -> PLU:
    r"""Return P (\*batch, m, m), L (\*batch, m, k) and U (\*batch, k, n) with P L U = A and k = min(m, n).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> P, L, U = torch.linalg.lu(torch.tensor([[1.0, 2.0], [4.0, 8.5]]))
    >>> P @ L @ U
    tensor([[1.0000, 2.0000],
            [4.0000, 8.5000]])
    """
    LU, pivots, _ = factor("linalg.lu", A, pivot)
    return lu_unpack(LU, pivots)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> PLU:
    """Return P, L and U of what :func:`lu_factor` gave; what is not wanted is empty.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.lu_unpack.html
    """
    require_bools("lu_unpack", unpack_data=unpack_data, unpack_pivots=unpack_pivots)
    require_matrices("lu_unpack", LU_data, "LU_data")
    _check_pivot_dtype("lu_unpack", LU_pivots)
    array = raw(LU_data)
    nothing = array_module(array).zeros((0,), array.dtype)
    P = permutation_of(raw(LU_pivots), array.shape[-2], array.dtype) if unpack_pivots else nothing
    L, U = (
        unpack_triangles(LU_data)
        if unpack_data
        else (tensor_from_array(nothing), tensor_from_array(nothing.copy()))
    )
    return PLU(tensor_from_array(P), L, U)


def _check_pivot_dtype(name: str, pivots: Any) -> None:
    require_tensor(name, pivots, "pivots")
    if raw(pivots).dtype != np.int32:
        raise RuntimeError(f"{name}: expected pivots of torch.int32, got {raw(pivots).dtype}")


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    r"""Return the X of A X = B from what :func:`lu_factor` gave for A.

    Parameters
    ----------
    LU, pivots : Tensor
        (\*batch, n, n) and (\*batch, n) of int32.
    B : Tensor
        (\*batch, n, k), or (\*batch, k, n) if not ``left``.
    left : bool
        If False, the X of X A = B.
    adjoint : bool
        A^H in place of A.

    Notes
    -----
    With A = P L U, X = U^-1 L^-1 P^T B; with A^H = U^H L^H P^T, X = P L^-H U^-H B. X A = B is A^H X^H = B^H.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html
    """
    name = "linalg.lu_solve"
    require_bools(name, left=left, adjoint=adjoint)
    check_equation(name, LU, B, left)
    _check_pivot_dtype(name, pivots)
    if tuple(pivots.shape) != tuple(LU.shape[:-1]):
        raise RuntimeError(
            f"{name}: Number of pivots per batch should be same as the dimension of the matrix: expected "
            f"{list(LU.shape[:-1])}, got {list(pivots.shape)}"
        )
    if not left:
        return conjugate_transpose(lu_solve(LU, pivots, conjugate_transpose(B), adjoint=not adjoint))
    P = tensor_from_array(permutation_of(raw(pivots), LU.shape[-1], raw(LU).dtype))
    if adjoint:
        half = SolveTriangular.apply(conjugate_transpose(LU), B, upper=False, unitriangular=False)
        return matmul(P, SolveTriangular.apply(conjugate_transpose(LU), half, upper=True, unitriangular=True))
    half = SolveTriangular.apply(LU, matmul(P.swapaxes(-1, -2), B), upper=False, unitriangular=True)
    return SolveTriangular.apply(LU, half, upper=True, unitriangular=False)
