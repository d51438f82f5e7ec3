"""MultivariateNormal distribution."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import linalg, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.creation import eye
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.ops.common import broadcast_shape
from tinygrad_edu.sampling import randn


class MultivariateNormal(Distribution):
    """Normal distribution of vectors, with density e^(-m / 2) / sqrt((2 pi)^k |S|), m = (x - loc)^T S^-1 (x - loc).

    One of the covariance S, its inverse (the precision), and its Cholesky factor L (S = L L^T) is given; with L, m is
    the square of the length of L^-1 (x - loc).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        choices = {
            "covariance_matrix": covariance_matrix,
            "scale_tril": scale_tril,
            "precision_matrix": precision_matrix,
        }
        given = [(name, matrix) for name, matrix in choices.items() if matrix is not None]
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = given
        if matrix.ndim < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = broadcast_shape("broadcast_shapes", matrix.shape[:-2], loc.shape[:-1])
        self.__dict__[name] = matrix.expand((*batch, *matrix.shape[-2:]))
        self.loc = loc.expand((*batch, loc.shape[-1]))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._factor = self._cholesky_factor(name, matrix)

    @staticmethod
    def _cholesky_factor(name: str, matrix: Tensor) -> Tensor:
        """Return L, not expanded; that of an inverse comes of the inverse, read backwards, and turned around again."""
        if name == "scale_tril":
            return matrix
        if name == "covariance_matrix":
            return linalg.cholesky(matrix)
        backwards = linalg.cholesky(matrix.flip(-2, -1))
        lower = backwards.flip(-2, -1).mT
        one = eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
        return linalg.solve_triangular(lower, one, upper=False)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._factor = self._factor
        return new

    @functools.cached_property
    def scale_tril(self) -> Tensor:
        """Cholesky factor of the covariance."""
        size = self._event_shape[-1]
        with enable_grad():
            return self._factor.expand((*self._batch_shape, size, size))

    @functools.cached_property
    def covariance_matrix(self) -> Tensor:
        """Covariance."""
        size = self._event_shape[-1]
        with enable_grad():  # of the factor, not of what was expanded: that may have been under no_grad
            return (self._factor @ self._factor.mT).expand((*self._batch_shape, size, size))

    @functools.cached_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance."""
        one = eye(self._event_shape[-1], dtype=self.loc.dtype, device=self.loc.device)
        with enable_grad():
            inverse = linalg.solve_triangular(self._factor, one, upper=False)
            return (inverse.mT @ inverse).expand((*self._batch_shape, *one.shape))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return (self._factor**2).sum(-1).expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        noise = randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self._factor @ noise.unsqueeze(-1)).squeeze(-1)

    def _log_volume(self) -> Tensor:
        """Return half the logarithm of |S|: the sum of the logarithms of L's diagonal."""
        return ops.log(ops.diagonal(self._factor, 0, -2, -1)).sum(-1)

    def _squares(self, columns: Tensor) -> Tensor:
        """Return the sum of x^T S^-1 x over the columns x of (..., n, k)."""
        z = linalg.solve_triangular(self._factor, columns, upper=False)
        return (z**2).sum((-2, -1))

    def _columns(self) -> Tensor:
        """Return a matrix A with S = A A^T."""
        return self._factor

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        squares = self._squares((value - self.loc).unsqueeze(-1))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + squares) - self._log_volume()

    def entropy(self) -> Tensor:
        whole = 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_volume()
        return whole.expand(self._batch_shape)
