"""Kullback-Leibler divergence: the mean, under p, of log p(x) - log q(x).

References
----------
https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.kl
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions.bernoulli import Bernoulli
from tinygrad_edu.distributions.beta import Beta
from tinygrad_edu.distributions.binomial import Binomial
from tinygrad_edu.distributions.categorical import Categorical
from tinygrad_edu.distributions.cauchy import Cauchy
from tinygrad_edu.distributions.continuous_bernoulli import ContinuousBernoulli
from tinygrad_edu.distributions.dirichlet import Dirichlet
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.exponential import Exponential
from tinygrad_edu.distributions.gamma import Gamma
from tinygrad_edu.distributions.geometric import Geometric
from tinygrad_edu.distributions.gumbel import EULER, Gumbel
from tinygrad_edu.distributions.half_cauchy import HalfCauchy
from tinygrad_edu.distributions.half_normal import HalfNormal
from tinygrad_edu.distributions.independent import Independent
from tinygrad_edu.distributions.laplace import Laplace
from tinygrad_edu.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from tinygrad_edu.distributions.multivariate_normal import MultivariateNormal
from tinygrad_edu.distributions.normal import Normal
from tinygrad_edu.distributions.one_hot_categorical import OneHotCategorical
from tinygrad_edu.distributions.pareto import Pareto
from tinygrad_edu.distributions.poisson import Poisson
from tinygrad_edu.distributions.transformed_distribution import TransformedDistribution
from tinygrad_edu.distributions.transforms import sum_rightmost
from tinygrad_edu.distributions.uniform import Uniform
from tinygrad_edu.distributions.weibull import Weibull
from tinygrad_edu.distributions.wishart import Wishart

REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}
"""Which function computes the divergence of which two classes."""


class register_kl:
    """Decorator: register a function of p and q for two classes.

    Examples
    --------
    >>> from tinygrad_edu.distributions import Normal, register_kl
    >>> class Bell(Normal):
    ...     pass
    >>> @register_kl(Bell, Bell)
    ... def kl_bell_bell(p, q):
    ...     return (p.loc - q.loc) ** 2
    """

    def __init__(self, type_p: type, type_q: type) -> None:
        for kind, name in ((type_p, "type_p"), (type_q, "type_q")):
            if not (isinstance(kind, type) and issubclass(kind, Distribution)):
                raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")
        self.types = type_p, type_q

    def __call__(self, function: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        REGISTRY[self.types] = function
        return function


def _distance(kinds: tuple[type, type], wanted: tuple[type, type]) -> tuple[int, int]:
    """Return how many classes lie between two and those registered: the nearest ones are taken, p's first."""
    return wanted[0].__mro__.index(kinds[0]), wanted[1].__mro__.index(kinds[1])


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Kullback-Leibler divergence KL(p || q), of each member of the batch.

    Raises
    ------
    NotImplementedError
        If no function is registered for the two classes or classes that they come from.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> p, q = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(1.0, 1.0)
    >>> torch.distributions.kl_divergence(p, q)
    tensor(0.5000)
    """
    wanted = type(p), type(q)
    fitting = [kinds for kinds in REGISTRY if isinstance(p, kinds[0]) and isinstance(q, kinds[1])]
    if not fitting:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {wanted[0].__name__} and q type {wanted[1].__name__}"
        )
    nearest = min([(_distance(kinds, wanted), place) for place, kinds in enumerate(fitting)])
    return REGISTRY[fitting[nearest[1]]](p, q)


# ---- two of one family ---------------------------------------------------------------------------------


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    sure = p.probs * (ops.softplus(-q.logits) - ops.softplus(-p.logits))
    sure = ops.where(q.probs == 0, math.inf, sure)
    sure = ops.where(p.probs == 0, 0.0, sure)
    rest = (1 - p.probs) * (ops.softplus(q.logits) - ops.softplus(p.logits))
    rest = ops.where(q.probs == 1, math.inf, rest)
    return sure + ops.where(p.probs == 1, 0.0, rest)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Tensor:
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    log_norms = (
        ops.lgamma(c) + ops.lgamma(d) + ops.lgamma(a + b) - ops.lgamma(c + d) - ops.lgamma(a) - ops.lgamma(b)
    )
    slopes = (a - c) * ops.digamma(a) + (b - d) * ops.digamma(b)
    return log_norms + slopes + (c + d - a - b) * ops.digamma(a + b)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    kl = p.total_count * (p.probs * (p.logits - q.logits) + ops.log1p(-p.probs) - ops.log1p(-q.probs))
    return ops.where(p.total_count > q.total_count, math.inf, kl)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = ops.where(q.probs == 0, math.inf, terms)
    return ops.where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    """F. Chyzak and F. Nielsen, A closed-form formula for the Kullback-Leibler divergence of Cauchy, 2019."""
    distance = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return ops.log(distance) - ops.log(4 * p.scale * q.scale)


@register_kl(HalfCauchy, HalfCauchy)
def _half_cauchy(p: Any, q: Any) -> Tensor:
    return 2 * ops.log(p.scale + q.scale) - ops.log(4 * p.scale * q.scale)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Tensor:
    means = p.mean * (p.logits - q.logits)
    return means + p._log_norm() + ops.log1p(-p.probs) - q._log_norm() - ops.log1p(-q.probs)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norms = ops.lgamma(total) - ops.lgamma(b.sum(-1)) - (ops.lgamma(a) - ops.lgamma(b)).sum(-1)
    return norms + ((a - b) * (ops.digamma(a) - ops.digamma(total).unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ops.log(ratio) - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    norms = b * ops.log(p.rate / q.rate) + ops.lgamma(b) - ops.lgamma(a)
    return norms + (a - b) * ops.digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Tensor:
    ratio, loc = p.scale / q.scale, q.loc / q.scale
    shift = p.loc / q.scale
    mean = ops.exp(loc + ops.lgamma(1 + ratio) - shift)
    return shift - loc - ops.log(ratio) + ratio * EULER + mean - (1 + EULER)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - ops.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    shift = ((p.loc - q.loc) / q.scale) ** 2 if isinstance(p, Normal) else 0.0
    return 0.5 * (ratio + shift - 1 - ops.log(ratio))


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Tensor:
    """Return log |L_q| - log |L_p| + 1/2 (tr(S_q^-1 S_p) + m^T S_q^-1 m - n), m the distance of the means."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two (Low Rank) Multivariate Normals with different event shapes cannot be computed"
        )
    squares = q._squares(p._columns()) + q._squares((q.loc - p.loc).unsqueeze(-1))
    return q._log_volume() - p._log_volume() + 0.5 * (squares - p.event_shape[0])


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ops.log(ratio) + distance / q.scale + ratio * ops.exp(-distance / p.scale) - 1


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    ratio, shape = p.scale / q.scale, q.alpha / p.alpha
    return ops.where(p.scale < q.scale, math.inf, q.alpha * ops.log(ratio) - ops.log(shape) + shape - 1)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (ops.log(p.rate) - ops.log(q.rate)) - (p.rate - q.rate)


@register_kl(Weibull, Weibull)
def _weibull(p: Any, q: Any) -> Tensor:
    """C. Bauckhage, Computing the Kullback-Leibler divergence between two Weibull distributions, 2013."""
    k, m = p.concentration, q.concentration
    log_scale = ops.log(p.scale)
    powers = ops.exp(m * (log_scale - ops.log(q.scale)) + ops.lgamma(m / k + 1))
    norms = ops.log(k / m) - k * log_scale + m * ops.log(q.scale)
    return norms + (k - m) * (log_scale - EULER / k) + powers - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Tensor:
    outside = (q.low > p.low) | (q.high < p.high)
    return ops.where(outside, math.inf, ops.log((q.high - q.low) / (p.high - p.low)))


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL of different transforms is not implemented: expected the same ones")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "KL of different numbers of dimensions is not implemented: expected the same"
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Wishart, Wishart)
def _wishart(p: Any, q: Any) -> Tensor:
    size = p.event_shape[-1]
    trace = ops.diagonal(ops.cholesky_solve(p.covariance_matrix, q._factor), 0, -2, -1).sum(-1)
    volumes = q.df * (q._log_norm() - p._log_norm()) + 0.5 * p.df * (trace - size)
    gammas = ops.mvlgamma(q.df / 2, size) - ops.mvlgamma(p.df / 2, size)
    return volumes + gammas + (p.df - q.df) / 2 * p._mean_of_log_det()
