"""Wishart distribution."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes, linalg, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.creation import arange, eye, tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.chi2 import Chi2
from tinygrad_edu.distributions.distribution import ExponentialFamily
from tinygrad_edu.distributions.multivariate_normal import MultivariateNormal
from tinygrad_edu.ops.common import broadcast_shape
from tinygrad_edu.sampling import randn


class Wishart(ExponentialFamily):
    """Distribution of X = sum of df matrices x x^T, of vectors x of a normal distribution with mean 0 and covariance V.

    The density is |X|^((df - p - 1) / 2) e^(-tr(V^-1 X) / 2) / (2^(df p / 2) |V|^(df / 2) Gamma_p(df / 2)) for matrices
    of size p; df need not be whole, but is more than p - 1.

    Parameters
    ----------
    df : float or Tensor
        Degrees of freedom.
    covariance_matrix, precision_matrix, scale_tril : Tensor
        One of V, its inverse, and its Cholesky factor L.

    Notes
    -----
    Draws are L A A^T L^T (Bartlett), where A is lower triangular: normally distributed below the diagonal, and on it
    square roots of Chi2 with df, df - 1, ... degrees of freedom. Unlike PyTorch, a draw that is rounded to a singular
    matrix, which df below p makes likely, is not drawn again.
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        choices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = [(name, matrix) for name, matrix in choices.items() if matrix is not None]
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = given
        if matrix.ndim < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        df = df if isinstance(df, Tensor) else tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch, size = broadcast_shape("broadcast_shapes", matrix.shape[:-2], df.shape), matrix.shape[-1]
        self.df = df.expand(batch)
        if bool((self.df <= size - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        if bool((self.df < size).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        self.__dict__[name] = matrix.expand((*batch, *matrix.shape[-2:]))
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        self._factor = MultivariateNormal._cholesky_factor(name, matrix)

    @property
    def arg_constraints(self) -> Any:  # type: ignore[override]
        """Constraints of the parameters: that of df depends on the size."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._get_checked_instance(type(self), _instance)
        new._event_shape, new._factor = self._event_shape, self._factor
        return super().expand(batch_shape, new)

    @functools.cached_property
    def scale_tril(self) -> Tensor:
        """Cholesky factor of V."""
        with enable_grad():
            return self._factor.expand((*self._batch_shape, *self._event_shape))

    @functools.cached_property
    def covariance_matrix(self) -> Tensor:
        """V."""
        with enable_grad():
            return (self._factor @ self._factor.mT).expand((*self._batch_shape, *self._event_shape))

    @functools.cached_property
    def precision_matrix(self) -> Tensor:
        """Inverse of V."""
        one = eye(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        with enable_grad():
            inverse = ops.cholesky_solve(one, self._factor)
            return inverse.expand((*self._batch_shape, *self._event_shape))

    @property
    def mean(self) -> Tensor:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return ops.where(factor > 0, factor, math.nan)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = ops.diagonal(v, 0, -2, -1)
        return self.df[..., None, None] * (v**2 + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def rsample(self, sample_shape: Sequence[int] = (), max_try_correction: int | None = None) -> Tensor:
        """Draw with a gradient; ``max_try_correction`` is accepted, and changes nothing."""
        places = arange(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        lengths = ops.sqrt(Chi2(self.df.unsqueeze(-1) - places).rsample(sample_shape))
        diagonal = ops.diag_embed(ops.clamp(lengths, min=dtypes.finfo(lengths.dtype).eps))
        noise = randn(self._extended_shape(sample_shape), dtype=self.df.dtype, device=self.df.device)
        lower = self._factor @ (ops.tril(noise, -1) + diagonal)
        return lower @ lower.mT

    def _log_norm(self) -> Tensor:
        """Return log(2^(p / 2) |L|): half the logarithm of |2 V|."""
        return 0.5 * self._event_shape[-1] * math.log(2) + ops.log(ops.diagonal(self._factor, 0, -2, -1)).sum(
            -1
        )

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p = self._event_shape[-1]
        trace = ops.diagonal(ops.cholesky_solve(value, self._factor), 0, -2, -1).sum(-1)
        log_det = linalg.slogdet(value).logabsdet
        log_norm = self.df * self._log_norm() + ops.mvlgamma(self.df / 2, p)
        return (self.df - p - 1) / 2 * log_det - trace / 2 - log_norm

    def _mean_of_log_det(self) -> Tensor:
        """Return the sum of digamma((df - i) / 2), i < p: the mean of log |X| of a draw X, less log |2 V|."""
        places = arange(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        return ops.digamma((self.df.unsqueeze(-1) - places) / 2).sum(-1)

    def entropy(self) -> Tensor:
        p = self._event_shape[-1]
        log_gamma = ops.mvlgamma(self.df / 2, p)
        curvature = (self.df - p - 1) / 2 * self._mean_of_log_det()
        return (p + 1) * self._log_norm() + log_gamma - curvature + self.df * p / 2
