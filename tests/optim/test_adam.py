from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIONS = [
    dict(lr=0.05, weight_decay=w, amsgrad=a, maximize=x, decoupled_weight_decay=d, betas=betas)
    for w, a, x, d, betas in itertools.product(
        [0, 0.1], [False, True], [False, True], [False, True], [(0.9, 0.999), (0.0, 0.5)]
    )
]


def test_formula(trajectory):
    lr, beta1, beta2, eps, decay = 0.1, 0.8, 0.95, 1e-6, 0.01
    values, grads = trajectory("Adam", dict(lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=decay))
    theta, m, v = values[0], 0.0, 0.0
    for t, grad in enumerate(grads, start=1):
        g = grad + decay * theta
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
        np.testing.assert_allclose(values[t], theta, rtol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity("Adam", options)


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[-2]])
def test_resume(check_resume, options):
    check_resume("Adam", options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lr=-1), "Invalid learning rate: -1"),
        (dict(lr=float("nan")), "Invalid learning rate: nan"),
        (dict(eps=-1e-3), "Invalid epsilon value: -0.001"),
        (dict(betas=(1.0, 0.999)), "Invalid beta parameter at index 0: 1.0"),
        (dict(betas=(0.9, -0.1)), "Invalid beta parameter at index 1: -0.1"),
        (dict(betas=(0, 0.999)), "betas must be either both floats or both Tensors"),
        (dict(betas=(0.9, torch.tensor(0.999))), "betas must be either both floats or both Tensors"),
        (dict(betas=(torch.ones(2), torch.tensor(0.9))), "Tensor betas[0] must be 1-element"),
        (dict(weight_decay=-0.5), "Invalid weight_decay value: -0.5"),
        (dict(lr=torch.ones(2)), "Tensor lr must be 1-element"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        torch.optim.Adam([torch.zeros(2, requires_grad=True)], **options)


def test_tensors_as_options(train):
    """A Tensor in the place of a float gives the same steps."""
    _, expected = train(torch, "Adam", dict(lr=0.125, betas=(0.5, 0.75)), steps=3)
    options = dict(lr=torch.tensor(0.125), betas=(torch.tensor([0.5]), torch.tensor(0.75)))
    _, actual = train(torch, "Adam", options, steps=3)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(force=True), e.numpy(force=True))


def test_names_of_the_state(train):
    optimizer, params = train(torch, "Adam", dict(amsgrad=True), steps=3)
    state = optimizer.state[params[0]]
    assert list(state) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert state["step"].item() == 3
    assert state["step"].dtype == torch.float32
    assert state["step"].shape == ()


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop", "Adagrad"])
def test_what_is_not_finite(name):
    """NaN and infinity in the gradient do to the parameter what they do in PyTorch, and in the next step."""
    reference = pytest.importorskip("torch")
    results = []
    for library in (torch, reference):
        w = library.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
        optimizer = getattr(library.optim, name)([w], lr=0.1)
        for grad in ([float("nan"), float("inf"), -float("inf"), 1.0], [1.0, 1.0, 1.0, 1.0]):
            w.grad = library.tensor(grad)
            optimizer.step()
        results.append(w.numpy(force=True))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
