"""StudentT distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.standard_gamma import standard_gamma
from tinygrad_edu.distributions.utils import (
    broadcast_all,
)
from tinygrad_edu.sampling import randn


class StudentT(Distribution):
    """Student's t distribution with density proportional to (1 + z^2 / df)^(-(df + 1) / 2), z = (x - loc) / scale."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        heavy = ops.where(self.df > 1, math.inf, ops.full_of(self.df, math.nan))
        return ops.where(self.df > 2, self.scale**2 * self.df / (self.df - 2), heavy)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        normal = randn(shape, dtype=self.df.dtype, device=self.df.device)
        square = 2 * ops.clamp(
            standard_gamma((self.df / 2).expand(shape)), min=dtypes.finfo(self.df.dtype).tiny
        )
        return self.loc + self.scale * normal * ops.rsqrt(square / self.df)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z, df = (value - self.loc) / self.scale, self.df
        norm = ops.log(self.scale) + 0.5 * ops.log(df) + 0.5 * math.log(math.pi)
        norm = norm + ops.lgamma(df / 2) - ops.lgamma((df + 1) / 2)
        return -0.5 * (df + 1) * ops.log1p(z**2 / df) - norm

    def entropy(self) -> Tensor:
        df = self.df
        log_beta = ops.lgamma(df / 2) + math.lgamma(0.5) - ops.lgamma((df + 1) / 2)
        slope = ops.digamma((df + 1) / 2) - ops.digamma(df / 2)
        return ops.log(self.scale) + 0.5 * (df + 1) * slope + 0.5 * ops.log(df) + log_beta
