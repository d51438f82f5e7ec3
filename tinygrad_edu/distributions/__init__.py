"""Probability distributions: ``torch.distributions``, loaded when it is used.

References
----------
https://docs.pytorch.org/docs/stable/distributions.html

Examples
--------
>>> import tinygrad_edu as torch
>>> torch.distributions.Normal(0.0, 1.0)
Normal(loc: 0.0, scale: 1.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.distributions import (
    constraints as constraints,
    kl_of_two_families as kl_of_two_families,
    transforms as transforms,
)
from tinygrad_edu.distributions.bernoulli import Bernoulli as Bernoulli
from tinygrad_edu.distributions.beta import Beta as Beta
from tinygrad_edu.distributions.binomial import Binomial as Binomial
from tinygrad_edu.distributions.categorical import Categorical as Categorical
from tinygrad_edu.distributions.cauchy import Cauchy as Cauchy
from tinygrad_edu.distributions.chi2 import Chi2 as Chi2
from tinygrad_edu.distributions.constraint_registry import (
    biject_to as biject_to,
    transform_to as transform_to,
)
from tinygrad_edu.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from tinygrad_edu.distributions.dirichlet import Dirichlet as Dirichlet
from tinygrad_edu.distributions.distribution import (
    Distribution as Distribution,
    ExponentialFamily as ExponentialFamily,
)
from tinygrad_edu.distributions.exponential import Exponential as Exponential
from tinygrad_edu.distributions.fishersnedecor import FisherSnedecor as FisherSnedecor
from tinygrad_edu.distributions.gamma import Gamma as Gamma
from tinygrad_edu.distributions.generalized_pareto import GeneralizedPareto as GeneralizedPareto
from tinygrad_edu.distributions.geometric import Geometric as Geometric
from tinygrad_edu.distributions.gumbel import Gumbel as Gumbel
from tinygrad_edu.distributions.half_cauchy import HalfCauchy as HalfCauchy
from tinygrad_edu.distributions.half_normal import HalfNormal as HalfNormal
from tinygrad_edu.distributions.independent import Independent as Independent
from tinygrad_edu.distributions.inverse_gamma import InverseGamma as InverseGamma
from tinygrad_edu.distributions.kl import kl_divergence as kl_divergence, register_kl as register_kl
from tinygrad_edu.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
from tinygrad_edu.distributions.laplace import Laplace as Laplace
from tinygrad_edu.distributions.lkj_cholesky import LKJCholesky as LKJCholesky
from tinygrad_edu.distributions.log_normal import LogNormal as LogNormal
from tinygrad_edu.distributions.logistic_normal import LogisticNormal as LogisticNormal
from tinygrad_edu.distributions.lowrank_multivariate_normal import (
    LowRankMultivariateNormal as LowRankMultivariateNormal,
)
from tinygrad_edu.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from tinygrad_edu.distributions.multinomial import Multinomial as Multinomial
from tinygrad_edu.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from tinygrad_edu.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
from tinygrad_edu.distributions.normal import Normal as Normal
from tinygrad_edu.distributions.one_hot_categorical import (
    OneHotCategorical as OneHotCategorical,
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from tinygrad_edu.distributions.pareto import Pareto as Pareto
from tinygrad_edu.distributions.poisson import Poisson as Poisson
from tinygrad_edu.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
from tinygrad_edu.distributions.relaxed_categorical import (
    RelaxedOneHotCategorical as RelaxedOneHotCategorical,
)
from tinygrad_edu.distributions.studentT import StudentT as StudentT
from tinygrad_edu.distributions.transformed_distribution import (
    TransformedDistribution as TransformedDistribution,
)
from tinygrad_edu.distributions.transforms import (
    AbsTransform as AbsTransform,
    AffineTransform as AffineTransform,
    CatTransform as CatTransform,
    ComposeTransform as ComposeTransform,
    CorrCholeskyTransform as CorrCholeskyTransform,
    CumulativeDistributionTransform as CumulativeDistributionTransform,
    ExpTransform as ExpTransform,
    IndependentTransform as IndependentTransform,
    LowerCholeskyTransform as LowerCholeskyTransform,
    PositiveDefiniteTransform as PositiveDefiniteTransform,
    PowerTransform as PowerTransform,
    ReshapeTransform as ReshapeTransform,
    SigmoidTransform as SigmoidTransform,
    SoftmaxTransform as SoftmaxTransform,
    SoftplusTransform as SoftplusTransform,
    StackTransform as StackTransform,
    StickBreakingTransform as StickBreakingTransform,
    TanhTransform as TanhTransform,
    Transform as Transform,
    identity_transform as identity_transform,
)
from tinygrad_edu.distributions.uniform import Uniform as Uniform
from tinygrad_edu.distributions.von_mises import VonMises as VonMises
from tinygrad_edu.distributions.weibull import Weibull as Weibull
from tinygrad_edu.distributions.wishart import Wishart as Wishart
from tinygrad_edu.missing_names import error_of_module as _error_of_module

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
