"""Dirichlet distribution."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import ExponentialFamily
from tinygrad_edu.distributions.standard_gamma import standard_gamma


class Dirichlet(ExponentialFamily):
    """Distribution of probabilities x with density proportional to the product of x_i^(a_i - 1), a = concentration."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        above = ops.clamp(self.concentration - 1, min=0)
        mode = above / above.sum(-1, keepdim=True)
        # Without a peak inside, the corner of the largest one; of several, PyTorch takes the first.
        is_corner = (self.concentration < 1).all(-1, keepdim=True)
        corner = ops.one_hot(mode.argmax(-1), self.concentration.shape[-1]).to(dtype=mode.dtype)
        return ops.where(is_corner, corner, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw gamma variables and divide by their sum: each of them is differentiable."""
        draws = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        draws = ops.clamp(draws, min=dtypes.finfo(draws.dtype).tiny)
        return draws / draws.sum(-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return ops.xlogy(a - 1, value).sum(-1) + ops.lgamma(a.sum(-1)) - ops.lgamma(a).sum(-1)

    def entropy(self) -> Tensor:
        a, total, k = self.concentration, self.concentration.sum(-1), self.concentration.shape[-1]
        slopes = ((a - 1) * ops.digamma(a)).sum(-1)
        return ops.lgamma(a).sum(-1) - ops.lgamma(total) - (k - total) * ops.digamma(total) - slopes
