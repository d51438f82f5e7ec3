"""A = Q R: orthonormal columns and an upper triangle; and Householder's reflections, of which Q is made.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.qr.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.linalg.matmul import product
from tinygrad_edu.ops.linalg.matrices import (
    beside,
    conjugate_transpose,
    identity,
    on_host,
    real_part,
    require_linear_dtype,
    require_matrices,
    require_same_dtype,
)
from tinygrad_edu.ops.linalg.triangular import SolveTriangular
from tinygrad_edu.ops.shape.layout import broadcast_to
from tinygrad_edu.ops.shape.triangle import Triangle


class QR(Op):
    """Q R = A, with Q^H Q = I.

    For m >= n, dL/dA = (gQ + Q H) R^-H, where H is Hermitian and has the upper triangle of gR R^H - Q^H gQ [1]_. For
    m < n, A = (X, Y) and R = (S, T) with X square: Q S = X, and T = Q^H Y, which goes back to Q and Y first.

    References
    ----------
    .. [1] H.-J. Liao et al., "Differentiable programming tensor networks", Phys. Rev. X 9, 2019, equation 5; M. Seeger
       et al., "Auto-differentiating linear algebra", arXiv 1710.08717, 2017.
    """

    def forward(self, a: Array, *, mode: str) -> tuple[Array, Array]:
        xp = array_module(a)
        self.mode = "full" if mode == "complete" and a.shape[-2] > a.shape[-1] else mode
        if mode == "r":
            return xp.zeros((0,), a.dtype), xp.linalg.qr(a, "r")
        q, r = xp.linalg.qr(a, mode)
        self.save_for_backward(q, r)
        return q, r

    def backward(self, grad_q: Array | None, grad_r: Array | None) -> Array | None:
        if self.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
            )
        if self.mode == "full":
            raise RuntimeError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
            )
        q, r = self.saved
        m, n = q.shape[-2], r.shape[-1]
        if m >= n:
            return _square_or_tall(q, r, grad_q, grad_r)
        if grad_r is None:
            grad_x = _square_or_tall(q, r[..., :, :m], grad_q, None)
            nothing = product(q, r[..., :, m:]) * 0
            return array_module(grad_x).concatenate([grad_x, nothing], -1)
        square, rest = r[..., :, :m], r[..., :, m:]
        grad_square, grad_rest = grad_r[..., :, :m], grad_r[..., :, m:]
        from_rest = product(product(q, rest), conjugate_transpose(grad_rest))
        grad_q = from_rest if grad_q is None else grad_q + from_rest
        grad_x = _square_or_tall(q, square, grad_q, grad_square)
        return array_module(grad_x).concatenate([grad_x, product(q, grad_rest)], -1)


def _square_or_tall(q: Array, r: Array, grad_q: Array | None, grad_r: Array | None) -> Array | None:
    inner = None
    if grad_r is not None:
        inner = product(grad_r, conjugate_transpose(r))
    if grad_q is not None:
        from_q = product(conjugate_transpose(q), grad_q)
        inner = -from_q if inner is None else inner - from_q
    if inner is None:
        return None
    above = Triangle.compute(inner, diagonal=1, lower=False)
    diagonal = real_part(inner) * real_part(identity(inner, inner.shape[-1]))
    turned = product(q, above + conjugate_transpose(above) + diagonal)
    total = turned if grad_q is None else turned + grad_q
    y = SolveTriangular.compute(r, conjugate_transpose(total), upper=True, unitriangular=False)
    return conjugate_transpose(y)


class QRResult(NamedTuple):
    """What ``qr`` returns."""

    Q: Any
    R: Any


@wide_under_autocast
def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    r"""Return Q with orthonormal columns and an upper triangle R with Q R = A.

    Parameters
    ----------
    A : Tensor
        (\*batch, m, n).
    mode : str
        "reduced": Q (\*batch, m, k) and R (\*batch, k, n) with k = min(m, n); "complete": Q (\*batch, m, m);
        "r": R alone, and an empty Q.

    Notes
    -----
    Gradients exist where the first k columns are independent; not in the mode "r", nor in "complete" for m > n.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.qr.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> Q, R = torch.linalg.qr(torch.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> Q @ R
    tensor([[3.0000, 1.0000],
            [4.0000, 2.0000]])
    """
    require_matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return QRResult(*QR.apply(A, mode=mode))


class Reflections(NamedTuple):
    """What ``geqrf`` returns."""

    a: Any
    tau: Any


@wide_under_autocast
def geqrf(input: Tensor) -> Reflections:
    """Return R and, below it, the vectors of Householder's reflections that make Q, and their factors tau.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.geqrf.html
    """
    require_matrices("geqrf", input, "input")
    h, tau = on_host(_geqrf, raw(input))
    return Reflections(tensor_from_array(h), tensor_from_array(tau))


def _geqrf(a: Any) -> tuple[Any, Any]:
    h, tau = np.linalg.qr(a, "raw")
    return np.ascontiguousarray(h.swapaxes(-1, -2)), tau


@wide_under_autocast
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    r"""Return the first n columns of H_1 H_2 ... H_k, with the reflections H_i = I - tau_i v_i v_i^H.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, m, n) with m >= n: in column i, below the diagonal, v_i; its elements above are 0, and that on the
        diagonal is 1.
    tau : Tensor
        (\*batch, k) with k <= n.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.householder_product.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> A = torch.tensor([[3.0, 1.0], [4.0, 2.0]])
    >>> torch.allclose(torch.linalg.householder_product(*torch.geqrf(A)), torch.linalg.qr(A).Q)
    True
    """
    name = "linalg.householder_product"
    require_matrices(name, input)
    _check_tau(name, input, tau)
    m, n = input.shape[-2:]
    if m < n:
        raise RuntimeError(
            f"{name}: A.shape[-2] must be greater than or equal to A.shape[-1], got {m} and {n}"
        )
    if n < tau.shape[-1]:
        raise RuntimeError(
            f"{name}: A.shape[-1] must be greater than or equal to tau.shape[-1], got {n} and {tau.shape[-1]}"
        )
    columns = beside(input, array_module(raw(input)).eye(m, n, dtype=raw(input).dtype))
    return reflected(input, tau, broadcast_to(columns, tuple(input.shape)))


@wide_under_autocast
def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """Return the product of Householder's reflections: :func:`torch.linalg.householder_product`."""
    return householder_product(input, input2)


def _check_tau(name: str, A: Tensor, tau: Any) -> None:
    require_linear_dtype(name, tau, "tau")
    require_same_dtype(name, A, tau, "input and tau")
    if tau.ndim != A.ndim - 1 or tuple(tau.shape[:-1]) != tuple(A.shape[:-2]):
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input and the same batch, got {list(tau.shape)} for "
            f"{list(A.shape)}"
        )


def reflected(A: Tensor, tau: Tensor, x: Tensor, adjoint: bool = False) -> Tensor:
    """Return H_1 H_2 ... H_k X, or (H_1 H_2 ... H_k)^H X: one reflection after the other, the last one first."""
    m, k = A.shape[-2], tau.shape[-1]
    vectors = Triangle.apply(A[..., :, :k], diagonal=-1, lower=True) + beside(
        A, array_module(raw(A)).eye(m, k, dtype=raw(A).dtype)
    )
    for i in range(k) if adjoint else reversed(range(k)):
        v = vectors[..., :, i : i + 1]  # (*batch, m, 1)
        factor = tau[..., None, i : i + 1]  # (*batch, 1, 1)
        x = x - (factor.conj() if adjoint else factor) * product(v, product(conjugate_transpose(v), x))
    return x


@wide_under_autocast
def ormqr(
    input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    r"""Return Q C, or C Q if not ``left``, with the square Q of ``geqrf``'s reflections; with Q^H if ``transpose``.

    Parameters
    ----------
    input, input2 : Tensor
        (\*batch, m, k) and (\*batch, k), as :func:`geqrf` gives them.
    input3 : Tensor
        C: (\*batch, m, n), or (\*batch, n, m) if not ``left``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.ormqr.html
    """
    require_bools("ormqr", left=left, transpose=transpose)
    require_matrices("ormqr", input, "input")
    require_tensor("ormqr", input3, "other")
    _check_tau("ormqr", input, input2)
    require_same_dtype("ormqr", input, input3, "input and other")
    m = input3.shape[-2 if left else -1] if input3.ndim > 1 else -1
    if (
        input3.ndim != input.ndim
        or tuple(input3.shape[:-2]) != tuple(input.shape[:-2])
        or m != input.shape[-2]
    ):
        raise RuntimeError(
            f"ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2], and the batches too, got "
            f"{list(input3.shape)} and {list(input.shape)}"
        )
    if input2.shape[-1] > m or input2.shape[-1] > input.shape[-1]:
        raise RuntimeError(
            f"ormqr: expected at most min(m, k) reflections for {list(input.shape)}, got {input2.shape[-1]}"
        )
    if left:
        return reflected(input, input2, input3, transpose)
    return conjugate_transpose(reflected(input, input2, conjugate_transpose(input3), not transpose))
