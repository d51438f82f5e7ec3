"""What the tests of all optimizers share: one small training that runs here and on PyTorch alike."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu
from tests.sharing import shared, team_of_three, three_threads

__all__ = ["shared", "team_of_three", "three_threads"]

SHAPES = [(3, 4), (5,), ()]


def start_values(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [np.array(rng.standard_normal(shape), dtype) for shape in SHAPES]


def set_gradients(torch, params, step):
    """Give every parameter the gradient of a noisy bowl; it depends on the parameter, so errors build up."""
    rng = np.random.default_rng(1000 + step)
    for index, param in enumerate(params):
        value = param.numpy(force=True)
        grad = (index + 1) * value + rng.standard_normal(value.shape)
        param.grad = torch.tensor(np.array(grad, value.dtype))


def train_with(torch, name, options, steps=50, dtype=np.float64):
    """Run an optimizer of ``torch`` (either library) for some steps; return it and its parameters."""
    params = [torch.tensor(value, requires_grad=True) for value in start_values(dtype)]
    optimizer = getattr(torch.optim, name)(params, **options)
    for step in range(steps):
        set_gradients(torch, params, step)
        optimizer.step()
    return optimizer, params


@pytest.fixture
def train():
    return train_with


@pytest.fixture
def gradients():
    return set_gradients


@pytest.fixture
def trajectory():
    """Return a function: the values of one parameter after each of some steps, and the gradients."""

    def run(name, options, steps=5):
        w = tinygrad_edu.tensor(start_values()[0], requires_grad=True)
        optimizer = getattr(tinygrad_edu.optim, name)([w], **options)
        values, grads = [w.numpy(force=True).copy()], []
        for step in range(steps):
            set_gradients(tinygrad_edu, [w], step)
            grads.append(w.grad.numpy(force=True).copy())
            optimizer.step()
            values.append(w.numpy(force=True).copy())
        return values, grads

    return run


def assert_close(actual, expected, rtol=1e-10, atol=1e-12):
    np.testing.assert_allclose(actual.numpy(force=True), expected.numpy(force=True), rtol=rtol, atol=atol)


@pytest.fixture
def check_parity():
    """Return a function: train here and in PyTorch, then compare parameters, state and options."""
    reference = pytest.importorskip("torch")

    def check(name, options):
        ours, params = train_with(tinygrad_edu, name, options)
        theirs, expected_params = train_with(reference, name, options)
        for param, expected in zip(params, expected_params, strict=True):
            assert_close(param, expected)
        state, expected_state = ours.state_dict(), theirs.state_dict()
        assert state["param_groups"] == expected_state["param_groups"]
        assert state["state"].keys() == expected_state["state"].keys()
        for number, values in expected_state["state"].items():
            assert list(state["state"][number]) == list(values)
            for key, value in values.items():
                assert str(state["state"][number][key].dtype) == str(value.dtype)
                assert_close(state["state"][number][key], value)
        assert repr(ours) == repr(theirs)

    return check


@pytest.fixture
def check_resume():
    """Return a function: save after 10 steps, load into a new optimizer, and go on as before."""

    def check(name, options):
        uninterrupted, expected = train_with(tinygrad_edu, name, options, steps=10)
        params = [param.detach().clone().requires_grad_() for param in expected]
        resumed = getattr(tinygrad_edu.optim, name)(params)  # all options come from the file
        resumed.load_state_dict(uninterrupted.state_dict())
        for step in range(10, 20):
            for optimizer, group in [(uninterrupted, expected), (resumed, params)]:
                set_gradients(tinygrad_edu, group, step)
                optimizer.step()
        for param, wanted in zip(params, expected, strict=True):
            np.testing.assert_array_equal(param.numpy(force=True), wanted.numpy(force=True))

    return check
