"""Gumbel distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.utils import (
    broadcast_all,
    uniform_like,
)

EULER = 0.57721566490153286060  # Euler's constant: minus the derivative of the gamma function at 1


class Gumbel(Distribution):
    """Gumbel distribution, of the largest of many, with cdf e^-e^-z, z = (x - loc) / scale."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return math.pi**2 / 6 * self.scale**2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(ops.clamp(uniform_like(self.loc, shape), max=1 - dtypes.finfo(self.loc.dtype).eps))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -z - ops.exp(-z) - ops.log(self.scale)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return ops.exp(-ops.exp(-z))

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * (-ops.log(-ops.log(value)))

    def entropy(self) -> Tensor:
        return ops.log(self.scale) + (1 + EULER)
