"""Binomial distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.creation import arange
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.utils import (
    BINARY_CONSTRAINTS,
    WithProbsOrLogits,
    draw_with,
)


class Binomial(WithProbsOrLogits):
    """Binomial distribution: successes of probability p among total_count attempts.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.distributions.Binomial(4, torch.tensor(0.5)).log_prob(torch.tensor(2.0)).exp()
    tensor(0.3750)
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer, **BINARY_CONSTRAINTS}
    has_rsample = False

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.total_count,) = self._set_probs_or_logits(probs, logits, total_count)
        super().__init__(self._param.shape, validate_args=validate_args)

    has_enumerate_support = True

    @property
    def support(self) -> Any:
        """From 0 to total_count."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ops.minimum(ops.floor((self.total_count + 1) * self.probs), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        counts = self.total_count.to(dtype=dtypes.int64)
        return draw_with("binomial", self._param, shape, counts, self.probs.detach())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        log_choices = ops.lgamma(n + 1) - ops.lgamma(value + 1) - ops.lgamma(n - value + 1)
        return log_choices + value * logits + n * ops.logsigmoid(-logits)

    def entropy(self) -> Tensor:
        largest = self._only_count("entropy")
        log_prob = (
            self.log_prob(self.enumerate_support(False)) if largest else self.log_prob(self.total_count * 0)
        )
        return -(ops.exp(log_prob) * log_prob).sum(0)

    def _only_count(self, name: str) -> int:
        largest = int(self.total_count.max().item())
        if int(self.total_count.min().item()) != largest:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{name}`.")
        return largest

    def enumerate_support(self, expand: bool = True) -> Tensor:
        largest = self._only_count("enumerate_support")
        values = arange(1 + largest, dtype=self._param.dtype, device=self._param.device)
        values = values.reshape(-1, *[1] * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values
