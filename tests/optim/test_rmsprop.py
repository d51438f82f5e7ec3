from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIONS = [
    dict(lr=0.01, alpha=0.9, weight_decay=w, momentum=m, centered=c, maximize=x)
    for w, m, c, x in itertools.product([0, 0.1], [0, 0.8], [False, True], [False, True])
]


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0, 0.7])
def test_formula(trajectory, centered, momentum):
    lr, alpha, eps = 0.1, 0.9, 1e-6
    options = dict(lr=lr, alpha=alpha, eps=eps, momentum=momentum, centered=centered)
    values, grads = trajectory("RMSprop", options)
    theta, v, mean, b = values[0], 0.0, 0.0, 0.0
    for step, g in enumerate(grads, start=1):
        v = alpha * v + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(v - mean**2 if centered else v) + eps)
        theta = theta - lr * b
        np.testing.assert_allclose(values[step], theta, rtol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity("RMSprop", options)


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[-1]])
def test_resume(check_resume, options):
    check_resume("RMSprop", options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lr=-1), "Invalid learning rate: -1"),
        (dict(eps=-1e-3), "Invalid epsilon value: -0.001"),
        (dict(momentum=-0.1), "Invalid momentum value: -0.1"),
        (dict(weight_decay=-0.5), "Invalid weight_decay value: -0.5"),
        (dict(alpha=-1), "Invalid alpha value: -1"),
        (dict(lr=torch.ones(2)), "Tensor lr must be 1-element"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        torch.optim.RMSprop([torch.zeros(2, requires_grad=True)], **options)


def test_names_of_the_state(train):
    optimizer, params = train(torch, "RMSprop", dict(momentum=0.9, centered=True), steps=2)
    assert list(optimizer.state[params[0]]) == ["step", "square_avg", "momentum_buffer", "grad_avg"]
