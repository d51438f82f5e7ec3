from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIONS = [
    dict(lr=0.05, momentum=m, dampening=d, weight_decay=w, nesterov=n, maximize=x)
    for m, d, w, n, x in itertools.product([0, 0.9], [0, 0.3], [0, 0.1], [False, True], [False, True])
    if not (n and (m == 0 or d != 0))
]


@pytest.mark.parametrize("nesterov", [False, True])
def test_formula(trajectory, nesterov):
    lr, mu, decay = 0.1, 0.9, 0.01
    values, grads = trajectory("SGD", dict(lr=lr, momentum=mu, weight_decay=decay, nesterov=nesterov))
    theta, b = values[0], None
    for step, grad in enumerate(grads, start=1):
        g = grad + decay * theta
        b = g if b is None else mu * b + g
        theta = theta - lr * (g + mu * b if nesterov else b)
        np.testing.assert_allclose(values[step], theta, rtol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity("SGD", options)


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[-1], dict(lr=0.1, momentum=0.9, dampening=0.5)])
def test_resume(check_resume, options):
    check_resume("SGD", options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lr=-1), "Invalid learning rate: -1"),
        (dict(momentum=-0.1), "Invalid momentum value: -0.1"),
        (dict(weight_decay=-0.5), "Invalid weight_decay value: -0.5"),
        (dict(nesterov=True), "Nesterov momentum requires a momentum and zero dampening"),
        (
            dict(nesterov=True, momentum=0.9, dampening=0.1),
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (dict(lr=torch.tensor([0.1, 0.2])), "Tensor lr must be 1-element"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        torch.optim.SGD([torch.zeros(2, requires_grad=True)], **options)


def test_without_momentum_nothing_is_remembered():
    w = torch.zeros(2, requires_grad=True)
    w.grad = torch.ones(2)
    optimizer = torch.optim.SGD([w], lr=0.1)
    optimizer.step()
    assert len(optimizer.state) == 0


def test_the_first_gradient_is_not_damped_and_the_buffer_is_its_own():
    w = torch.zeros(2, requires_grad=True)
    w.grad = torch.ones(2)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9, dampening=0.5)
    optimizer.step()
    buffer = optimizer.state[w]["momentum_buffer"]
    assert buffer.tolist() == [1, 1]
    w.grad.zero_()
    assert buffer.tolist() == [1, 1]


def test_a_file_with_an_empty_buffer():
    """PyTorch has written None for parameters that had no gradient yet."""
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0, momentum=0.9, dampening=0.5)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: {"momentum_buffer": None}}})
    w.grad = torch.ones(1)
    optimizer.step()
    assert w.item() == -1


def test_momentum_that_starts_later():
    """A schedule may switch momentum on: the first step with it starts the buffer."""
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    for momentum, expected in [(0, -1), (0.5, -2), (0.5, -3.5)]:
        optimizer.param_groups[0]["momentum"] = momentum
        w.grad = torch.ones(1)
        optimizer.step()
        assert w.item() == expected
