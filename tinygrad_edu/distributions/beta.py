"""Beta distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.dirichlet import Dirichlet
from tinygrad_edu.distributions.distribution import ExponentialFamily
from tinygrad_edu.distributions.utils import (
    broadcast_all,
)


class Beta(ExponentialFamily):
    """Beta distribution with density x^(a - 1) (1 - x)^(b - 1) / B(a, b), a = concentration1, b = concentration0."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        return Dirichlet(ops.stack([self.concentration1, self.concentration0], -1)).mode[..., 0]

    @property
    def variance(self) -> Tensor:
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total**2 * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw two gamma variables; the share of the first one is a draw."""
        shape = self._extended_shape(sample_shape)
        both = ops.stack([self.concentration1.expand(shape), self.concentration0.expand(shape)], -1)
        return Dirichlet(both, validate_args=False).rsample()[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        norm = ops.lgamma(a + b) - ops.lgamma(a) - ops.lgamma(b)
        return ops.xlogy(a - 1, value) + ops.xlogy(b - 1, 1 - value) + norm

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        log_beta = ops.lgamma(a) + ops.lgamma(b) - ops.lgamma(a + b)
        slopes = (a - 1) * ops.digamma(a) + (b - 1) * ops.digamma(b)
        return log_beta - slopes + (a + b - 2) * ops.digamma(a + b)
