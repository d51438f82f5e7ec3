"""Norms of vectors and matrices, and what is made of them.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.linalg.norm.html
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_numpy_dtype, is_number, require_bools
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.autocast import wide_under_autocast
from tinygrad_edu.ops.common import cast, normalize_dims, raw, require_tensor
from tinygrad_edu.ops.elementwise.arithmetic import absolute
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.linalg.matrices import require_matrices
from tinygrad_edu.ops.linalg.solve import inv_ex
from tinygrad_edu.ops.linalg.svd import svdvals
from tinygrad_edu.ops.reduce.extremum import amax, amin
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.reduce.statistics import norm as norm_of_elements
from tinygrad_edu.ops.shape.layout import movedim, reshape, unsqueeze

MATRIX_ORDERS = ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)


def vector_norm(
    input: Tensor,
    ord: float = 2,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    r"""Return (sum \|x_i\|^ord)^(1 / ord) over some dimensions, or all of them: a real number.

    Parameters
    ----------
    input : Tensor
        Any shape.
    ord : float
        inf for the largest \|x_i\|, -inf for the smallest, 0 to count what is not 0.
    dim : int or tuple of int, optional
        Over which dimensions.
    keepdim : bool
        Keep them, with size 1.
    dtype : torch.dtype, optional
        To turn the input into first; complex if the input is.

    Notes
    -----
    The derivative by x_i is (\|x_i\| / y)^(ord - 1) sgn(x_i); of inf, the largest elements share it. At 0 it is 0.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, -4.0]), ord=1)
    tensor(7.)
    """
    name = "linalg.vector_norm"
    input = _in_dtype(name, input, dtype)
    require_bools(name, keepdim=keepdim)
    if not is_number(ord):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' must be Number, not {type(ord).__name__}")
    dims = normalize_dims(name, dim, input.ndim)
    empty = math.prod([input.shape[d] for d in dims]) == 0
    if empty and (ord < 0 or ord == math.inf) and (dim is None or 0 in [input.shape[d] for d in dims]):
        raise RuntimeError(
            f"{name} cannot compute the {ord} norm on an empty tensor because the operation does not have an identity"
        )
    return norm_of_elements(input, ord, dims if input.ndim else None, keepdim)


def _in_dtype(name: str, x: Any, dtype: Any) -> Tensor:
    """Return the operand of a norm in the dtype that is asked for, which must hold its numbers."""
    require_tensor(name.replace(".", "_"), x, "x" if "vector" in name else "A")
    present = raw(x).dtype
    if not is_inexact(present):
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {present}")
    if dtype is None:
        return x
    wanted = as_numpy_dtype(name, dtype)
    if not is_inexact(wanted):
        raise RuntimeError(f"{name}: dtype should be floating point or complex. Got {wanted}")
    if (present.kind == "c") != (wanted.kind == "c"):
        kind = "complex" if present.kind == "c" else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {wanted}")
    if wanted.itemsize < present.itemsize:
        raise RuntimeError(
            f"{name}: the dtype of the input ({present}) should be convertible without narrowing to the specified "
            f"dtype ({wanted})"
        )
    return cast(x, wanted)


def matrix_norm(
    input: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    r"""Return a norm of the matrices that lie in two dimensions: a real number each.

    Parameters
    ----------
    input : Tensor
        At least two dimensions.
    ord : "fro", "nuc", or one of inf, -inf, 1, -1, 2, -2
        Frobenius' norm (the root of all squares), the sum of the singular values, the largest or smallest sum of a
        row's sizes (inf), of a column's (1), the largest or smallest singular value (2).
    dim : pair of int
        Rows and columns.
    keepdim : bool
        Keep them, with size 1.
    dtype : torch.dtype, optional
        To turn the input into first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.matrix_norm(torch.tensor([[1.0, -2.0], [3.0, 4.0]]), ord=1)
    tensor(6.)
    """
    name = "linalg.matrix_norm"
    input = _in_dtype(name, input, dtype)
    require_bools(name, keepdim=keepdim)
    if input.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if not isinstance(dim, list | tuple) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {dim}")
    if isinstance(ord, bool) or ord not in MATRIX_ORDERS:
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    rows, columns = normalize_dims(name, dim, input.ndim)
    if ord == "fro":
        return norm_of_elements(input, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        y = _of_singular_values(svdvals(movedim(input, (rows, columns), (-2, -1))), ord)
        return _kept(y, rows, columns) if keepdim else y
    return _of_sums(input, ord, rows, columns, keepdim)


def _of_singular_values(s: Tensor, ord: Any) -> Tensor:
    if ord == "nuc" or (ord == 2 and not s.shape[-1]):
        return sum(s, -1)
    return amax(s, -1) if ord == 2 else amin(s, -1)


def _kept(y: Tensor, *dims: int) -> Tensor:
    for d in sorted(dims):
        y = unsqueeze(y, d)
    return y


@rounded_once
def _of_sums(A: Tensor, ord: float, rows: int, columns: int, keepdim: bool) -> Tensor:
    """Return the largest or smallest sum of sizes along one of the dimensions."""
    along, across = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = sum(absolute(A), along, keepdim=True)
    largest = amax if A.shape[across] else sum  # of no numbers, it is 0
    y = (largest if ord > 0 else amin)(sums, across, keepdim=True)
    if keepdim:
        return y
    return reshape(y, tuple([size for d, size in enumerate(y.shape) if d not in (rows, columns)]))


def norm(
    input: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """Return a norm: :func:`matrix_norm` over two dimensions, :func:`vector_norm` over one or over all elements.

    Parameters
    ----------
    input : Tensor
        Any shape; a vector or a matrix if an order but no dimension is given.
    ord : number, "fro" or "nuc", optional
        By default the root of all squares.
    dim : int or tuple of int, optional
        One dimension for norms of vectors, two for those of matrices.
    keepdim : bool
        Keep them, with size 1.
    dtype : torch.dtype, optional
        To turn the input into first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> A = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> torch.linalg.norm(A), torch.linalg.norm(A, 2)
    (tensor(5.), tensor(4.))
    """
    require_tensor("linalg_norm", input)
    dims = tuple(dim) if isinstance(dim, list | tuple) else None if dim is None else (dim,)
    if ord is None:
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if dims is None and input.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D."
        )
    if isinstance(ord, str) or len(dims or input.shape) == 2:
        return matrix_norm(input, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, ord, dims, keepdim, dtype=dtype)


@wide_under_autocast
def cond(input: Tensor, p: Any = None) -> Tensor:
    r"""Return the condition number of each matrix: \|\|A\|\| \|\|A^-1\|\| in the norm p; infinite without an inverse.

    Parameters
    ----------
    input : Tensor
        A: (\*batch, m, n); square unless p is None, 2 or -2.
    p : optional
        An order of :func:`matrix_norm`; by default 2, the largest singular value by the smallest one.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.cond.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.cond(torch.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    require_matrices("linalg.cond", input)
    if p is not None and (isinstance(p, bool) or p not in MATRIX_ORDERS):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if p in (None, 2, -2):
        if not min(input.shape[-2:]):
            return tensor_from_array(raw(input).real.sum((-2, -1)))
        s = svdvals(input)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    require_matrices("linalg.cond", input, square=True)
    if not input.shape[-1]:
        return tensor_from_array(raw(input).real.sum((-2, -1)))
    inverse, info = inv_ex(input)
    inverse = where(info[..., None, None] != 0, 0, inverse)  # there is none
    number = matrix_norm(input, p) * matrix_norm(inverse, p)
    return where(info != 0, math.inf, number)
