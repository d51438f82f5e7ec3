"""The optimizers that are written with operations of Tensors: as PyTorch's, from start and from a file, and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch

BOTH = [False, True]
OPTIONS = {
    "Adadelta": [
        dict(lr=0.5, rho=0.8, eps=1e-4, weight_decay=w, maximize=m)
        for w, m in itertools.product([0, 0.1], BOTH)
    ],
    "Adamax": [
        dict(lr=0.01, betas=(0.8, 0.9), eps=1e-4, weight_decay=w, maximize=m)
        for w, m in itertools.product([0, 0.1], BOTH)
    ],
    "NAdam": [
        dict(
            lr=0.01,
            betas=(0.8, 0.9),
            weight_decay=w,
            momentum_decay=0.01,
            decoupled_weight_decay=d,
            maximize=m,
        )
        for w, d, m in itertools.product([0, 0.1], BOTH, BOTH)
    ],
    "RAdam": [
        dict(lr=0.01, betas=(0.8, b), weight_decay=w, decoupled_weight_decay=d, maximize=m)
        for b, w, d, m in itertools.product([0.9, 0.999], [0, 0.1], BOTH, BOTH)
    ],
    "Rprop": [dict(lr=0.02, etas=(0.4, 1.3), step_sizes=(1e-3, 0.1), maximize=m) for m in BOTH],
    "ASGD": [
        dict(lr=0.02, lambd=0.01, alpha=0.6, t0=20, weight_decay=w, maximize=m)
        for w, m in itertools.product([0, 0.1], BOTH)
    ],
    "Adafactor": [
        dict(lr=0.05, beta2_decay=-0.7, eps=(e, 0.01), d=1.5, weight_decay=w, maximize=m)
        for e, w, m in itertools.product([None, 0.1], [0, 0.1], BOTH)
    ],
}
CASES = [(name, options) for name, table in OPTIONS.items() for options in table]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "options"), CASES)
def test_parity(check_parity, name, options):
    check_parity(name, options)


@pytest.mark.parametrize("name", OPTIONS)
def test_resume(check_resume, name):
    check_resume(name, OPTIONS[name][-1])


@pytest.mark.parametrize("name", OPTIONS)
def test_maximize_walks_the_other_way(train, name):
    for sign in (1, -1):
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        w.grad = torch.tensor([0.5, 0.25])
        getattr(torch.optim, name)([w], lr=0.1, maximize=sign < 0).step()
        assert (sign * (w.detach() - torch.tensor([1.0, -2.0])) < 0).all()


WRONG = [
    ("Adadelta", dict(lr=-1), "Invalid learning rate: -1"),
    ("Adadelta", dict(rho=1.1), "Invalid rho value: 1.1"),
    ("Adadelta", dict(eps=-1), "Invalid epsilon value: -1"),
    ("Adamax", dict(betas=(0.9, 1.0)), "Invalid beta parameter at index 1: 1.0"),
    ("NAdam", dict(momentum_decay=-0.2), "Invalid momentum_decay value: -0.2"),
    ("RAdam", dict(weight_decay=-1), "Invalid weight_decay value: -1"),
    ("Rprop", dict(etas=(1.0, 0.5)), "Invalid eta values: 1.0, 0.5"),
    ("ASGD", dict(weight_decay=-0.5), "Invalid weight_decay value: -0.5"),
    ("Adafactor", dict(d=0.0), "Clipping threshold d should be >= 1 but is: 0.0"),
    ("Adafactor", dict(beta2_decay=0.8), "beta2_decay should be <= 0 but is: 0.8"),
    ("LBFGS", dict(lr=-1), "Invalid learning rate: -1"),
]


@pytest.mark.parametrize(("name", "options", "message"), WRONG)
def test_wrong_options(name, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(torch.optim, name)([torch.zeros(2, requires_grad=True)], **options)


@pytest.mark.parametrize("option", ["capturable", "differentiable"])
def test_what_does_not_exist_here(option):
    with pytest.raises(NotImplementedError, match=f"NAdam: expected {option}=False"):
        torch.optim.NAdam([torch.zeros(2, requires_grad=True)], **{option: True})


def test_radam_is_momentum_until_it_has_seen_enough(trajectory):
    values, grads = trajectory("RAdam", dict(lr=0.1), steps=5)
    mean = np.zeros_like(values[0])
    for step, g in enumerate(grads, start=1):
        mean = 0.9 * mean + 0.1 * g
        np.testing.assert_allclose(values[step], values[step - 1] - 0.1 * mean / (1 - 0.9**step))


def test_asgd_keeps_the_mean_of_where_it_was(train):
    optimizer, params = train(torch, "ASGD", dict(lr=0.01, t0=0), steps=8)
    assert optimizer.state[params[0]]["ax"].shape == params[0].shape
    np.testing.assert_allclose(optimizer.state[params[0]]["mu"].item(), 1 / 8)
