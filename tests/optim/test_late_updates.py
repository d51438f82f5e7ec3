"""While helpers update one parameter, the next one's turn begins; in the end nobody can tell."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu_kernels import team

pytestmark = pytest.mark.host("threads of the CPU")

OPTIMIZERS = {
    "SGD": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: torch.optim.Adam(params, lr=0.1),
    "AdamW": lambda params: torch.optim.AdamW(params, lr=0.1, amsgrad=True),
    "Adagrad": lambda params: torch.optim.Adagrad(params, lr=0.1),
    "RMSprop": lambda params: torch.optim.RMSprop(params, lr=0.1, momentum=0.9, centered=True),
}


def values(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def parameters():
    """Some of them, of several sizes and memory orders."""
    shapes = (30, 20), (20,), (), (7, 3), (0, 4)
    params = [values(*shape, seed=i) for i, shape in enumerate(shapes)]
    params.append(values(6, 8, seed=9).T)
    return [param.requires_grad_() for param in params]


def trained(make, params, steps=3):
    """Return the parameters and the state after some steps."""
    optimizer = make(params)
    for step in range(steps):
        for i, param in enumerate(params):
            param.grad = values(*param.shape, seed=100 * step + i)
        optimizer.step()
    states = [value for param in params for value in optimizer.state[param].values()]
    return [tensor.detach().numpy().copy() for tensor in [*params, *states]]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_of_it_is_the_same(name, request):
    expected = trained(OPTIMIZERS[name], parameters())
    late = request.getfixturevalue("late_team")
    actual = trained(OPTIMIZERS[name], parameters())
    assert len(late) > 9
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


def views():
    whole = values(30, 20)
    return [whole.detach().requires_grad_(), whole.detach()[2:4].requires_grad_(), whole[0].requires_grad_()]


def foreign_memory():
    memory = bytearray(values(30, 20).numpy().tobytes())
    arrays = np.frombuffer(memory, np.float32), np.frombuffer(memory, np.float32, count=40)
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


@pytest.mark.parametrize("make_params", [views, foreign_memory])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_that_share_memory(name, make_params, request, monkeypatch):
    """The large one is late, the others are not."""
    expected = trained(OPTIMIZERS[name], make_params())
    late = request.getfixturevalue("late_team")
    monkeypatch.setattr(team, "WORTHWHILE_LATE", 50)
    for a, e in zip(trained(OPTIMIZERS[name], make_params()), expected, strict=True):
        np.testing.assert_array_equal(a, e)
    assert len(late) == 3


class Clamped(torch.optim.SGD):
    """An optimizer of the user's own, which looks at the parameter after the update."""

    def update_parameter(self, param, grad, group):
        super().update_parameter(param, grad, group)
        with torch.no_grad():
            param.clamp_(-0.5, 0.5)


class Wrapped(torch.optim.SGD):
    """The same, with what ``functools.wraps`` takes over from the function."""

    @functools.wraps(torch.optim.SGD.update_parameter)
    def update_parameter(self, param, grad, group):
        super().update_parameter(param, grad, group)
        with torch.no_grad():
            param.clamp_(-0.5, 0.5)


@pytest.mark.parametrize("kind", [Clamped, Wrapped])
def test_a_subclass_finds_the_parameter_updated(kind, request):
    def make(params):
        return kind(params, lr=1.0, momentum=0.9)

    expected = trained(make, parameters())
    late = request.getfixturevalue("late_team")
    for a, e in zip(trained(make, parameters()), expected, strict=True):
        np.testing.assert_array_equal(a, e)
    assert late == []


def test_a_gradient_that_is_another_parameter(request, monkeypatch):
    def step():
        first, second = values(30, 20).requires_grad_(), values(5, seed=1).requires_grad_()
        first.grad, second.grad = torch.ones(30, 20), first.detach()[3, 4:9]
        torch.optim.SGD([first, second], lr=1.0).step()
        return second.detach().numpy()

    expected = step()
    request.getfixturevalue("late_team")
    monkeypatch.setattr(team, "WORTHWHILE_LATE", 50)
    np.testing.assert_array_equal(step(), expected)


def test_an_exception_leaves_the_parameters_before_it_updated(late_team):
    first, second = values(30, 20).requires_grad_(), values(3).requires_grad_()
    before = first.detach().numpy().copy()
    first.grad, second.grad = torch.ones(30, 20), torch.ones(3)
    optimizer = torch.optim.SGD([first, second], lr=1.0, momentum=0.9)
    optimizer.state[second]["momentum_buffer"] = torch.ones(4)
    with pytest.raises(ValueError, match="expected gradient and state of the parameter's shape"):
        optimizer.step()
    np.testing.assert_array_equal(first.detach().numpy(), before - 1)
    assert late_team == ["optimizer_step"]


def test_nothing_is_late_while_a_profiler_records(late_team):
    param = values(30, 20).requires_grad_()
    param.grad = torch.ones(30, 20)
    optimizer = torch.optim.SGD([param], lr=1.0)
    with torch.profiler.profile():
        optimizer.step()
    assert late_team == []
    optimizer.step()
    assert late_team == ["optimizer_step"]
