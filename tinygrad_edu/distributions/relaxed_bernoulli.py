"""Relaxed Bernoulli distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.transformed_distribution import TransformedDistribution
from tinygrad_edu.distributions.transforms import SigmoidTransform
from tinygrad_edu.distributions.utils import (
    BINARY_CONSTRAINTS,
    WithProbsOrLogits,
    broadcast_all,
    clamp_probs,
    uniform_like,
)


class LogitRelaxedBernoulli(WithProbsOrLogits):
    """Logit of a relaxed Bernoulli variable: (logit(p) + logit(u)) / temperature for an evenly distributed u."""

    arg_constraints = dict(BINARY_CONSTRAINTS)
    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        self._set_probs_or_logits(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(uniform_like(probs, shape))
        logit = ops.log(u) - ops.log1p(-u) + ops.log(probs) - ops.log1p(-probs)
        return logit / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value * self.temperature
        return ops.log(self._temperature_like(value)) + difference - 2 * ops.log1p(ops.exp(difference))

    def _temperature_like(self, value: Tensor) -> Tensor:
        (temperature, _) = broadcast_all(self.temperature, value)
        return temperature


class RelaxedBernoulli(TransformedDistribution):
    """A number of (0, 1) that is nearer to 0 or 1 the lower the temperature, and differentiable by the probability.

    References
    ----------
    C. J. Maddison and others, The concrete distribution, 2017; E. Jang and others, Gumbel-softmax, 2017
    """

    arg_constraints = dict(BINARY_CONSTRAINTS)
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(RelaxedBernoulli, _instance))

    @property
    def temperature(self) -> Any:
        """Temperature."""
        return self.base_dist.temperature  # type: ignore[attr-defined]

    @property
    def probs(self) -> Tensor:
        """Probability of being next to 1."""
        return self.base_dist.probs  # type: ignore[attr-defined]

    @property
    def logits(self) -> Tensor:
        """Logit of the probability."""
        return self.base_dist.logits  # type: ignore[attr-defined]
