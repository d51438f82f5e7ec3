"""Transforms of variables: invertible functions that know by how much they stretch a volume.

The base class and what is put together of others stands in ``transform.py``; here are those of single numbers.

References
----------
https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.transforms
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.transform import (
    ComposeTransform as ComposeTransform,
    IndependentTransform as IndependentTransform,
    Transform as Transform,
    identity_transform as identity_transform,
    sum_rightmost as sum_rightmost,
)
from tinygrad_edu.distributions.transforms_of_parts import (
    CatTransform as CatTransform,
    ReshapeTransform as ReshapeTransform,
    StackTransform as StackTransform,
)
from tinygrad_edu.distributions.transforms_of_vectors import (
    CorrCholeskyTransform as CorrCholeskyTransform,
    LowerCholeskyTransform as LowerCholeskyTransform,
    PositiveDefiniteTransform as PositiveDefiniteTransform,
    SoftmaxTransform as SoftmaxTransform,
    StickBreakingTransform as StickBreakingTransform,
)


class ExpTransform(Transform):
    """y = e^x; log dy/dx = x."""

    codomain = constraints.positive
    bijective = True
    _sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return ops.exp(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.log(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class PowerTransform(Transform):
    """y = x^exponent for positive x; log dy/dx = log |exponent y / x|."""

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> Any:
        return self.exponent.sign() if isinstance(self.exponent, Tensor) else math.copysign(1, self.exponent)

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return ops.log((self.exponent * y / x).abs())


class SigmoidTransform(Transform):
    """y = 1 / (1 + e^-x), x = logit(y); log dy/dx = -softplus(-x) - softplus(x)."""

    codomain = constraints.unit_interval
    bijective = True
    _sign = 1

    def _call(self, x: Tensor) -> Tensor:
        limits = dtypes.finfo(x.dtype)
        return ops.clamp(ops.sigmoid(x), min=limits.tiny, max=1 - limits.eps)

    def _inverse(self, y: Tensor) -> Tensor:
        limits = dtypes.finfo(y.dtype)
        y = ops.clamp(y, min=limits.tiny, max=1 - limits.eps)
        return ops.log(y) - ops.log1p(-y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -ops.softplus(-x) - ops.softplus(x)


class SoftplusTransform(Transform):
    """y = log(1 + e^x); log dy/dx = -softplus(-x)."""

    codomain = constraints.positive
    bijective = True
    _sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return ops.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.log(-ops.expm1(-y)) + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -ops.softplus(-x)


class TanhTransform(Transform):
    """y = tanh(x); log dy/dx = 2 (log 2 - x - softplus(-2 x))."""

    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    _sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return ops.tanh(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.atanh(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return 2 * (math.log(2) - x - ops.softplus(-2 * x))


class AbsTransform(Transform):
    """y = |x|; of the two inverses, y."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


class AffineTransform(Transform):
    """y = loc + scale x; log dy/dx = log |scale|."""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim
        if event_dim:
            self.domain = self.codomain = constraints.independent(constraints.real, event_dim)

    @property
    def event_dim(self) -> int:
        """How many last dimensions are one event."""
        return self._event_dim

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        zeros = ops.full_of(x, 0.0)
        if isinstance(self.scale, Tensor):
            stretch = ops.log(self.scale.abs()) + zeros
        else:
            stretch = zeros + math.log(abs(self.scale))
        return sum_rightmost(stretch, self._event_dim)


class CumulativeDistributionTransform(Transform):
    """y = the probability, under a distribution, of being at most x; log dy/dx is its log density.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> D = torch.distributions
    >>> D.CumulativeDistributionTransform(D.Normal(0.0, 1.0))(torch.tensor([0.0, 1.6449]))
    tensor([0.5000, 0.9500])
    """

    codomain = constraints.unit_interval
    bijective = True
    _sign = 1

    def __init__(self, distribution: Distribution, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution
        self.domain = distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
