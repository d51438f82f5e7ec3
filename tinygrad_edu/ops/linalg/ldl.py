"""A = L D L^T (L D L^H) for symmetric (Hermitian) matrices that need not be positive definite; without derivatives.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.ldl_factor.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.linalg.matrices import check_info, on_host, require_matrices
from tinygrad_edu.ops.linalg.triangular import check_equation


class LDL(NamedTuple):
    """What ``ldl_factor`` returns."""

    LD: Any
    pivots: Any


class LDLEx(NamedTuple):
    """What ``ldl_factor_ex`` returns."""

    LD: Any
    pivots: Any
    info: Any


def ldl_factor(input: Tensor, *, hermitian: bool = False) -> LDL:
    r"""Return L and D packed into one matrix, and the swapped rows, for :func:`ldl_solve`; by LAPACK's sytrf or hetrf.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, n, n), symmetric; only the lower triangle is looked at.
    hermitian : bool
        A is Hermitian; the same for real numbers.

    Returns
    -------
    (LD, pivots)
        (\*batch, n, n), and (\*batch, n) of int32, negative where a block of D is of two rows.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.ldl_factor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> LD, pivots = torch.linalg.ldl_factor(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> torch.linalg.ldl_solve(LD, pivots, torch.tensor([[2.0], [3.0]]))
    tensor([[3.],
            [2.]])
    """
    LD, pivots, info = ldl_factor_ex(input, hermitian=hermitian)
    _check("linalg.ldl_factor", info)
    return LDL(LD, pivots)


def ldl_factor_ex(input: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> LDLEx:
    """Return what :func:`ldl_factor` does and, for each matrix, 0 or the place of the first block of D that is 0."""
    require_bools("linalg.ldl_factor_ex", hermitian=hermitian, check_errors=check_errors)
    require_matrices("linalg.ldl_factor_ex", input, square=True)
    factored = LDLEx(*[tensor_from_array(x) for x in on_host(_factor, raw(input), hermitian=hermitian)])
    if check_errors:
        _check("linalg.ldl_factor_ex", factored.info)
    return factored


def _check(name: str, info: Tensor) -> None:
    check_info(
        f"{name}: Factorization could not be completed because D[{{0}},{{0}}] is zero", info.numpy(force=True)
    )


def _names(array: Any, hermitian: bool) -> str:
    return "he" if hermitian and array.dtype.kind == "c" else "sy"


def _factor(a: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    from scipy.linalg import get_lapack_funcs

    (trf,) = get_lapack_funcs((f"{_names(a, hermitian)}trf",), (a,))
    ld = np.tril(a)
    pivots, info = np.empty(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
    for i in np.ndindex(a.shape[:-2]) if a.size else ():
        ld[i], pivots[i], info[i] = trf(ld[i], lower=True)
    return ld, pivots, info


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """Return the X of A X = B from what :func:`ldl_factor` gave for A; batches are broadcast."""
    require_bools("linalg.ldl_solve", hermitian=hermitian)
    check_equation("linalg.ldl_solve", LD, B)
    require_tensor("linalg_ldl_solve", pivots, "pivots")
    if raw(pivots).dtype.kind not in "iu":
        raise RuntimeError(f"linalg.ldl_solve: Expected pivots to be integers. Got {raw(pivots).dtype}")
    if tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise RuntimeError(
            f"linalg.ldl_solve: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead of {list(LD.shape[:-1])}"
        )
    return tensor_from_array(on_host(_solve, raw(LD), raw(pivots), raw(B), hermitian=hermitian))


def _solve(ld: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    from scipy.linalg import get_lapack_funcs

    (trs,) = get_lapack_funcs((f"{_names(ld, hermitian)}trs",), (ld, b))
    batch = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    ld, b = np.broadcast_to(ld, (*batch, *ld.shape[-2:])), np.broadcast_to(b, (*batch, *b.shape[-2:]))
    pivots = np.broadcast_to(pivots, ld.shape[:-1])
    x = np.empty(b.shape, b.dtype)
    for i in np.ndindex(batch) if x.size else ():
        x[i] = trs(ld[i], pivots[i], b[i], lower=True)[0]
    return x
