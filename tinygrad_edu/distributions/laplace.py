"""Laplace distribution."""

from __future__ import annotations

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


class Laplace(Distribution):
    """Laplace distribution with density e^-|z| / (2 scale), z = (x - loc) / scale."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        half = uniform_like(self.loc, shape) - 0.5
        return self.loc - self.scale * ops.sign(half) * ops.log1p(-2 * half.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -ops.log(2 * self.scale) - z.abs()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return 0.5 - 0.5 * ops.sign(z) * ops.expm1(-z.abs())

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * (-ops.sign(value - 0.5) * ops.log1p(-2 * (value - 0.5).abs()))

    def entropy(self) -> Tensor:
        return 1 + ops.log(2 * self.scale)
