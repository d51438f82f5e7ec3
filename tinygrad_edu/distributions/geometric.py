"""Geometric distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.utils import (
    BINARY_CONSTRAINTS,
    WithProbsOrLogits,
    broadcast_all,
    uniform_like,
)


class Geometric(WithProbsOrLogits):
    """Geometric distribution: k failures before the first success, with probability (1 - p)^k p."""

    arg_constraints = {**BINARY_CONSTRAINTS}
    support = constraints.nonnegative_integer
    has_rsample = False

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._set_probs_or_logits(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if "probs" in self.__dict__ and not bool((self.probs > 0).all()):
            raise ValueError(
                f"Expected parameter probs ({type(self.probs).__name__} of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{self.probs}"
            )

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return ops.full_of(self.probs, 0.0)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            u = uniform_like(self.probs, self._extended_shape(sample_shape))
            return ops.floor(ops.log(u) / ops.log1p(-self.probs))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)
        return value * ops.log1p(-ops.where(certain, 0.0, probs)) + ops.log(self.probs)

    def entropy(self) -> Tensor:
        return (-ops.logsigmoid(-self.logits) - self.probs * self.logits) / self.probs
