"""LowRankMultivariateNormal distribution."""

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


class LowRankMultivariateNormal(Distribution):
    """Normal distribution of vectors of size n with the covariance S = W W^T + D, of few columns W and a diagonal D.

    With W of size n x m, everything is computed from C = I + W^T D^-1 W, which has size m x m:

    |S| = |C| |D| (matrix determinant lemma), and S^-1 = D^-1 - D^-1 W C^-1 W^T D^-1 (Woodbury).

    Parameters
    ----------
    loc : Tensor
        (..., n): mean.
    cov_factor : Tensor
        (..., n, m): W.
    cov_diag : Tensor
        (..., n): the diagonal of D.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        size = loc.shape[-1]
        if cov_factor.ndim < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2] != size:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {size} x m")
        if cov_diag.shape[-1:] != loc.shape[-1:]:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {loc.shape[-1:]}")
        try:
            batch = broadcast_shape(
                "broadcast_shapes", loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = loc.expand((*batch, size)), cov_diag.expand((*batch, size))
        self.cov_factor = cov_factor.expand((*batch, *cov_factor.shape[-2:]))
        super().__init__(batch, (size,), validate_args=validate_args)

    @functools.cached_property
    def _capacitance_factor(self) -> Tensor:
        """Cholesky factor of C."""
        with enable_grad():
            scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)  # W^T D^-1
            one = eye(self.cov_factor.shape[-1], dtype=self.loc.dtype, device=self.loc.device)
            return linalg.cholesky(scaled @ self.cov_factor + one)

    def _log_volume(self) -> Tensor:
        """Return half the logarithm of |S|."""
        of_factor = ops.log(ops.diagonal(self._capacitance_factor, 0, -2, -1)).sum(-1)
        return of_factor + 0.5 * ops.log(self.cov_diag).sum(-1)

    def _squares(self, columns: Tensor) -> Tensor:
        """Return the sum of x^T S^-1 x over the columns x of (..., n, k)."""
        scaled = columns / self.cov_diag.unsqueeze(-1)
        less = linalg.solve_triangular(self._capacitance_factor, self.cov_factor.mT @ scaled, upper=False)
        return (columns * scaled).sum((-2, -1)) - (less**2).sum((-2, -1))

    def _columns(self) -> Tensor:
        """Return a matrix A with S = A A^T."""
        return ops.cat([self.cov_factor, ops.diag_embed(ops.sqrt(self.cov_diag))], -1)

    @functools.cached_property
    def covariance_matrix(self) -> Tensor:
        """Covariance."""
        with enable_grad():
            return self.cov_factor @ self.cov_factor.mT + ops.diag_embed(self.cov_diag)

    @functools.cached_property
    def scale_tril(self) -> Tensor:
        """Cholesky factor of the covariance: of I + D^-1/2 W W^T D^-1/2, whose eigenvalues are at least 1."""
        with enable_grad():
            deviation = ops.sqrt(self.cov_diag).unsqueeze(-1)
            scaled = self.cov_factor / deviation
            one = eye(scaled.shape[-2], dtype=self.loc.dtype, device=self.loc.device)
            return deviation * linalg.cholesky(scaled @ scaled.mT + one)

    @functools.cached_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance."""
        with enable_grad():
            scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
            a = linalg.solve_triangular(self._capacitance_factor, scaled, upper=False)
            return ops.diag_embed(1 / self.cov_diag) - a.mT @ a

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return (self.cov_factor**2).sum(-1) + self.cov_diag

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        like: dict[str, Any] = {"dtype": self.loc.dtype, "device": self.loc.device}
        common = randn((*shape[:-1], self.cov_factor.shape[-1]), **like)
        shared = (self.cov_factor @ common.unsqueeze(-1)).squeeze(-1)
        return self.loc + shared + ops.sqrt(self.cov_diag) * randn(shape, **like)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        squares = self._squares((value - self.loc).unsqueeze(-1))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + squares) - self._log_volume()

    def entropy(self) -> Tensor:
        return 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_volume()
