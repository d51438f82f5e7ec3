"""Mixtures of distributions of one family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.distributions.categorical import Categorical
from tinygrad_edu.distributions.distribution import Distribution


class MixtureSameFamily(Distribution):
    """One of K components, the last dimension of their batch, is chosen, and a value drawn of it.

    log p(x) = logsumexp over k of log p(k) + log p(x | k).
    """

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution need to be an instance of torch.distributions.Distribution"
            )
        chosen, batch = (
            tuple(mixture_distribution.batch_shape),
            tuple(component_distribution.batch_shape)[:-1],
        )
        for a, b in zip(reversed(chosen), reversed(batch), strict=False):
            if 1 not in (a, b) and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch})"
                )
        kinds = mixture_distribution.logits.shape[-1]
        if kinds != component_distribution.batch_shape[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({kinds}) does not equal `component_distribution.batch_shape[-1]` "
                f"({component_distribution.batch_shape[-1]})"
            )
        self._mixture_distribution, self._component_distribution = (
            mixture_distribution,
            component_distribution,
        )
        super().__init__(batch, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        kinds = self._component_distribution.batch_shape[-1]
        new._component_distribution = self._component_distribution.expand((*batch_shape, kinds))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        return self._finish_expanding(new, batch_shape)

    @property
    def support(self) -> Any:
        """Where the components are; what depends on their parameters is not checked."""
        return (
            type(self._component_distribution).__dict__.get("support") if self._has_fixed_support() else None
        )

    def _has_fixed_support(self) -> bool:
        return not isinstance(type(self._component_distribution).__dict__.get("support"), property)

    @property
    def mixture_distribution(self) -> Categorical:
        """What chooses the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _pad(self, x: Tensor) -> Tensor:
        """Put a dimension of components in front of the event."""
        return x.unsqueeze(x.ndim - len(self._event_shape))

    def _weights(self) -> Tensor:
        probs = self._mixture_distribution.probs
        return probs.reshape((*probs.shape, *[1] * len(self._event_shape)))

    @property
    def mean(self) -> Tensor:
        dim = -1 - len(self._event_shape)
        return (self._weights() * self._component_distribution.mean).sum(dim)

    @property
    def variance(self) -> Tensor:
        """Mean of the variances, and variance of the means."""
        dim = -1 - len(self._event_shape)
        within = (self._weights() * self._component_distribution.variance).sum(dim)
        apart = self._component_distribution.mean - self._pad(self.mean)
        return within + (self._weights() * apart**2).sum(dim)

    def cdf(self, value: Tensor) -> Tensor:
        return (self._component_distribution.cdf(self._pad(value)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        each = self._component_distribution.log_prob(self._pad(value))
        return ops.logsumexp(each + ops.log_softmax(self._mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            dim = len(sample_shape) + len(self._batch_shape)
            kind = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            draws = self._component_distribution.sample(sample_shape)
            index = kind.reshape((*kind.shape, *[1] * (1 + len(self._event_shape))))
            index = index.expand((*kind.shape, 1, *self._event_shape))
            return draws.gather(dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
