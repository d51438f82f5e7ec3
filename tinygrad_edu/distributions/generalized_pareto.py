"""GeneralizedPareto distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.utils import broadcast_all, uniform_like


class GeneralizedPareto(Distribution):
    """Generalized Pareto distribution, of what lies above a threshold: cdf 1 - (1 + k z)^(-1 / k).

    z is (x - loc) / scale, and k the ``concentration``; for k = 0 it is the exponential distribution, 1 - e^-z, and for
    k = -1 the uniform one.
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def support(self) -> Any:
        """Above ``loc``; below loc - scale / concentration where that is negative."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, ops.where(self.concentration < 0, end, math.inf))

    def _safe(self) -> tuple[Tensor, Tensor]:
        """Return where k is 0, and k with 1 there: a number that the gradient of the other branch can bear."""
        is_zero = ops.isclose(self.concentration, ops.full_of(self.concentration, 0.0))
        return is_zero, ops.where(is_zero, 1.0, self.concentration)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(uniform_like(self.loc, self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        is_zero, k = self._safe()
        power = 1 / k + 1
        other = ops.where(power == 0, power, power * ops.log1p(k * z))
        return -ops.log(self.scale) - ops.where(is_zero, z, other)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """Logarithm of the probability of being more than ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        is_zero, k = self._safe()
        return ops.where(is_zero, -z, -ops.log1p(k * z) / k)

    def log_cdf(self, value: Tensor) -> Tensor:
        """Logarithm of the probability of being at most ``value``."""
        return ops.log1p(-ops.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return ops.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        is_zero, k = self._safe()
        log_rest = ops.log1p(-value)
        return self.loc + self.scale * ops.where(is_zero, -log_rest, ops.expm1(-k * log_rest) / k)

    @property
    def mean(self) -> Tensor:
        valid = self.concentration < 1
        k = ops.where(valid, self.concentration, 0.5)
        return ops.where(valid, self.loc + self.scale / (1 - k), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        valid = self.concentration < 0.5
        k = ops.where(valid, self.concentration, 0.25)
        return ops.where(valid, self.scale**2 / ((1 - k) ** 2 * (1 - 2 * k)), math.nan)

    def entropy(self) -> Tensor:
        return ops.log(self.scale) + self.concentration + 1
