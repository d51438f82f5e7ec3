"""Vectors in batches: their products, powers, and the diagonals of matrices.

References
----------
https://docs.pytorch.org/docs/stable/linalg.html#matrix-products
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.linalg.matrices import require_same_dtype
from tinygrad_edu.ops.linalg.products import cross as cross_along
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.reduce.scan import cumprod
from tinygrad_edu.ops.shape.join import cat
from tinygrad_edu.ops.shape.layout import expand, reshape, unsqueeze
from tinygrad_edu.ops.shape.triangle import diagonal as diagonal_of


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return vectors at right angles to two others in space, which lie along ``dim``; see :func:`torch.cross`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.cross(torch.tensor([[1, 0, 0]]), torch.tensor([[0, 1, 0], [0, 0, 1]]))
    tensor([[ 0,  0,  1],
            [ 0, -1,  0]])
    """
    return cross_along(input, other, as_int("linalg.cross", "dim", dim))


@rounded_once
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Return the sum of conj(x) y along a dimension; the others are broadcast.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.vecdot.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    require_tensor("linalg_vecdot", x, "x")
    require_tensor("linalg_vecdot", y, "y")
    if not is_inexact(raw(x).dtype):
        raise RuntimeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {raw(x).dtype}"
        )
    require_same_dtype("linalg.vecdot", x, y, "x and y")
    return sum(x.conj() * y, dim)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    r"""Return the powers 0 to N - 1 of each element: (\*, n) gives (\*, n, N), and N is n by default.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.vander.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.vander(torch.tensor([2, 3]), 3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    name = "linalg.vander"
    require_tensor("linalg_vander", x, "x")
    x = reshape(x, (1,)) if x.ndim == 0 else x
    n = x.shape[-1] if N is None else as_int(name, "N", N)
    if n <= 1:
        raise RuntimeError(f"{name}: N must be greater than 1, got {n}")
    dtype = np.dtype(np.int64) if raw(x).dtype.kind in "bui" else raw(x).dtype
    one = tensor_from_array(array_module(raw(x)).ones((*x.shape, 1), dtype))
    powers = cumprod(expand(unsqueeze(x, -1), (*x.shape, n - 1)), -1)
    return cat([one, powers], -1)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return a view of the diagonals of matrices: :func:`torch.diagonal` of the last two dimensions.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.diagonal(torch.arange(8).reshape(2, 2, 2))
    tensor([[0, 3],
            [4, 7]])
    """
    return diagonal_of(A, offset, dim1, dim2)
