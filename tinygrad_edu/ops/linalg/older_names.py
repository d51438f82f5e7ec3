"""Decompositions as they are called in ``torch``: older functions, for which ``torch.linalg`` has better ones.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#blas-and-lapack-operations
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import broadcast_shape, raw, require_tensor
from tinygrad_edu.ops.linalg import determinant
from tinygrad_edu.ops.linalg.cholesky import factor as cholesky_factor
from tinygrad_edu.ops.linalg.lu import factor as lu_factor, lu_solve as solve_with_lu
from tinygrad_edu.ops.linalg.matrices import conjugate_transpose, require_matrices, transposed
from tinygrad_edu.ops.linalg.qr import QR, QRResult
from tinygrad_edu.ops.linalg.svd import SVD
from tinygrad_edu.ops.linalg.triangular import SolveTriangular, check_equation
from tinygrad_edu.ops.shape.layout import broadcast_to, clone, contiguous


@wide_under_autocast
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Return the triangle L with L L^H = A, or L^H: :func:`torch.linalg.cholesky`."""
    return cholesky_factor("cholesky", input, upper, True).L


@wide_under_autocast
def qr(input: Tensor, some: bool = True) -> QRResult:
    """Return Q and R: :func:`torch.linalg.qr`, whose mode is "complete" if not ``some``."""
    require_matrices("qr", input, "input")
    require_bools("qr", some=some)
    return QRResult(*QR.apply(input, mode="reduced" if some else "complete"))


class USV(NamedTuple):
    """What ``svd`` returns."""

    U: Any
    S: Any
    V: Any


@wide_under_autocast
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> USV:
    """Return U, S and V: see :func:`torch.linalg.svd`, whose V^H is another; without ``compute_uv``, U and V are 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> U, S, V = torch.svd(torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
    >>> U @ torch.diag(S) @ V.mT
    tensor([[0., 2.],
            [3., 0.]])
    """
    require_matrices("svd", input, "input")
    require_bools("svd", some=some, compute_uv=compute_uv)
    u, s, vh = SVD.apply(input, full_matrices=compute_uv and not some)
    if compute_uv:
        return USV(u, s, contiguous(conjugate_transpose(vh)))
    *batch, m, n = input.shape
    array = raw(input)
    zeros = [array_module(array).zeros((*batch, size, size), array.dtype) for size in (m, n)]
    return USV(tensor_from_array(zeros[0]), s, tensor_from_array(zeros[1]))


def det(input: Tensor) -> Tensor:
    """Return the determinant of each matrix: :func:`torch.linalg.det`."""
    return determinant.det(input)


def slogdet(input: Tensor) -> determinant.SignAndLog:
    """Return the sign of each determinant and ln |det|: :func:`torch.linalg.slogdet`."""
    return determinant.slogdet(input)


class LUWithInfo(NamedTuple):
    """What ``lu`` returns if ``get_infos``."""

    LU: Any
    pivots: Any
    info: Any


@wide_under_autocast
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """Return L and U in one matrix, the swapped rows, and the place of a pivot that is 0 if ``get_infos``.

    It is :func:`torch.linalg.lu_factor_ex`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.lu.html
    """
    require_bools("lu", get_infos=get_infos)
    factored = lu_factor("lu", A, pivot)
    return LUWithInfo(*factored) if get_infos else tuple(factored[:2])


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Return the X of A X = b from what ``lu`` gave for A: :func:`torch.linalg.lu_solve`."""
    return solve_with_lu(LU_data, LU_pivots, input)


class TriangularSolution(NamedTuple):
    """What ``triangular_solve`` returns."""

    solution: Any
    cloned_coefficient: Any


@wide_under_autocast
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolution:
    """Return the X of A X = b, or A^T X = b if ``transpose``, and a copy of A: :func:`torch.linalg.solve_triangular`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.triangular_solve.html
    """
    name = "triangular_solve"
    require_bools(name, upper=upper, transpose=transpose, unitriangular=unitriangular)
    require_tensor(name, input)
    check_equation(name, A, input)
    batch = broadcast_shape(name, tuple(A.shape[:-2]), tuple(input.shape[:-2]))
    triangle, is_upper = (transposed(A), not upper) if transpose else (A, upper)
    x = SolveTriangular.apply(triangle, input, upper=is_upper, unitriangular=unitriangular)
    return TriangularSolution(x, clone(broadcast_to(A, (*batch, *A.shape[-2:]))))
