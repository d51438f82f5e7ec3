"""Equations whose matrix is a triangle, which are solved row by row.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.ops.common import broadcast_shape, require_tensor, unbroadcast
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import (
    conjugate_transpose,
    require_matrices,
    require_same_dtype,
    transposed,
)
from tinygrad_edu.ops.shape.triangle import Triangle


class SolveTriangular(Op):
    """X = A^-1 B, where only one triangle of A is read; with ``unitriangular`` its diagonal counts as ones.

    dL/dB = A^-H dL/dX, and dL/dA = -dL/dB X^H, of which the triangle that was read is taken [1]_.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 2.2.3 (the inverse times B).
    """

    def forward(self, a: Array, b: Array, *, upper: bool, unitriangular: bool) -> Array:
        self.shapes, self.options = (a.shape, b.shape), {"upper": upper, "unitriangular": unitriangular}
        x = (_solve_on_host if is_on_host(a) else _solve_on_card)(a, b, upper, unitriangular)
        self.save_for_backward(a, x if self.needs_input_grad[0] else None)
        return x

    def backward(self, grad_output: Array) -> tuple[Array | None, Array]:
        a, x = self.saved
        upper, unit = self.options["upper"], self.options["unitriangular"]
        grad_b = SolveTriangular.compute(
            conjugate_transpose(a), grad_output, upper=not upper, unitriangular=unit
        )
        grad_a = None
        if self.needs_input_grad[0]:
            full = unbroadcast(-product(grad_b, conjugate_transpose(x)), self.shapes[0])
            offset = (1 if upper else -1) if unit else 0
            grad_a = Triangle.compute(full, diagonal=offset, lower=not upper)
        return grad_a, unbroadcast(grad_b, self.shapes[1])


def _solve_on_host(a: Array, b: Array, upper: bool, unitriangular: bool) -> Array:
    """Solve with BLAS; where the diagonal is 0, infinity and NaN come out, as in PyTorch."""
    from scipy.linalg import get_blas_funcs

    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, (*batch, *b.shape[-2:]))
    (trsm,) = get_blas_funcs(("trsm",), (a, b))
    x = np.empty(b.shape, b.dtype)
    for i in np.ndindex(batch) if x.size else ():
        x[i] = trsm(1, a[i], b[i], lower=not upper, diag=unitriangular)
    return x


def _solve_on_card(a: Array, b: Array, upper: bool, unitriangular: bool) -> Array:
    """Solve as any other equation, after the rest has been set to 0: CuPy has no triangles of batches."""
    xp = array_module(a)
    offset = 1 if unitriangular else 0
    triangle = xp.triu(a, offset) if upper else xp.tril(a, -offset)
    if unitriangular:
        triangle = triangle + xp.eye(a.shape[-1], dtype=a.dtype)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return xp.linalg.solve(triangle, xp.broadcast_to(b, (*batch, *b.shape[-2:])))


def check_equation(name: str, a: Any, b: Any, left: bool = True) -> None:
    """Raise unless A X = B, or X A = B, can be solved: matrices of one dtype whose sizes and batches fit."""
    require_matrices(name, a, "A", square=True)
    require_matrices(name, b, "B")
    require_same_dtype(name, a, b)
    if a.shape[-1] != b.shape[-2 if left else -1]:
        shown = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {shown} ({a.shape[-2]}x{a.shape[-1]} and "
            f"{b.shape[-2]}x{b.shape[-1]})"
        )
    broadcast_shape(name, a.shape[:-2], b.shape[:-2])


def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    r"""Return the X of A X = B, where A is a triangle.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, n, n); the other triangle is not looked at.
    B : Tensor
        (\*batch, n, k), or (\*batch, k, n) if not ``left``.
    upper : bool
        Which triangle is meant.
    left : bool
        If False, the X of X A = B.
    unitriangular : bool
        The diagonal counts as ones.

    Returns
    -------
    Tensor
        The shape of B, batches broadcast. A 0 on the diagonal gives infinity and NaN.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> A = torch.tensor([[2.0, 1.0], [0.0, 4.0]])
    >>> torch.linalg.solve_triangular(A, torch.tensor([[4.0], [8.0]]), upper=True)
    tensor([[1.],
            [2.]])
    """
    name = "linalg.solve_triangular"
    require_bools(name, upper=upper, left=left, unitriangular=unitriangular)
    check_equation(name, input, B, left)
    options = {"upper": upper if left else not upper, "unitriangular": unitriangular}
    if left:
        return SolveTriangular.apply(input, B, **options)
    return transposed(SolveTriangular.apply(transposed(input), transposed(B), **options))


def solve_with_factor(name: str, L: Tensor, B: Tensor, upper: bool) -> Tensor:
    """Return (L L^H)^-1 B, or (L^H L)^-1 B if L is an upper triangle."""
    require_tensor(name, L, "L")
    check_equation(name, L, B)
    first, second = (conjugate_transpose(L), L) if upper else (L, conjugate_transpose(L))
    half = SolveTriangular.apply(first, B, upper=False, unitriangular=False)
    return SolveTriangular.apply(second, half, upper=True, unitriangular=False)
