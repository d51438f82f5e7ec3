"""Distributions of matrices and of parts: what is drawn, divergences, transforms with their volumes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu import distributions as D
from tinygrad_edu.distributions import constraints, transforms

V = np.array([[2.0, 0.3, -0.4], [0.3, 1.1, 0.2], [-0.4, 0.2, 0.9]])
W = np.array([[1.0, 0.2, 0.0], [0.2, 2.0, -0.5], [0.0, -0.5, 1.5]])


def wishart(df, matrix=V):
    return D.Wishart(torch.tensor(df, dtype=torch.float64), covariance_matrix=torch.tensor(matrix))


def test_wishart_is_that_of_scipy():
    ours, theirs = wishart(4.5), scipy.stats.wishart(4.5, V)
    assert ours.log_prob(torch.tensor(W)).item() == pytest.approx(theirs.logpdf(W))
    assert ours.entropy().item() == pytest.approx(theirs.entropy())
    np.testing.assert_allclose(to_numpy(ours.mean), theirs.mean())
    np.testing.assert_allclose(to_numpy(ours.variance), theirs.var())
    torch.manual_seed(0)
    draws = to_numpy(ours.sample((4000,)))
    np.testing.assert_allclose(draws.mean(0), theirs.mean(), atol=4 * np.sqrt(theirs.var().max() / 4000))
    np.testing.assert_allclose(draws.var(0), theirs.var(), rtol=0.15)


def test_divergence_of_two_wishart_distributions():
    p, q = wishart(4.5), wishart(7.0, W)
    assert D.kl_divergence(p, p).item() == pytest.approx(0, abs=1e-12)
    torch.manual_seed(0)
    draws = p.sample((4000,))
    differences = to_numpy(p.log_prob(draws) - q.log_prob(draws))
    error = differences.std() / np.sqrt(4000)
    assert abs(D.kl_divergence(p, q).item() - differences.mean()) < 4 * error


def test_few_degrees_of_freedom():
    with pytest.warns(UserWarning, match="Low df values"):
        wishart(2.5)
    with pytest.raises(ValueError, match="greater than ndim - 1 = 2"):
        wishart(2.0)


@pytest.mark.parametrize(("size", "concentration"), [(2, 0.7), (4, 1.0), (4, 3.0)])
def test_correlations_are_of_the_distribution(size, concentration):
    """Each correlation is that of a Beta distribution with both parameters concentration + size / 2 - 1."""
    torch.manual_seed(1)
    lower = D.LKJCholesky(size, concentration).sample((2000,)).double()
    assert (lower @ lower.mT).diagonal(0, -2, -1).sub(1).abs().max() < 1e-6
    correlations = to_numpy((lower @ lower.mT)[:, -1, 0])
    shape = concentration + size / 2 - 1
    assert scipy.stats.kstest((correlations + 1) / 2, scipy.stats.beta(shape, shape).cdf).pvalue > 1e-3


def test_the_density_of_correlations_adds_up_to_one():
    """Of matrices of size 2 there is one number, the correlation r = L_10; L_11 dr = (1 - r^2)^(1/2) dr."""
    r = np.linspace(-1, 1, 20001)[1:-1]
    lower = np.zeros((len(r), 2, 2))
    lower[:, 0, 0], lower[:, 1, 0], lower[:, 1, 1] = 1, r, np.sqrt(1 - r**2)
    density = np.exp(to_numpy(D.LKJCholesky(2, 2.0).log_prob(torch.tensor(lower))))
    assert np.trapezoid(density, r) == pytest.approx(1, abs=1e-4)


def test_few_columns_are_the_whole_covariance():
    rng = np.random.default_rng(0)
    loc, factor, diagonal = (
        torch.tensor(x) for x in (rng.normal(size=5), rng.normal(size=(5, 2)), rng.uniform(1, 2, 5))
    )
    low, whole = D.LowRankMultivariateNormal(loc, factor, diagonal), None
    whole = D.MultivariateNormal(loc, low.covariance_matrix)
    x = torch.tensor(rng.normal(size=(3, 5)))
    for a, b in [
        (low.log_prob(x), whole.log_prob(x)),
        (low.entropy(), whole.entropy()),
        (low.precision_matrix, whole.precision_matrix),
        (low.scale_tril, whole.scale_tril),
        (low.variance, whole.variance),
        (D.kl_divergence(low, whole), torch.zeros((), dtype=torch.float64)),
    ]:
        np.testing.assert_allclose(to_numpy(a), to_numpy(b), rtol=1e-9, atol=1e-12)
    torch.manual_seed(0)
    draws = to_numpy(low.sample((20000,)))
    np.testing.assert_allclose(np.cov(draws.T), to_numpy(low.covariance_matrix), atol=0.2)


# ---- transforms ------------------------------------------------------------------------------------------

Normal = D.Normal(torch.tensor(0.5, dtype=torch.float64), 2.0)
TRANSFORMS = {
    "correlations": (transforms.CorrCholeskyTransform(), (6,), (4, 4)),
    "correlations of two": (transforms.CorrCholeskyTransform(), (2, 1), (2, 2, 2)),
    "shape": (transforms.ReshapeTransform((2, 3), (6,)), (4, 2, 3), (4, 6)),
    "cdf": (transforms.CumulativeDistributionTransform(Normal), (3,), (3,)),
    "pieces": (
        transforms.CatTransform([transforms.ExpTransform(), transforms.TanhTransform()], lengths=[1, 2]), (3,), (3,)
    ),
    "pieces of events": (
        transforms.CatTransform(
            [transforms.AffineTransform(1.0, 2.0, event_dim=1), transforms.ExpTransform()], -1, [2, 3]
        ),
        (4, 5), (4, 5),
    ),
    "slices": (
        transforms.StackTransform([transforms.ExpTransform(), transforms.TanhTransform()], dim=1), (3, 2), (3, 2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_there_and_back(name):
    transform, shape, expected = TRANSFORMS[name]
    x = torch.tensor(np.random.default_rng(0).normal(size=shape))
    y = transform(x)
    assert tuple(y.shape) == expected
    assert name == "pieces of events" or transform.codomain.check(y).all()  # these have different dimensions
    np.testing.assert_allclose(to_numpy(transform.inv(y)), to_numpy(x), rtol=1e-8)
    assert tuple(transform.forward_shape(shape)) == expected
    assert tuple(transform.inverse_shape(expected)) == shape


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
@pytest.mark.parametrize("name", TRANSFORMS)
def test_volumes_are_those_of_pytorch(name):
    pytorch = pytest.importorskip("torch")
    T = pytorch.distributions.transforms
    theirs = {
        "correlations": T.CorrCholeskyTransform(),
        "correlations of two": T.CorrCholeskyTransform(),
        "shape": T.ReshapeTransform((2, 3), (6,)),
        "cdf": T.CumulativeDistributionTransform(
            pytorch.distributions.Normal(pytorch.tensor(0.5, dtype=pytorch.float64), 2.0)
        ),
        "pieces": T.CatTransform([T.ExpTransform(), T.TanhTransform()], lengths=[1, 2]),
        "pieces of events": T.CatTransform(
            [T.AffineTransform(1.0, 2.0, event_dim=1), T.ExpTransform()], -1, [2, 3]
        ),
        "slices": T.StackTransform([T.ExpTransform(), T.TanhTransform()], dim=1),
    }[name]
    transform, shape, _ = TRANSFORMS[name]
    x = np.random.default_rng(0).normal(size=shape)
    mine, other = torch.tensor(x), pytorch.tensor(x)
    y, z = transform(mine), theirs(other)
    np.testing.assert_allclose(to_numpy(y), z.numpy(), rtol=1e-10)
    found, expected = transform.log_abs_det_jacobian(mine, y), theirs.log_abs_det_jacobian(other, z)
    assert tuple(found.shape) == tuple(expected.shape)
    np.testing.assert_allclose(to_numpy(found), expected.numpy(), rtol=1e-9)


def test_positive_definite():
    x = torch.tensor(np.random.default_rng(0).normal(size=(2, 3, 3)))
    y = transforms.PositiveDefiniteTransform()(x)
    assert constraints.positive_definite.check(y).tolist() == [True, True]
    np.testing.assert_allclose(
        to_numpy(transforms.PositiveDefiniteTransform().inv(y)), to_numpy(torch.tril(x)), rtol=1e-9
    )


def test_into_regions_of_parts():
    x = torch.tensor([0.3, -2.0, 1.0])
    both = constraints.cat([constraints.positive, constraints.unit_interval], 0, [1, 2])
    sides = constraints.stack([constraints.positive, constraints.real, constraints.less_than(-1.0)])
    for registry in (D.biject_to, D.transform_to):
        assert both.check(registry(both)(x)).tolist() == [True] * 3
        assert sides.check(registry(sides)(x)).tolist() == [True] * 3
        lower = registry(constraints.corr_cholesky)(x)
        assert constraints.corr_cholesky.check(lower)
    assert constraints.positive_definite.check(
        D.transform_to(constraints.positive_definite)(torch.randn(3, 3))
    )


def test_what_is_not_in_a_region():
    matrix = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    assert constraints.symmetric.check(matrix)
    assert not constraints.positive_semidefinite.check(matrix)
    assert constraints.positive_semidefinite.check(torch.ones(2, 2) + 1e-3 * torch.eye(2))
    assert not constraints.symmetric.check(torch.ones(2, 3))
    assert constraints.square.check(torch.ones(5, 2, 3)).tolist() == [False] * 5
    assert not constraints.corr_cholesky.check(torch.eye(2) * 2)
    both = constraints.cat([constraints.positive, constraints.unit_interval], 0, [1, 2])
    assert both.check(torch.tensor([-1.0, 0.5, 2.0])).tolist() == [False, True, False]


REFUSED = {
    "size": (lambda: D.LKJCholesky(1), ValueError, "greater than or equal to 2"),
    "two matrices": (lambda: D.Wishart(3.0, torch.eye(2), torch.eye(2)), AssertionError, "Exactly one"),
    "a vector": (lambda: D.Wishart(3.0, torch.ones(2)), ValueError, "at least two-dimensional"),
    "columns": (
        lambda: D.LowRankMultivariateNormal(torch.ones(3), torch.ones(2, 1), torch.ones(3)), ValueError, "3 x m"
    ),
    "batches": (
        lambda: D.LowRankMultivariateNormal(torch.ones(2, 3), torch.ones(4, 3, 1), torch.ones(3)), ValueError,
        "Incompatible batch shapes",
    ),
    "triangle": (lambda: transforms.CorrCholeskyTransform()(torch.ones(4)), ValueError, "lower-diagonal number"),
    "numbers": (lambda: transforms.ReshapeTransform((2, 3), (5,)), ValueError, "different numbers of elements"),
    "lengths": (
        lambda: transforms.CatTransform([transforms.ExpTransform()], lengths=[1, 2]), AssertionError, "a length for"
    ),
    "length": (
        lambda: transforms.CatTransform([transforms.ExpTransform()], lengths=[2])(torch.ones(3)), AssertionError,
        "expected size 2 in dimension 0, got 3",
    ),
    "no transform": (lambda: transforms.StackTransform([torch.exp]), AssertionError, "all of tseq to be Transforms"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


def test_a_covariance_has_the_graph_of_its_factor():
    factor = torch.eye(2, requires_grad=True)
    with torch.no_grad():
        normal = torch.distributions.MultivariateNormal(torch.zeros(2), scale_tril=factor)
    normal.covariance_matrix.sum().backward()
    assert factor.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
