from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIONS = [
    dict(lr=0.1, lr_decay=d, weight_decay=w, initial_accumulator_value=i, maximize=x)
    for d, w, i, x in itertools.product([0, 0.2], [0, 0.1], [0, 0.5], [False, True])
]


def test_formula(trajectory):
    lr, lr_decay, start, eps = 0.1, 0.5, 0.25, 1e-6
    options = dict(lr=lr, lr_decay=lr_decay, initial_accumulator_value=start, eps=eps)
    values, grads = trajectory("Adagrad", options)
    theta, s = values[0], start
    for t, g in enumerate(grads, start=1):
        s = s + g**2
        theta = theta - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps)
        np.testing.assert_allclose(values[t], theta, rtol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity("Adagrad", options)


def test_resume(check_resume):
    check_resume("Adagrad", OPTIONS[-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lr=-1), "Invalid learning rate: -1"),
        (dict(lr_decay=-1), "Invalid lr_decay value: -1"),
        (dict(weight_decay=-0.5), "Invalid weight_decay value: -0.5"),
        (dict(initial_accumulator_value=-2), "Invalid initial_accumulator_value value: -2"),
        (dict(eps=-1e-3), "Invalid epsilon value: -0.001"),
        (dict(lr=torch.ones(2)), "Tensor lr must be 1-element"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        torch.optim.Adagrad([torch.zeros(2, requires_grad=True)], **options)


def test_the_sum_is_there_from_the_beginning():
    w, later = torch.zeros(2, requires_grad=True), torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adagrad([w], initial_accumulator_value=0.5)
    assert list(optimizer.state[w]) == ["step", "sum"]
    assert optimizer.state[w]["sum"].tolist() == [0.5, 0.5]
    optimizer.add_param_group({"params": [later]})
    later.grad = torch.ones(3)
    optimizer.step()
    assert optimizer.state[later]["sum"].tolist() == [1.5, 1.5, 1.5]
