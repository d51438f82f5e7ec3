"""Transforms of vectors and matrices.

References
----------
https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.transforms
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes, linalg, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.creation import arange, eye
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.transform import Transform


class SoftmaxTransform(Transform):
    """y = softmax(x); it is not invertible, and log(y) is taken for the inverse."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return ops.softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.log(y)


class StickBreakingTransform(Transform):
    """K - 1 numbers to K probabilities: each sigmoid is the share that is broken off what is left of a stick.

    y_k = z_k (1 - z_0) ... (1 - z_(k-1)) with z_k = sigmoid(x_k - log(K - 1 - k)), and the rest for the last.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _offset(self, x: Tensor) -> Tensor:
        """Return log(K - 1 - k): equal shares come of zeros."""
        return ops.log(ops.cumsum(ops.full_of(x, 1.0), -1).flip(-1))

    def _call(self, x: Tensor) -> Tensor:
        z = ops.sigmoid(x - self._offset(x))
        left = ops.cumprod(1 - z, -1)
        one = ops.full_of(left[..., :1], 1.0)
        return ops.cat([z, one], -1) * ops.cat([one, left], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        broken = y[..., :-1]
        left = ops.clamp(1 - ops.cumsum(broken, -1), min=dtypes.finfo(y.dtype).tiny)
        return ops.log(broken) - ops.log(left) + self._offset(broken)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        shifted = x - self._offset(x)
        return (-shifted + ops.logsigmoid(shifted) + ops.log(y[..., :-1])).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Transform):
    """A square matrix to a lower triangular one, whose diagonal becomes positive by e^x."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return ops.tril(x, -1) + ops.diag_embed(ops.exp(ops.diagonal(x, 0, -2, -1)))

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.tril(y, -1) + ops.diag_embed(ops.log(ops.diagonal(y, 0, -2, -1)))


class PositiveDefiniteTransform(Transform):
    """A square matrix to a positive definite one, L L^T; L comes of it by :class:`LowerCholeskyTransform`."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """D (D - 1) / 2 numbers to the Cholesky factor of a matrix of correlations: rows of length 1, a positive diagonal.

    The numbers fill the triangle below the diagonal, r = tanh(x); of each row a stick of length 1 is broken, where r^2
    is the share that is broken off what is left, y_ij^2 = r_ij^2 (1 - r_i0^2) ... (1 - r_i(j-1)^2), and the diagonal
    gets the rest.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = dtypes.finfo(x.dtype).eps
        r = triangle_of(ops.clamp(ops.tanh(x), min=-1 + eps, max=1 - eps))
        left = ops.cumprod(ops.sqrt(1 - r**2), -1)
        before = ops.cat([ops.full_of(left[..., :1], 1.0), left[..., :-1]], -1)
        return (r + eye(r.shape[-1], dtype=r.dtype, device=r.device)) * before

    def _inverse(self, y: Tensor) -> Tensor:
        left = 1 - ops.cumsum(y * y, -1)
        before = ops.cat([ops.full_of(left[..., :1], 1.0), left[..., :-1]], -1)
        return ops.atanh(elements_below(y, -1) / ops.sqrt(elements_below(before, -1)))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Of the elements below the diagonal: those of tanh, and half the logarithm of what was left each time."""
        left = elements_below(1 - ops.cumsum(y * y, -1), -2)
        of_tanh = -2 * (x + ops.softplus(-2 * x) - math.log(2.0))
        return 0.5 * ops.log(left).sum(-1) + of_tanh.sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        size = size_of_triangle(shape[-1])
        return (*shape[:-1], size, size)

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


def size_of_triangle(count: int) -> int:
    """Return the size of the matrix that has so many elements below its diagonal."""
    size = round((0.25 + 2 * count) ** 0.5 + 0.5)
    if size * (size - 1) // 2 != count:
        raise ValueError(f"Input is not a flattened lower-diagonal number: got {count}")
    return size


def elements_below(matrix: Tensor, diagonal: int) -> Tensor:
    """Return the elements of a triangle of (..., n, n), row by row, as in ``tril``."""
    places = arange(matrix.shape[-1], device=matrix.device)
    row, column = (places[None, :] <= places[:, None] + diagonal).nonzero().unbind(1)
    return matrix[..., row, column]


def triangle_of(vector: Tensor) -> Tensor:
    """Return the matrix with these elements below its diagonal, row by row: (..., n (n - 1) / 2) -> (..., n, n)."""
    size = size_of_triangle(vector.shape[-1])
    places = arange(size, device=vector.device)
    row, column = (places[None, :] < places[:, None]).nonzero().unbind(1)
    matrix = vector.new_zeros((*vector.shape[:-1], size, size))
    matrix[..., row, column] = vector
    return matrix
