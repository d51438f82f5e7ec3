"""NegativeBinomial distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.utils import (
    WithProbsOrLogits,
    draw_with,
)


class NegativeBinomial(WithProbsOrLogits):
    """Negative binomial distribution: successes of probability p before total_count failures."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        **{"probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real},
    }
    support = constraints.nonnegative_integer
    has_rsample = False

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.total_count,) = self._set_probs_or_logits(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * ops.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ops.clamp(ops.floor((self.total_count - 1) * ops.exp(self.logits)), min=0)

    @property
    def variance(self) -> Tensor:
        return self.mean / ops.sigmoid(-self.logits)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            rates = draw_with("standard_gamma", self._param, shape, self.total_count) * ops.exp(self.logits)
            return draw_with("poisson", self._param, shape, rates)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        powers = n * ops.logsigmoid(-self.logits) + value * ops.logsigmoid(self.logits)
        norm = ops.lgamma(n + value) - ops.lgamma(value + 1) - ops.lgamma(n)
        return powers + ops.where(n + value == 0, 0.0, norm)
