"""Distributions by themselves: against SciPy's densities, what is drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import tinygrad_edu as torch
from tests.device import to_numpy
from tests.distributions.cases import CASES, make, value_of
from tinygrad_edu import distributions as D
from tinygrad_edu.distributions import constraints, transforms

KNOWN = [case for case in CASES if case.scipy]


def of_scipy(case):
    return getattr(scipy.stats, case.scipy)(**case.shape)


@pytest.mark.parametrize("case", KNOWN, ids=[case.label for case in KNOWN])
def test_densities_and_moments_are_those_of_scipy(case):
    ours, theirs = make(torch, case)[0], of_scipy(case)
    log_density = theirs.logpmf if hasattr(theirs.dist, "logpmf") else theirs.logpdf
    np.testing.assert_allclose(
        to_numpy(ours.log_prob(value_of(torch, case)).detach()),
        log_density(case.values),
        rtol=1e-10,
        atol=1e-12,
    )
    if case.name in ("Cauchy", "HalfCauchy", "VonMises"):  # without a mean; of a circle
        return
    np.testing.assert_allclose(
        to_numpy(ours.mean.detach()), theirs.mean() + np.zeros(ours.batch_shape), rtol=1e-9
    )
    np.testing.assert_allclose(
        to_numpy(ours.variance.detach()), theirs.var() + np.zeros(ours.batch_shape), rtol=1e-9
    )


def single(case):
    """Return the case with one parameter each."""
    first = {
        name: float(np.ravel(x)[0]) if isinstance(x, np.ndarray) else x for name, x in case.parameters.items()
    }
    return {name: torch.tensor(x, dtype=torch.float64) for name, x in first.items()}


CONTINUOUS = [case for case in KNOWN if hasattr(getattr(scipy.stats, case.scipy), "pdf")]


@pytest.mark.parametrize("case", CONTINUOUS, ids=[case.label for case in CONTINUOUS])
def test_draws_are_of_the_distribution(case):
    """Kolmogorov and Smirnov's test: the largest distance between the two cdfs."""
    torch.manual_seed(3)
    draws = to_numpy(getattr(D, case.name)(**single(case)).sample((2000,)))
    shape = {name: np.ravel(x)[0] for name, x in case.shape.items()}
    cdf = getattr(scipy.stats, case.scipy)(**shape).cdf
    assert scipy.stats.kstest(draws, cdf).pvalue > 1e-3


DISCRETE = [
    case
    for case in CASES
    if case.name in ("Bernoulli", "Geometric", "Poisson", "Binomial", "NegativeBinomial")
]


@pytest.mark.parametrize("case", DISCRETE, ids=[case.label for case in DISCRETE])
def test_counts_are_of_the_distribution(case):
    torch.manual_seed(3)
    distribution = make(torch, case)[0]
    draws = to_numpy(distribution.sample((4000,)))
    error = np.sqrt(to_numpy(distribution.variance.detach()) / 4000)
    assert np.all(abs(draws.mean(0) - to_numpy(distribution.mean.detach())) < 4 * error)
    for value in (0.0, 1.0):
        probability = to_numpy(distribution.log_prob(torch.tensor(value, dtype=torch.float64)).exp().detach())
        share = (draws == value).mean(0)
        assert np.all(abs(share - probability) < 4 * np.sqrt(probability * (1 - probability) / 4000) + 1e-9)


def test_classes_are_drawn_in_proportion():
    torch.manual_seed(3)
    probs = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], dtype=torch.float64)
    shares = D.OneHotCategorical(probs).sample((4000,)).mean(0)
    np.testing.assert_allclose(to_numpy(shares), to_numpy(probs), atol=0.03)
    counts = D.Multinomial(10, probs).sample((2000,))
    assert counts.sum(-1).eq(10).all()
    np.testing.assert_allclose(to_numpy(counts.mean(0)), 10 * to_numpy(probs), atol=0.15)


SMOOTH = {
    "Normal": {"loc": 0.3, "scale": 1.2},
    "LogNormal": {"loc": 0.1, "scale": 0.4},
    "Laplace": {"loc": 0.3, "scale": 1.2},
    "Gumbel": {"loc": 0.3, "scale": 1.2},
    "Uniform": {"low": -0.4, "high": 1.7},
    "HalfNormal": {"scale": 1.3},
    "Exponential": {"rate": 1.3},
    "Gamma": {"concentration": 1.6, "rate": 0.8},
    "Beta": {"concentration1": 1.6, "concentration0": 2.3},
    "Weibull": {"scale": 1.2, "concentration": 1.7},
    "Pareto": {"scale": 0.6, "alpha": 5.0},
    "Kumaraswamy": {"concentration1": 1.6, "concentration0": 2.3},
    "ContinuousBernoulli": {"probs": 0.3},
    "FisherSnedecor": {"df1": 5.0, "df2": 12.0},
}


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_of_draws_is_that_of_the_mean_and_the_second_moment(name):
    torch.manual_seed(5)
    leaves = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in SMOOTH[name].items()}
    distribution = getattr(D, name)(**leaves)
    count = 40_000
    draws = distribution.rsample((count,))
    for drawn, exact in (
        (draws, distribution.mean),
        (draws**2, distribution.variance + distribution.mean**2),
    ):
        wanted = torch.autograd.grad(exact, list(leaves.values()), retain_graph=True, allow_unused=True)
        found = torch.autograd.grad(drawn.mean(), list(leaves.values()), retain_graph=True)
        for mine, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(
                mine.item(), 0.0 if theirs is None else theirs.item(), rtol=0.08, atol=0.03
            )


@pytest.mark.parametrize("concentration", [0.05, 0.5, 1.0, 3.0, 40.0, 5000.0])
def test_the_derivative_of_a_gamma_draw(concentration):
    """At the quantile u, it is the slope of the quantile: compared with one of many more digits."""
    mpmath = pytest.importorskip("mpmath")
    from tinygrad_edu.distributions.standard_gamma import SlopeOfQuantile

    for u in (0.05, 0.5, 0.97):
        z = scipy.special.gammaincinv(concentration, u)
        with mpmath.workdps(40):
            share = mpmath.gammainc(concentration, 0, z, regularized=True)
            slope = -mpmath.diff(lambda a: mpmath.gammainc(a, 0, z, regularized=True), concentration) / (  # noqa: B023
                mpmath.power(z, concentration - 1) * mpmath.exp(-z) / mpmath.gamma(concentration)
            )
        assert abs(share - u) < 1e-9
        found = SlopeOfQuantile.compute(np.array(concentration), np.array(z))
        np.testing.assert_allclose(float(found), float(slope), rtol=1e-8)


TRANSFORMS = [
    (transforms.ExpTransform(), [-1.0, 0.5]),
    (transforms.PowerTransform(2.5), [0.4, 1.5]),
    (transforms.SigmoidTransform(), [-1.0, 0.5]),
    (transforms.SoftplusTransform(), [-1.0, 0.5]),
    (transforms.TanhTransform(), [-1.0, 0.5]),
    (transforms.AffineTransform(1.0, -2.0), [-1.0, 0.5]),
    (
        transforms.ComposeTransform([transforms.AffineTransform(1.0, 2.0), transforms.TanhTransform()]),
        [-1.0, 0.5],
    ),
    (transforms.TanhTransform().inv, [-0.6, 0.5]),
]


@pytest.mark.parametrize(("transform", "values"), TRANSFORMS, ids=[repr(t) for t, _ in TRANSFORMS])
def test_transforms_of_numbers(transform, values):
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    y = transform(x)
    np.testing.assert_allclose(to_numpy(transform.inv(y).detach()), values)
    (slope,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    np.testing.assert_allclose(
        to_numpy(transform.log_abs_det_jacobian(x, y).detach()), np.log(abs(to_numpy(slope))), rtol=1e-10
    )
    assert (to_numpy(slope) * transform.sign > 0).all()


def test_stick_breaking():
    stick = transforms.StickBreakingTransform()
    x = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64, requires_grad=True)
    y = stick(x)
    assert y.sum().item() == pytest.approx(1)
    np.testing.assert_allclose(to_numpy(stick.inv(y).detach()), to_numpy(x.detach()))
    rows = [to_numpy(torch.autograd.grad(y[i], x, retain_graph=True)[0]) for i in range(3)]
    expected = np.log(abs(np.linalg.det(np.stack(rows))))
    assert stick.log_abs_det_jacobian(x, y).item() == pytest.approx(expected)
    assert tuple(stick.forward_shape((2, 3))) == (2, 4)


def test_a_mixture():
    weights = torch.tensor([0.3, 0.7], dtype=torch.float64)
    normals = D.Normal(
        torch.tensor([-1.0, 2.0], dtype=torch.float64), torch.tensor([0.5, 1.0], dtype=torch.float64)
    )
    mixture = D.MixtureSameFamily(D.Categorical(weights), normals)
    torch.manual_seed(2)
    draws = to_numpy(mixture.sample((4000,)))
    assert draws.mean() == pytest.approx(mixture.mean.item(), abs=0.1) == pytest.approx(1.1, abs=0.1)
    assert draws.var() == pytest.approx(mixture.variance.item(), rel=0.1)
    density = 0.3 * scipy.stats.norm(-1, 0.5).pdf(0.2) + 0.7 * scipy.stats.norm(2, 1).pdf(0.2)
    assert mixture.log_prob(torch.tensor(0.2, dtype=torch.float64)).item() == pytest.approx(np.log(density))


def test_independent_and_transformed():
    normal = D.Normal(torch.zeros(3, 2), torch.ones(3, 2))
    rows = D.Independent(normal, 1)
    assert (tuple(rows.batch_shape), tuple(rows.event_shape)) == ((3,), (2,))
    np.testing.assert_allclose(
        to_numpy(rows.log_prob(torch.ones(3, 2))), to_numpy(normal.log_prob(torch.ones(3, 2)).sum(-1))
    )
    logistic = D.TransformedDistribution(
        D.Uniform(0.0, 1.0), [D.SigmoidTransform().inv, D.AffineTransform(1.0, -2.0)]
    )
    value = torch.tensor(0.4)
    expected = scipy.stats.logistic(1, 2)
    assert logistic.log_prob(value).item() == pytest.approx(expected.logpdf(0.4), rel=1e-5)
    assert logistic.cdf(value).item() == pytest.approx(expected.cdf(0.4), rel=1e-5)
    assert logistic.icdf(torch.tensor(0.3)).item() == pytest.approx(expected.ppf(0.3), rel=1e-5)


def test_transforms_into_constraints():
    x = torch.tensor([-2.0, 0.3, 1.7])
    for constraint in (
        constraints.positive,
        constraints.unit_interval,
        constraints.interval(-1.0, 4.0),
        constraints.greater_than(3.0),
        constraints.less_than(-2.0),
        constraints.simplex,
        constraints.real,
    ):
        for registry in (D.transform_to, D.biject_to):
            assert constraint.check(registry(constraint)(x)).all()


REFUSED = {
    "a parameter": (lambda: D.Normal(0.0, -1.0), ValueError, "Expected parameter scale .* GreaterThan"),
    "no number": (lambda: D.Normal("a", 1.0), ValueError, "must all be instances of Number"),
    "both": (lambda: D.Bernoulli(0.5, 0.5), ValueError, "but not both"),
    "neither": (lambda: D.Categorical(), ValueError, "but not both"),
    "low above high": (lambda: D.Uniform(2.0, 1.0), ValueError, "not defined when low"),
    "a value": (lambda: D.Exponential(1.0).log_prob(torch.tensor(-1.0)), ValueError, "within the support"),
    "no tensor": (lambda: D.Exponential(1.0).log_prob(1.0), ValueError, "must be a Tensor"),
    "a shape": (
        lambda: D.Normal(torch.zeros(3), 1.0).log_prob(torch.zeros(2)),
        ValueError,
        "not broadcastable",
    ),
    "a class": (
        lambda: D.Categorical(torch.ones(3)).log_prob(torch.tensor(3)),
        ValueError,
        "IntegerInterval",
    ),
    "probabilities of no dimension": (
        lambda: D.Categorical(torch.tensor(1.0)),
        ValueError,
        "at least one-dim",
    ),
    "no gradient": (lambda: D.Poisson(1.0).rsample(), NotImplementedError, "rsample"),
    "no divergence": (
        lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0)),
        NotImplementedError,
        "No KL",
    ),
    "too many dimensions": (
        lambda: D.Independent(D.Normal(0.0, 1.0), 1),
        ValueError,
        "reinterpreted_batch_ndims",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


def test_checks_can_be_left_out():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    D.Distribution.set_default_validate_args(False)
    try:
        assert D.Exponential(1.0).log_prob(torch.tensor(-1.0)).item() == 1
    finally:
        D.Distribution.set_default_validate_args(True)


def test_the_nearest_registered_divergence_is_taken():
    class Bell(D.Normal):
        pass

    assert D.kl_divergence(Bell(0.0, 1.0), D.Normal(1.0, 1.0)).item() == pytest.approx(0.5)
    D.register_kl(Bell, D.Normal)(lambda p, q: p.loc + 7)
    assert D.kl_divergence(Bell(0.0, 1.0), D.Normal(1.0, 1.0)).item() == 7
    assert D.kl_divergence(D.Normal(0.0, 1.0), Bell(1.0, 1.0)).item() == pytest.approx(0.5)
