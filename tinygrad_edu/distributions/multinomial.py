"""Multinomial distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.binomial import Binomial
from tinygrad_edu.distributions.categorical import Categorical
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.utils import (
    broadcast_all,
)


class Multinomial(Distribution):
    """How often each of K classes comes up in ``total_count`` draws: n! times the product of p_i^x_i / x_i!."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        super().__init__(
            self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args
        )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Multinomial, _instance)
        new.total_count, new._categorical = self.total_count, self._categorical.expand(batch_shape)
        return self._finish_expanding(new, batch_shape)

    @property
    def support(self) -> Any:
        """Counts that add up to no more than total_count."""
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        """Probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        places = self._categorical.sample((self.total_count, *sample_shape))
        counts = ops.one_hot(places, self._event_shape[-1]).sum(0)
        return counts.to(dtype=self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        certain = (value == 0) & (logits == -math.inf)
        powers = ops.where(certain, 0.0, logits) * value
        return ops.lgamma(value.sum(-1) + 1) - ops.lgamma(value + 1).sum(-1) + powers.sum(-1)

    def entropy(self) -> Tensor:
        """n H - log n! + sum over the classes of E[log x_i!], x_i of a binomial distribution."""
        n = self.total_count
        count = Binomial(n, self.probs)
        values = count.enumerate_support(False)[1:]
        weights = ops.exp(count.log_prob(values)) * ops.lgamma(values + 1)
        return n * self._categorical.entropy() - math.lgamma(n + 1) + weights.sum((0, -1))
