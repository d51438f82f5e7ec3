"""HalfCauchy distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.utils import (
    broadcast_all,
    uniform_like,
)


class HalfCauchy(Distribution):
    """Absolute value of a Cauchy variable: density 2 / (pi scale (1 + (x / scale)^2)) for x >= 0."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.full_of(self.scale, math.inf)

    @property
    def mode(self) -> Tensor:
        return ops.full_of(self.scale, 0.0)

    @property
    def variance(self) -> Tensor:
        return ops.full_of(self.scale, math.inf)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(uniform_like(self.scale, self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        inside = math.log(2 / math.pi) - ops.log(self.scale) - ops.log1p((value / self.scale) ** 2)
        return ops.where(value >= 0, inside, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return ops.atan(value / self.scale) * (2 / math.pi)

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * ops.tan(value * (math.pi / 2))

    def entropy(self) -> Tensor:
        return math.log(2 * math.pi) + ops.log(self.scale)
