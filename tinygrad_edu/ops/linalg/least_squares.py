"""What comes nearest to a solution where there is none, or many: pseudoinverses and least squares.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.lstsq.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import broadcast_shape, raw, require_tensor
from tinygrad_edu.ops.elementwise.arithmetic import absolute
from tinygrad_edu.ops.linalg.matmul import matmul, product
from tinygrad_edu.ops.linalg.matrices import (
    conjugate_transpose,
    require_matrices,
    require_same_dtype,
    svd_of_array,
)
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.shape.layout import reshape, squeeze, unsqueeze


class PseudoInverse(Op):
    """P = A^+, Moore and Penrose's inverse: V S^-1 U^H, without the singular values that are nearly 0.

    With G = (dL/dP)^H: dL/dA = -(P G P)^H + (I - A P) G P P^H + P^H P G (I - P A) [1]_. The products are formed in an
    order in which none is larger than the smaller one of A A^H and A^H A.

    References
    ----------
    .. [1] G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems
       whose variables separate", SIAM J. Numer. Anal. 10, 1973, equation 4.12.
    """

    def forward(self, a: Array, *, limit: Array, hermitian: bool) -> Array:
        xp = array_module(a)
        p = _from_eigenvalues(xp, a, limit) if hermitian else _from_singular_values(xp, a, limit)
        self.save_for_backward(a, p)
        return p

    def backward(self, grad_output: Array) -> Array:
        a, p = self.saved
        g, ph = conjugate_transpose(grad_output), conjugate_transpose(p)
        if a.shape[-2] <= a.shape[-1]:
            k = product(g, p)  # (*batch, m, m)
            kph = product(k, ph)
            from_left = -conjugate_transpose(product(p, k)) + kph - product(product(a, p), kph)
            return from_left + product(product(ph, p), g - product(k, a))
        k = product(p, g)  # (*batch, n, n)
        phk = product(ph, k)
        from_right = -conjugate_transpose(product(k, p)) + product(product(g - product(a, k), p), ph)
        return from_right + phk - product(product(phk, p), a)


def _from_singular_values(xp: Any, a: Array, limit: Array) -> Array:
    u, s, vh = svd_of_array(a, full_matrices=False)
    return (conjugate_transpose(vh) * _inverted(xp, s, limit)[..., None, :]) @ conjugate_transpose(u)


def _from_eigenvalues(xp: Any, a: Array, limit: Array) -> Array:
    w, v = xp.linalg.eigh(a)
    return (v * _inverted(xp, w, limit)[..., None, :]) @ conjugate_transpose(v)


def _inverted(xp: Any, s: Array, limit: Array) -> Array:
    kept = abs(s) > limit[..., None]
    return xp.where(kept, 1 / xp.where(kept, s, 1), 0).astype(s.dtype)


def largest_singular_value(a: Array, hermitian: bool) -> Array:
    """Return the largest singular value of each matrix; 0 if it is empty."""
    return singular_values(a, hermitian).max(-1) if min(a.shape[-2:]) else singular_values(a, False).sum(-1)


def singular_values(a: Array, hermitian: bool) -> Array:
    """Return the singular values of an array; of Hermitian ones as the sizes of the eigenvalues."""
    return abs(array_module(a).linalg.eigvalsh(a)) if hermitian else svd_of_array(a, compute_uv=False)


def smallest_kept(name: str, A: Tensor, largest: Array, atol: Any, rtol: Any) -> Array:
    """Return the size up to which a singular value counts as 0: the larger one of atol and rtol times the largest.

    Unless one of them is given, rtol is max(m, n) times the distance from 1 to the next number of the dtype.
    """
    absolute, relative = (
        _tolerance(name, A, x, argument) for x, argument in ((atol, "atol"), (rtol, "rtol"))
    )
    if relative is None:
        is_given = absolute is not None and bool((absolute > 0).any())
        relative = array_module(largest).asarray(
            0.0 if is_given else np.finfo(raw(A).dtype).eps * max(A.shape[-2:])
        )
        if absolute is not None and absolute.ndim:
            default = np.finfo(raw(A).dtype).eps * max(A.shape[-2:])
            relative = array_module(absolute).where(absolute > 0, 0.0, default)
    scaled = largest * relative
    xp = array_module(scaled)
    return xp.asarray(scaled if absolute is None else xp.maximum(scaled, absolute))


def _tolerance(name: str, A: Tensor, value: Any, argument: str) -> Any:
    if isinstance(value, TensorBase):
        if raw(value).dtype.kind == "c":
            raise RuntimeError(f"{name}: {argument} tensor of complex type is not supported")
        broadcast_shape(name, tuple(value.shape), tuple(A.shape[:-2]))
        return raw(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            f"{name}(): argument '{argument}' must be float or Tensor, not {type(value).__name__}"
        )
    return array_module(raw(A)).asarray(value, real_of(raw(A)))


def real_of(array: Array) -> Any:
    """Return the dtype of the parts of an array's numbers."""
    return array[:0].real.dtype


def pinv(
    input: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    r"""Return the pseudoinverse of each matrix: of the X that bring A X nearest to I, the smallest.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, m, n).
    rcond : float or Tensor, optional
        The former name of ``rtol``.
    hermitian : bool
        A is symmetric (Hermitian), and only its lower triangle is looked at.
    atol, rtol : float or Tensor, optional
        Singular values up to max(atol, rtol s_1) count as 0; rtol is max(m, n) eps if neither is given.

    Returns
    -------
    Tensor
        (\*batch, n, m).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.pinv.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.pinv(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    name = "linalg.pinv"
    require_bools(name, hermitian=hermitian)
    require_matrices(name, input, square=hermitian)
    rtol = rcond if rtol is None else rtol
    largest = largest_singular_value(raw(input), hermitian)
    limit = smallest_kept(name, input, largest, atol, rtol)
    return PseudoInverse.apply(input, limit=limit, hermitian=hermitian)


@wide_under_autocast
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the pseudoinverse: :func:`torch.linalg.pinv` with ``rtol=rcond``."""
    return pinv(input, rtol=rcond)


@wide_under_autocast
def matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    r"""Return how many singular values of each matrix are above max(atol, rtol s_1).

    The arguments are those of :func:`pinv`; ``tol`` is the former name of ``atol``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_rank.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.matrix_rank(torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    name = "linalg.matrix_rank"
    require_bools(name, hermitian=hermitian)
    require_matrices(name, input, square=hermitian)
    if tol is not None:
        atol, rtol = tol, 0.0
    s = singular_values(raw(input), hermitian)
    limit = smallest_kept(name, input, largest_singular_value(raw(input), hermitian), atol, rtol)
    return tensor_from_array(array_module(s).asarray((s > limit[..., None]).sum(-1)))


class LeastSquares(NamedTuple):
    """What ``lstsq`` returns."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


@wide_under_autocast
def lstsq(input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:
    r"""Return the X for which \|\|A X - B\|\| is smallest.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, m, n).
    b : Tensor
        (\*batch, m, k), or vectors (\*batch, m).
    rcond : float, optional
        Singular values up to rcond times the largest count as 0; by default max(m, n) eps.
    driver : str, optional
        "gels", "gelsy", "gelsd" or "gelss", LAPACK's names. All are computed here by singular values; what is returned
        beside the solution differs.

    Returns
    -------
    (solution, residuals, rank, singular_values)
        (\*batch, n, k); the squared distances (\*batch, k), if m > n, all ranks are n and the driver is not "gelsy";
        the ranks, unless the driver is "gels"; the singular values of "gelsd" and "gelss". What is not there is empty.

    Notes
    -----
    The solution is A^+ B, and so is its gradient; see :class:`PseudoInverse`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.lstsq.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> A = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])  # a line through three points
    >>> torch.linalg.lstsq(A, torch.tensor([[1.0], [3.0], [5.0]])).solution
    tensor([[1.0000],
            [2.0000]])
    """
    name = "linalg.lstsq"
    driver = _checked_driver(name, input, b, driver)
    is_vector = b.ndim == input.ndim - 1 and tuple(b.shape) == tuple(input.shape[:-1])
    if is_vector:
        b = unsqueeze(b, -1)
    if input.shape[-2] != b.shape[-2]:
        raise RuntimeError(
            f"{name}: input.size(-2) should match other.size(-2), got {input.shape[-2]}, {b.shape[-2]}"
        )
    batch = broadcast_shape(name, tuple(input.shape[:-2]), tuple(b.shape[:-2]))
    array = raw(input)
    xp, s = array_module(array), singular_values(array, False)
    limit = smallest_kept(name, input, largest_singular_value(array, False), None, rcond)
    solution = matmul(PseudoInverse.apply(input, limit=limit, hermitian=False), b)
    ranks = xp.asarray((s > limit[..., None]).sum(-1))
    m, n = input.shape[-2:]
    if m > n and driver != "gelsy" and bool((ranks == n).all()):
        distance = absolute(matmul(input, solution) - b)
        residuals = sum(distance * distance, -2)
    else:
        residuals = reshape(absolute(solution), (-1,))[:0]
    nothing = xp.zeros((0,), ranks.dtype), xp.zeros((0,), s.dtype)
    return LeastSquares(
        squeeze(solution, -1) if is_vector else solution,
        residuals,
        tensor_from_array(nothing[0] if driver == "gels" else xp.broadcast_to(ranks, batch).copy()),
        tensor_from_array(s if driver in ("gelsd", "gelss") else nothing[1]),
    )


def _checked_driver(name: str, A: Any, B: Any, driver: Any) -> str:
    """Return LAPACK's name of the algorithm; raise if it or the operands are none."""
    require_matrices(name, A)
    require_tensor(name, B, "B")
    require_same_dtype(name, A, B, "input and other")
    if B.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if not 0 <= A.ndim - B.ndim <= 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1, got "
            f"{A.ndim} and {B.ndim}"
        )
    driver = "gelsy" if driver is None else driver
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver!r}"
        )
    return driver
