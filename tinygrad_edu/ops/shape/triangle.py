"""Triangles and diagonals of matrices.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    in_rows,
    normalize_dim,
    raw,
    require_tensor,
)
from tinygrad_edu.ops.indexing.index import ViewScatter, getitem, index_put_zeros


class Triangle(Op):
    """The elements below (or above) a diagonal, the rest 0; so is the gradient."""

    def forward(self, x: Array, *, diagonal: int, lower: bool) -> Array:
        self.diagonal, self.lower = diagonal, lower
        xp = array_module(x)
        return in_rows(xp.tril(x, diagonal) if lower else xp.triu(x, diagonal))

    def backward(self, grad_output: Array) -> Array:
        return Triangle.compute(grad_output, diagonal=self.diagonal, lower=self.lower)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangle of a matrix (or of a batch), the rest 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tril(torch.ones(2, 3), diagonal=1)
    tensor([[1., 1., 0.],
            [1., 1., 1.]])
    """
    return _triangle("tril", input, diagonal, True)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangle of a matrix (or of a batch), the rest 0."""
    return _triangle("triu", input, diagonal, False)


def _triangle(name: str, input: Array, diagonal: int, lower: bool) -> Array:
    require_tensor(name, input)
    diagonal = as_int(name, "diagonal", diagonal)
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got {input.ndim}")
    return Triangle.apply(input, diagonal=diagonal, lower=lower)


class Diagonal(Op):
    """The elements whose places in two dimensions differ by an offset; the gradient goes back there."""

    is_view = True

    def forward(self, x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
        self.shape, self.options = x.shape, {"offset": offset, "dim1": dim1, "dim2": dim2}
        y = x.diagonal(offset, dim1, dim2)
        if isinstance(y, np.ndarray):
            y.flags.writeable = x.flags.writeable  # NumPy is cautious here for historical reasons only
        return y

    def backward(self, grad_output: Array) -> Array:
        zeros = array_module(raw(grad_output)).zeros(self.shape, raw(grad_output).dtype)
        return ViewScatter.compute(zeros, grad_output, steps=[(Diagonal, self.options)], in_place=False)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a view of the diagonal of two dimensions, as the last dimension of the result.

    Parameters
    ----------
    input : Tensor
        At least two dimensions.
    offset : int
        Above the main diagonal if positive, below it if negative.
    dim1, dim2 : int
        Which dimensions.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.diagonal.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diagonal(torch.arange(9).reshape(3, 3), 1)
    tensor([1, 5])
    """
    require_tensor("diagonal", input)
    offset = as_int("diagonal", "offset", offset)
    offset = min(
        max(offset, -max(input.shape, default=0)), max(input.shape, default=0)
    )  # NumPy's is of 32 bits
    if input.ndim < 2:
        raise RuntimeError(f"diagonal: expected at least 2 dimensions, got {input.ndim}")
    first, second = normalize_dim("diagonal", dim1, input.ndim), normalize_dim("diagonal", dim2, input.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return Diagonal.apply(input, offset=offset, dim1=first, dim2=second)


def diagonal_places(x: Array, rows: int, columns: int, offset: int) -> tuple[Array, Array]:
    """Return the rows and the columns of the elements on a diagonal."""
    first_row, first_column = max(-offset, 0), max(offset, 0)
    steps = array_module(raw(x)).arange(max(min(rows - first_row, columns - first_column), 0))
    return steps + first_row, steps + first_column


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the diagonal of a matrix, or the square matrix of zeros with a given vector as its diagonal.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diag(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    require_tensor("diag", input)
    diagonal = as_int("diag", "diagonal", diagonal)
    if input.ndim == 2:
        rows, columns = input.shape
        return getitem(input, diagonal_places(input, rows, columns, diagonal))
    if input.ndim != 1:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    size = input.shape[0] + abs(diagonal)
    return index_put_zeros(input, diagonal_places(input, size, size, diagonal), (size, size))
