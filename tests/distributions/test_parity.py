"""Distributions against PyTorch's: densities, moments, divergences, and all their gradients, in float64."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu
from tests.device import to_numpy
from tests.distributions.cases import CASES, make, value_of

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch_parity]

QUANTITIES = ["log_prob", "cdf", "icdf", "entropy", "perplexity", "mean", "mode", "variance", "stddev"]
RTOL = 1e-10

# What is computed better here, and how far PyTorch is off.
LOOSE = {"VonMises": 1e-6, "ContinuousBernoulli": 1e-8}
# The derivative of digamma has nine digits in PyTorch.
DIGAMMA = {"Gamma", "Chi2", "Beta", "Dirichlet", "StudentT", "Kumaraswamy", "InverseGamma", "Wishart"}
# PyTorch shows no parameters of what it composes of another distribution.
SHOWS_MORE = {"HalfNormal", "HalfCauchy", "Beta"}


def quantity(library, case, name):
    """Return one quantity of a distribution, and the gradients of its sum; the error if there is one."""
    distribution, leaves = make(library, case)
    try:
        if name in ("log_prob", "cdf"):
            result = getattr(distribution, name)(value_of(library, case))
        elif name == "icdf":
            result = distribution.icdf(library.tensor([0.1, 0.5, 0.8], dtype=library.float64))
        elif name in ("entropy", "perplexity"):
            result = getattr(distribution, name)()
        else:
            result = getattr(distribution, name)
    except NotImplementedError as error:
        return error, []
    except RuntimeError as error:  # PyTorch compares a float64 with a float32 there, and may not
        assert (library, case.name, name in ("log_prob", "cdf")) == (torch, "GeneralizedPareto", True)
        return NotImplementedError(error), []
    if result.requires_grad:
        try:
            (result * 1.7).sum().backward()
        except NotImplementedError:  # the incomplete gamma function
            return result, ["no derivative"]
    return result, [x.grad for x in leaves]


def as_array(x):
    return to_numpy(x) if isinstance(x, tinygrad_edu.Tensor) else x.detach().numpy()


def check(found, expected, rtol=RTOL):
    found, expected = as_array(found), as_array(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
def test_quantities(case, name):
    expected, their_grads = quantity(torch, case, name)
    if isinstance(expected, NotImplementedError):
        return  # more than PyTorch has is no harm
    found, grads = quantity(tinygrad_edu, case, name)
    rtol = LOOSE.get(case.name, RTOL)
    if case.name == "Multinomial" and name in ("entropy", "perplexity"):
        rtol = 1e-7  # PyTorch adds a number of float32
    check(found, expected, rtol)
    if case.name in DIGAMMA and name in ("entropy", "perplexity"):
        rtol = 5e-9
    for mine, theirs in zip(grads, their_grads, strict=True):
        if isinstance(theirs, str):
            assert mine == theirs
        elif theirs is not None and name != "mode":
            if (
                case.label == "Wishart-df-scale_tril" and mine.ndim == 2
            ):  # what is above the diagonal does not count
                mine, theirs = tinygrad_edu.tril(mine), torch.tril(theirs)
            check(mine, theirs, rtol)


@pytest.mark.filterwarnings("ignore:Singular sample detected")  # so says PyTorch if it is not
@pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
def test_shapes_and_names(case):
    ours, theirs = make(tinygrad_edu, case)[0], make(torch, case)[0]
    wide = (4, *theirs.batch_shape)
    for a, b in ((ours, theirs), (ours.expand(wide), theirs.expand(wide))):
        assert tuple(a.batch_shape) == tuple(b.batch_shape)
        assert tuple(a.event_shape) == tuple(b.event_shape)
        assert tuple(a.sample((2, 3)).shape) == tuple(b.sample((2, 3)).shape)
        assert repr(a.sample().dtype) == repr(b.sample().dtype)
        assert (a.has_rsample, a.has_enumerate_support) == (b.has_rsample, b.has_enumerate_support)
        assert not a.sample().requires_grad
        if b.has_rsample:
            assert a.rsample().requires_grad
        if b.has_enumerate_support:
            check(a.enumerate_support(), b.enumerate_support())
            check(a.enumerate_support(False), b.enumerate_support(False))
        if case.name != "GeneralizedPareto":
            expected = b.log_prob(value_of(torch, case))
            check(a.log_prob(value_of(tinygrad_edu, case)), expected, LOOSE.get(case.name, RTOL))
    if case.name not in SHOWS_MORE:
        assert repr(make(tinygrad_edu, case)[0]) == repr(make(torch, case)[0])


def divergence(library, p, q):
    (p, leaves), (q, more) = make(library, p), make(library, q)
    result = library.distributions.kl_divergence(p, q)
    if result.requires_grad:
        (result * 1.7).sum().backward()
    return result, [x.grad for x in leaves + more]


PAIRS = [(p, q) for p in CASES for q in CASES]


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=[f"{p.label}-{q.label}" for p, q in PAIRS])
def test_divergences(p, q):
    try:
        expected, their_grads = divergence(torch, p, q)
    except (NotImplementedError, RuntimeError):
        return
    if p.name in ("Kumaraswamy", "Wishart"):  # PyTorch has it for two equal ones only; it is not 0 for these
        return
    found, grads = divergence(tinygrad_edu, p, q)
    if np.isinf(as_array(expected)).all():  # PyTorch does not broadcast these
        assert np.isinf(as_array(found)).all()
        return
    rtol = 1e-8 if "ContinuousBernoulli" in (p.name, q.name) else 5e-9 if p.name in DIGAMMA else RTOL
    check(found, expected, rtol)
    if np.isfinite(as_array(expected)).all():
        for mine, theirs in zip(grads, their_grads, strict=True):
            if theirs is not None:
                check(mine, theirs, rtol)
