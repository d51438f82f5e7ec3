"""Complex parameters take the steps that they take in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy

START = [1 + 2j, 3 - 1j, -0.5 + 0.25j]
OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"lr": 0.1},
    "AdamW": {"lr": 0.1},
    "RMSprop": {"lr": 0.1, "momentum": 0.5},
    "Adagrad": {"lr": 0.1},
    "Adadelta": {"lr": 1.0},
    "Adamax": {"lr": 0.1},
    "NAdam": {"lr": 0.1},
    "RAdam": {"lr": 0.1},
    "Rprop": {"lr": 0.1},
    "ASGD": {"lr": 0.1},
}


def steps(engine, name):
    """Return the parameter after four steps, and what the optimizer remembers of it."""
    z = engine.tensor(START, dtype=engine.complex128, requires_grad=True)
    optimizer = getattr(engine.optim, name)([z], **OPTIMIZERS[name])
    for _ in range(4):
        optimizer.zero_grad()
        (z * z - 1j).abs().sum().backward()
        optimizer.step()
    return z, optimizer.state_dict()["state"][0]


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_and_state_are_those_of_pytorch(name):
    pytorch = pytest.importorskip("torch")
    (found, ours), (expected, theirs) = steps(torch, name), steps(pytorch, name)
    np.testing.assert_allclose(to_numpy(found), expected.detach().numpy(), 1e-10)
    for key, value in theirs.items():
        if isinstance(value, pytorch.Tensor) and value.is_complex():
            np.testing.assert_allclose(to_numpy(ours[key]), value.numpy(), 1e-10, 1e-14, err_msg=key)


def test_the_parameter_goes_downhill():
    z = torch.tensor([3 + 4j], requires_grad=True)
    optimizer = torch.optim.SGD([z], lr=0.25)
    z.abs().square().sum().backward()
    optimizer.step()  # z - 0.25 * 2 z
    assert z.tolist() == [1.5 + 2j]


@pytest.mark.torch_parity
def test_lbfgs_finds_what_pytorch_finds():
    pytorch = pytest.importorskip("torch")
    found = []
    for engine in (torch, pytorch):
        z = engine.tensor(START, dtype=engine.complex128, requires_grad=True)
        optimizer = engine.optim.LBFGS([z], max_iter=5, line_search_fn="strong_wolfe")
        optimizer.step(lambda z=z, optimizer=optimizer: loss_of(z, optimizer))
        found.append(to_numpy(z) if engine is torch else z.detach().numpy())
    np.testing.assert_allclose(*found, 1e-8)


def loss_of(z, optimizer):
    optimizer.zero_grad()
    loss = (z * z - 1j).abs().square().sum()
    loss.backward()
    return loss
