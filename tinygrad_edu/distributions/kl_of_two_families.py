"""Kullback-Leibler divergence of two different families: -H(p) less the mean of log q(x), which moments of p give."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions.bernoulli import Bernoulli
from tinygrad_edu.distributions.beta import Beta
from tinygrad_edu.distributions.binomial import Binomial
from tinygrad_edu.distributions.continuous_bernoulli import ContinuousBernoulli
from tinygrad_edu.distributions.exponential import Exponential
from tinygrad_edu.distributions.gamma import Gamma
from tinygrad_edu.distributions.gumbel import EULER, Gumbel
from tinygrad_edu.distributions.kl import register_kl
from tinygrad_edu.distributions.laplace import Laplace
from tinygrad_edu.distributions.normal import Normal
from tinygrad_edu.distributions.pareto import Pareto
from tinygrad_edu.distributions.poisson import Poisson
from tinygrad_edu.distributions.uniform import Uniform
from tinygrad_edu.distributions.utils import broadcast_all


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Any) -> Tensor:
    square = p.variance + (p.mean - q.loc) ** 2
    return -p.entropy() + 0.5 * math.log(2 * math.pi) + ops.log(q.scale) + square / (2 * q.scale**2)


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Tensor:
    return ops.where(p.alpha <= 2, math.inf, _to_normal(p, q))


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Gamma, Exponential)
def _to_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - ops.log(q.rate) + q.rate * p.mean


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Tensor:
    return ops.where(p.alpha <= 1, math.inf, _to_exponential(p, q))


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Tensor:
    return ops.where(p.low < 0, math.inf, _to_exponential(p, q))


def _to_gamma(p: Any, q: Any, log_mean: Tensor) -> Tensor:
    """Return the divergence from a gamma distribution, given the mean of log(x) under p."""
    norm = ops.lgamma(q.concentration) - q.concentration * ops.log(q.rate)
    return -p.entropy() + norm - (q.concentration - 1) * log_mean + q.rate * p.mean


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Tensor:
    a, b = p.concentration1, p.concentration0
    return _to_gamma(p, q, ops.digamma(a) - ops.digamma(a + b))


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Tensor:
    return _to_gamma(p, q, -ops.log(p.rate) - EULER)


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Tensor:
    return ops.where(p.alpha <= 1, math.inf, _to_gamma(p, q, ops.log(p.scale) + 1 / p.alpha))


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _to_uniform(p: Any, q: Any) -> Tensor:
    outside = (q.low > 0) | (q.high < 1)
    return ops.where(outside, math.inf, -p.entropy() + ops.log(q.high - q.low))


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - p.mean * q.logits - ops.log1p(-q.probs) - q._log_norm()


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    outside = (p.low < 0) | (p.high > 1)
    return ops.where(outside, math.inf, _beta_continuous_bernoulli(p, q))


def _log_mean(low: Tensor, high: Tensor) -> Tensor:
    """Return the mean of log(x) for x of a uniform distribution: the integral is x log(x) - x."""
    return (ops.xlogy(high, high) - ops.xlogy(low, low)) / (high - low) - 1


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Tensor:
    return ops.where(p.low < 0, math.inf, _to_gamma(p, q, _log_mean(p.low, p.high)))


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Tensor:
    norm = ops.log(q.alpha) + q.alpha * ops.log(q.scale)
    inside = -p.entropy() - norm + (q.alpha + 1) * _log_mean(p.low, p.high)
    return ops.where(p.low < q.scale, math.inf, inside)


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Tensor:
    a, b = q.concentration1, q.concentration0
    log_beta = ops.lgamma(a) + ops.lgamma(b) - ops.lgamma(a + b)
    means = (a - 1) * _log_mean(p.low, p.high) + (b - 1) * _log_mean(1 - p.high, 1 - p.low)
    return ops.where((p.high > 1) | (p.low < 0), math.inf, -p.entropy() + log_beta - means)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Tensor:
    z = (p.loc - q.loc) / (p.scale * math.sqrt(2))
    distance = p.scale * math.sqrt(2 / math.pi) * ops.exp(-(z**2)) + (p.loc - q.loc) * ops.erf(z)
    return -p.entropy() + ops.log(2 * q.scale) + distance / q.scale


def _to_gumbel(p: Any, q: Any, log_power_mean: Tensor) -> Tensor:
    """Return the divergence from a Gumbel distribution, given log E[e^(-x / scale)] under p."""
    z = (p.mean - q.loc) / q.scale
    return -p.entropy() + z + ops.exp(q.loc / q.scale + log_power_mean) + ops.log(q.scale)


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Tensor:
    return _to_gumbel(p, q, -p.loc / q.scale + (p.scale / q.scale) ** 2 / 2)


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Tensor:
    return _to_gumbel(p, q, -ops.log1p(1 / (q.scale * p.rate)))


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Tensor:
    return _to_gumbel(p, q, -p.concentration * ops.log1p(1 / (q.scale * p.rate)))


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Tensor:
    powers = ops.exp(-p.low / q.scale) - ops.exp(-p.high / q.scale)
    return _to_gumbel(p, q, ops.log(powers * q.scale / (p.high - p.low)))


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * ops.log(q.rate) - q.rate)


# ---- where p draws what q never does: infinite ----------------------------------------------------------


def _infinite(p: Any, q: Any) -> Tensor:
    parameters = [p.__dict__[name] for name in p.arg_constraints if name in p.__dict__]
    parameters += [q.__dict__[name] for name in q.arg_constraints if name in q.__dict__]
    return ops.full_of(broadcast_all(*parameters)[0].detach(), math.inf)


BOUNDED = (Beta, ContinuousBernoulli, Uniform)
for first, seconds in {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (*BOUNDED, Pareto),
    Gamma: (*BOUNDED, Pareto),
    Gumbel: (*BOUNDED, Exponential, Gamma, Pareto),
    Laplace: (*BOUNDED, Exponential, Gamma, Pareto),
    Normal: (*BOUNDED, Exponential, Gamma, Pareto),
    Pareto: BOUNDED,
    Poisson: (Bernoulli, Binomial),
}.items():
    for second in seconds:
        register_kl(first, second)(_infinite)
