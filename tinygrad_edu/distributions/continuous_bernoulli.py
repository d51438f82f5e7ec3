"""ContinuousBernoulli distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import ExponentialFamily
from tinygrad_edu.distributions.utils import (
    BINARY_CONSTRAINTS,
    WithProbsOrLogits,
    broadcast_all,
    clamp_probs,
    uniform_like,
)


class ContinuousBernoulli(WithProbsOrLogits, ExponentialFamily):
    """Continuous Bernoulli distribution on [0, 1], with density C p^x (1 - p)^(1 - x).

    Between the probabilities ``lims`` it is computed by series.
    """

    arg_constraints = {**BINARY_CONSTRAINTS}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._lims = lims
        self._set_probs_or_logits(probs, logits)
        if probs is not None:
            if validate_args is not False and not bool(constraints.unit_interval.check(self.probs).all()):
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._get_checked_instance(ContinuousBernoulli, _instance)
        new._lims = self._lims
        return super().expand(batch_shape, new)

    def _cut(self, value: Any) -> Tensor:
        """Return the probabilities, and ``value`` near 1/2, where formulas divide 0 by 0 and a series takes over."""
        return ops.where(self._is_far(), self.probs, value)

    def _is_far(self) -> Tensor:
        low, high = self._lims
        return (self.probs <= low) | (self.probs > high)

    def _log_norm(self) -> Tensor:
        """Return log C = log(2 atanh(1 - 2 p) / (1 - 2 p)), by its series in p - 1/2 near 1/2."""
        cut = self._cut(self._lims[0])
        below, above = ops.clamp(cut, max=0.5), ops.clamp(cut, min=0.5)
        distance = ops.where(cut <= 0.5, ops.log1p(-2 * below), ops.log(2 * above - 1))
        exact = ops.log((ops.log1p(-cut) - ops.log(cut)).abs()) - distance
        square = (self.probs - 0.5) ** 2
        return ops.where(self._is_far(), exact, math.log(2.0) + (4 / 3 + 104 / 45 * square) * square)

    @property
    def mean(self) -> Tensor:
        cut = self._cut(self._lims[0])
        exact = cut / (2 * cut - 1) + 1 / (ops.log1p(-cut) - ops.log(cut))
        x = self.probs - 0.5
        return ops.where(self._is_far(), exact, 0.5 + (1 / 3 + 16 / 45 * x**2) * x)

    @property
    def variance(self) -> Tensor:
        cut = self._cut(self._lims[0])
        exact = cut * (cut - 1) / (1 - 2 * cut) ** 2 + 1 / (ops.log1p(-cut) - ops.log(cut)) ** 2
        square = (self.probs - 0.5) ** 2
        return ops.where(self._is_far(), exact, 1 / 12 - (1 / 15 - 128 / 945 * square) * square)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(uniform_like(self.probs, self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return value * logits + ops.logsigmoid(-logits) + self._log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut(self._lims[0])
        exact = (cut**value * (1 - cut) ** (1 - value) + cut - 1) / (2 * cut - 1)
        inside = ops.where(self._is_far(), exact, value)
        return ops.where(value <= 0, 0.0, ops.where(value >= 1, 1.0, inside))

    def icdf(self, value: Tensor) -> Tensor:
        cut = self._cut(self._lims[0])
        exact = (ops.log1p(-cut + value * (2 * cut - 1)) - ops.log1p(-cut)) / (ops.log(cut) - ops.log1p(-cut))
        return ops.where(self._is_far(), exact, value)

    def entropy(self) -> Tensor:
        log_rest, log_probs = ops.log1p(-self.probs), ops.log(self.probs)
        return self.mean * (log_rest - log_probs) - self._log_norm() - log_rest
