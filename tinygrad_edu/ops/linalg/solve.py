"""Linear equations and inverses.

References
----------
https://docs.pytorch.org/docs/stable/linalg.html#solvers
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import as_int, as_ints, require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import normalize_dim, raw, require_tensor, unbroadcast
from tinygrad_edu.ops.linalg.lu import zero_pivots
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import (
    check_info,
    conjugate_transpose,
    require_matrices,
    require_same_dtype,
    transposed,
)
from tinygrad_edu.ops.linalg.triangular import check_equation
from tinygrad_edu.ops.shape.layout import movedim, reshape, squeeze, unsqueeze


class Solve(Op):
    """X = A^-1 B; dL/dB = A^-H dL/dX and dL/dA = -dL/dB X^H [1]_.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 2.2.3 (the inverse times B).
    """

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        x = _or_infinite(array_module(a).linalg.solve, a, b)
        self.save_for_backward(a, x if self.needs_input_grad[0] else None)
        return x

    def backward(self, grad_output: Array) -> tuple[Array | None, Array]:
        a, x = self.saved
        grad_b = Solve.compute(conjugate_transpose(a), grad_output)
        grad_a = None
        if self.needs_input_grad[0]:
            grad_a = unbroadcast(-product(grad_b, conjugate_transpose(x)), self.shapes[0])
        return grad_a, unbroadcast(grad_b, self.shapes[1])


class Inverse(Op):
    """Y = A^-1; dL/dA = -Y^H dL/dY Y^H [1]_.

    References
    ----------
    .. [1] M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation", Advances in Automatic Differentiation, Springer 2008, section 2.2.3.
    """

    def forward(self, a: Array) -> Array:
        y = _or_infinite(array_module(a).linalg.inv, a)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        return -product(product(conjugate_transpose(y), grad_output), conjugate_transpose(y))


def _or_infinite(function: Any, a: Array, *b: Array) -> Array:
    """Return what NumPy computes from each matrix A; where A has no inverse, infinity."""
    try:
        return function(a, *b)
    except np.linalg.LinAlgError:
        pass
    batch = np.broadcast_shapes(a.shape[:-2], *[x.shape[:-2] for x in b])
    whole = [np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, *b)]
    y = np.full(whole[-1].shape, np.inf, a.dtype)
    for i in np.ndindex(batch):
        if not zero_pivots(whole[0][i]):
            y[i] = function(*[x[i] for x in whole])
    return y


class SolveEx(NamedTuple):
    """What ``solve_ex`` returns."""

    result: Any
    info: Any


class InvEx(NamedTuple):
    """What ``inv_ex`` returns."""

    inverse: Any
    info: Any


@wide_under_autocast
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    r"""Return the X of A X = B.

    Parameters
    ----------
    A : Tensor
        (\*batch, n, n), with an inverse.
    B : Tensor
        (\*batch, n, k), or (\*batch, k, n) if not ``left``; or vectors, (n,) or the shape of A without its last size.
    left : bool
        If False, the X of X A = B.

    Returns
    -------
    Tensor
        The shape of B, batches broadcast.

    Raises
    ------
    LinAlgError
        If a matrix has no inverse. On a GPU nobody looks, and infinity or NaN comes out.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([4.0, 8.0]))
    tensor([2., 2.])
    """
    result = _solve("linalg.solve", A, B, left)
    call(
        check_solved,
        "linalg.solve: The solver failed because the input matrix is singular.",
        raw(A),
        raw(result),
    )
    return result


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> SolveEx:
    """Return the X of A X = B and, for each matrix, 0 or the place of the first pivot that is 0: see :func:`solve`."""
    result = _solve("linalg.solve_ex", A, B, left)
    require_bools("linalg.solve_ex", check_errors=check_errors)
    if check_errors:
        message = "linalg.solve_ex: The solver failed because the input matrix is singular."
        call(check_solved, message, raw(A), raw(result))
    return SolveEx(result, as_info(A, result))


def _solve(name: str, A: Tensor, B: Tensor, left: bool) -> Tensor:
    require_bools(name, left=left)
    require_matrices(name, A, square=True)
    require_tensor(name, B, "B")
    require_same_dtype(name, A, B)
    is_vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if is_vector:
        B = unsqueeze(B, -1)
    check_equation(name, A, B, left or is_vector)
    if is_vector and not left:
        raise RuntimeError(
            f"{name}: Vector broadcasting of the left hand side is not supported for left=False"
        )
    result = Solve.apply(A, B) if left else transposed(Solve.apply(transposed(A), transposed(B)))
    return squeeze(result, -1) if is_vector else result


@wide_under_autocast
def inv(A: Tensor) -> Tensor:
    r"""Return the inverse of each matrix.

    Parameters
    ----------
    A : Tensor
        (\*batch, n, n).

    Raises
    ------
    LinAlgError
        If a matrix has none. On a GPU nobody looks, and infinity or NaN comes out.

    Notes
    -----
    ``solve(A, B)`` is quicker than ``inv(A) @ B``, and more accurate.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.inv.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return _inv("linalg.inv", A, True).inverse


@wide_under_autocast
def inv_ex(A: Tensor, *, check_errors: bool = False) -> InvEx:
    """Return the inverse and, for each matrix, 0 or the place of the first pivot that is 0: see :func:`inv`."""
    require_bools("linalg.inv_ex", check_errors=check_errors)
    return _inv("linalg.inv_ex", A, check_errors)


def _inv(name: str, A: Tensor, check_errors: bool) -> InvEx:
    require_matrices(name, A, square=True)
    y = Inverse.apply(A)
    if check_errors:
        message = (
            f"{name}: The diagonal element {{}} is zero, the inversion could not be completed because the input "
            "matrix is singular."
        )
        call(check_solved, message, raw(A), raw(y))
    return InvEx(y, as_info(A, y))


@wide_under_autocast
def inverse(input: Tensor) -> Tensor:
    """Return the inverse of each matrix: :func:`torch.linalg.inv`."""
    return inv(input)


def _info_of(a: Array, result: Array) -> Any:
    """Return LAPACK's number for each matrix; they are counted only where the host sees an infinity."""
    if not isinstance(result, np.ndarray) or np.isfinite(result).all():
        return np.zeros(a.shape[:-2], np.int32)
    return zero_pivots(a)


def check_solved(message: str, a: Array, result: Array) -> None:
    """Raise if a matrix has no inverse."""
    check_info(message, _info_of(a, result))


def as_info(A: Tensor, result: Tensor) -> Tensor:
    """Return numbers of LAPACK's as a Tensor on the device of A."""
    return tensor_from_array(call(_info_on_device, raw(A), raw(result)))


def _info_on_device(a: Array, result: Array) -> Array:
    return array_module(a).asarray(_info_of(a, result))


@wide_under_autocast
def tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse of ``tensordot(A, ., ind)``: of A as a matrix whose rows are its first ``ind`` dimensions.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6)).shape
    torch.Size([6, 2, 3])
    """
    require_tensor("linalg_tensorinv", input)
    ind = as_int("linalg.tensorinv", "ind", ind)
    if ind <= 0:
        raise RuntimeError(f"linalg.tensorinv: expected a strictly positive integer for 'ind', got {ind}")
    rows, columns = tuple(input.shape[:ind]), tuple(input.shape[ind:])
    if math.prod(rows) != math.prod(columns):
        raise RuntimeError(
            "linalg.tensorinv: Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {math.prod(columns)} != {math.prod(rows)}"
        )
    return reshape(inv(reshape(input, (math.prod(rows), math.prod(columns)))), (*columns, *rows))


@wide_under_autocast
def tensorsolve(input: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """Return the X of ``tensordot(A, X, X.ndim) = B``; ``dims`` of A are moved to its end first.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.tensorsolve(torch.eye(6).reshape(2, 3, 6), torch.ones(2, 3)).shape
    torch.Size([6])
    """
    require_tensor("linalg_tensorsolve", input)
    require_tensor("linalg_tensorsolve", other, "B")
    if dims is not None:
        moved = as_ints("linalg.tensorsolve", "dims", dims)
        places = [normalize_dim("linalg.tensorsolve", d, input.ndim) for d in moved]
        input = movedim(input, places, list(range(input.ndim - len(places), input.ndim)))
    shape = tuple(input.shape[other.ndim :])
    if math.prod(shape) != math.prod(other.shape) or math.prod(input.shape[: other.ndim]) != math.prod(shape):
        raise RuntimeError(
            "linalg.tensorsolve: Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {math.prod(shape)} != {math.prod(other.shape)}"
        )
    count = math.prod(shape)
    return reshape(solve(reshape(input, (count, count)), reshape(other, (count,))), shape)
