"""The distributions that are tried: class, parameters, values, and what SciPy calls them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

A = np.array([0.7, 1.3, 2.6])
B = np.array([[1.9], [0.8]])
P = np.array([0.2, 0.5, 0.85])
SIMPLEX = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])

LOC = np.array([[0.3, -0.2, 1.1], [0.0, 2.0, -1.0]])
COVARIANCE = np.array([[2.0, 0.3, -0.4], [0.3, 1.1, 0.2], [-0.4, 0.2, 0.9]])

CORRELATIONS = np.linalg.cholesky(np.array([[1.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 1.0]]))


@dataclass
class Case:
    """A distribution: its name, parameters (arrays become tensors with a gradient), and values to try it at."""

    name: str
    parameters: dict[str, Any]
    values: Any
    scipy: str = ""
    shape: dict[str, Any] = field(default_factory=dict)  # SciPy's parameters

    @property
    def label(self) -> str:
        return f"{self.name}-{'-'.join(self.parameters)}"


X, POSITIVE, UNIT = np.array([-1.2, 0.4, 2.2]), np.array([0.3, 1.1, 3.2]), np.array([0.15, 0.5, 0.9])
BITS, COUNTS = np.array([0.0, 1.0, 1.0]), np.array([0.0, 2.0, 5.0])

CASES = [
    Case("Normal", {"loc": A, "scale": B}, X, "norm", {"loc": A, "scale": B}),
    Case("LogNormal", {"loc": A, "scale": B}, POSITIVE, "lognorm", {"s": B, "scale": np.exp(A)}),
    Case("Laplace", {"loc": A, "scale": B}, X, "laplace", {"loc": A, "scale": B}),
    Case("Cauchy", {"loc": A, "scale": B}, X, "cauchy", {"loc": A, "scale": B}),
    Case("Gumbel", {"loc": A, "scale": B}, X, "gumbel_r", {"loc": A, "scale": B}),
    Case(
        "Uniform",
        {"low": -A, "high": A + B},
        np.array([-0.5, 0.4, 1.5]),
        "uniform",
        {"loc": -A, "scale": 2 * A + B},
    ),
    Case("HalfNormal", {"scale": A}, POSITIVE, "halfnorm", {"scale": A}),
    Case("HalfCauchy", {"scale": A}, POSITIVE, "halfcauchy", {"scale": A}),
    Case("Exponential", {"rate": A}, POSITIVE, "expon", {"scale": 1 / A}),
    Case("Gamma", {"concentration": A, "rate": B}, POSITIVE, "gamma", {"a": A, "scale": 1 / B}),
    Case("Chi2", {"df": A}, POSITIVE, "chi2", {"df": A}),
    Case("Weibull", {"scale": A, "concentration": B}, POSITIVE, "weibull_min", {"c": B, "scale": A}),
    Case("Pareto", {"scale": A / 4, "alpha": B + 2}, POSITIVE + 1, "pareto", {"b": B + 2, "scale": A / 4}),
    Case("Beta", {"concentration1": A, "concentration0": B}, UNIT, "beta", {"a": A, "b": B}),
    Case("Kumaraswamy", {"concentration1": A + 1, "concentration0": B + 1}, UNIT),
    Case("StudentT", {"df": A + 3, "loc": B, "scale": A}, X, "t", {"df": A + 3, "loc": B, "scale": A}),
    Case("FisherSnedecor", {"df1": A + 3, "df2": B + 5}, POSITIVE, "f", {"dfn": A + 3, "dfd": B + 5}),
    Case("VonMises", {"loc": A, "concentration": B}, X, "vonmises", {"loc": A, "kappa": B}),
    Case("InverseGamma", {"concentration": A + 2, "rate": B}, POSITIVE, "invgamma", {"a": A + 2, "scale": B}),
    Case(
        "GeneralizedPareto",
        {"loc": A, "scale": B, "concentration": np.array([-0.3, 0.0, 0.4])},
        np.array([1.1, 1.5, 3.0]),
        "genpareto",
        {"c": np.array([-0.3, 0.0, 0.4]), "loc": A, "scale": B},
    ),
    Case("Bernoulli", {"probs": P}, BITS, "bernoulli", {"p": P}),
    Case("Bernoulli", {"logits": X}, BITS),
    Case("Geometric", {"probs": P}, COUNTS, "geom", {"p": P, "loc": -1}),
    Case("Geometric", {"logits": X}, COUNTS),
    Case("Poisson", {"rate": A}, COUNTS, "poisson", {"mu": A}),
    Case("Binomial", {"total_count": 6, "probs": P}, COUNTS, "binom", {"n": 6, "p": P}),
    Case("Binomial", {"total_count": 6, "logits": X}, COUNTS),
    Case("NegativeBinomial", {"total_count": 3, "probs": P}, COUNTS, "nbinom", {"n": 3, "p": 1 - P}),
    Case("NegativeBinomial", {"total_count": 3, "logits": X}, COUNTS),
    Case("ContinuousBernoulli", {"probs": P}, UNIT),
    Case("ContinuousBernoulli", {"logits": X}, UNIT),
    Case("Categorical", {"probs": SIMPLEX * 2}, np.array([0, 2])),
    Case("Categorical", {"logits": SIMPLEX}, np.array([2, 1])),
    Case("OneHotCategorical", {"probs": SIMPLEX}, np.eye(3)[[0, 2]]),
    Case("OneHotCategoricalStraightThrough", {"logits": SIMPLEX}, np.eye(3)[[0, 2]]),
    Case("Multinomial", {"total_count": 4, "probs": SIMPLEX}, np.array([[1.0, 1.0, 2.0], [4.0, 0.0, 0.0]])),
    Case("Dirichlet", {"concentration": SIMPLEX * 5}, SIMPLEX[::-1].copy()),
    Case("MultivariateNormal", {"loc": LOC, "covariance_matrix": COVARIANCE}, LOC + 1),
    Case("MultivariateNormal", {"loc": LOC, "precision_matrix": COVARIANCE}, LOC + 1),
    Case("MultivariateNormal", {"loc": LOC, "scale_tril": np.tril(COVARIANCE)}, LOC + 1),
    Case("LogisticNormal", {"loc": LOC[:, :2], "scale": np.array([0.7, 1.3])}, SIMPLEX),
    Case(
        "LowRankMultivariateNormal",
        {"loc": LOC, "cov_factor": COVARIANCE[:, :2], "cov_diag": A},
        LOC + 1,
    ),
    Case(
        "Wishart",
        {"df": np.array([3.5, 6.0]), "covariance_matrix": COVARIANCE},
        np.stack([COVARIANCE, np.eye(3)]),
    ),
    Case("Wishart", {"df": np.array([5.0, 6.0]), "precision_matrix": COVARIANCE}, COVARIANCE),
    Case("Wishart", {"df": np.array([5.0, 6.0]), "scale_tril": np.tril(COVARIANCE)}, COVARIANCE),
    Case("LKJCholesky", {"dim": 3, "concentration": A}, CORRELATIONS),
    Case("RelaxedBernoulli", {"temperature": np.array(0.7), "probs": P}, UNIT),
    Case("RelaxedBernoulli", {"temperature": np.array(0.7), "logits": X}, UNIT),
    Case("RelaxedOneHotCategorical", {"temperature": np.array(0.7), "probs": SIMPLEX}, SIMPLEX[::-1].copy()),
    Case("RelaxedOneHotCategorical", {"temperature": np.array(0.7), "logits": SIMPLEX}, SIMPLEX[::-1].copy()),
]


def make(library: Any, case: Case, **options: Any) -> tuple[Any, list[Any]]:
    """Return a distribution of a library with float64 parameters, and those that have a gradient."""
    leaves = {
        name: library.tensor(value, dtype=library.float64, requires_grad=True)
        for name, value in case.parameters.items()
        if isinstance(value, np.ndarray)
    }
    found = getattr(library.distributions, case.name)(**{**case.parameters, **leaves}, **options)
    return found, list(leaves.values())


def value_of(library: Any, case: Case) -> Any:
    return library.tensor(case.values)
