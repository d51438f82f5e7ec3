from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIONS = [
    dict(lr=0.05, weight_decay=w, amsgrad=a, maximize=x)
    for w, a, x in itertools.product([0, 0.1], [False, True], [False, True])
]


def test_formula(trajectory):
    lr, beta1, beta2, eps, decay = 0.1, 0.8, 0.95, 1e-6, 0.3
    values, grads = trajectory("AdamW", dict(lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=decay))
    theta, m, v = values[0], 0.0, 0.0
    for t, g in enumerate(grads, start=1):
        theta = theta - lr * decay * theta
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        theta = theta - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        np.testing.assert_allclose(values[t], theta, rtol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity("AdamW", options)


def test_resume(check_resume):
    check_resume("AdamW", OPTIONS[-1])


def test_the_decay_stays_decoupled_when_the_state_of_adam_is_loaded():
    w = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.AdamW([w])
    optimizer.load_state_dict(torch.optim.Adam([w]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


def test_wrong_options():
    with pytest.raises(ValueError, match=r"^Invalid learning rate: -1$"):
        torch.optim.AdamW([torch.zeros(2, requires_grad=True)], lr=-1)
