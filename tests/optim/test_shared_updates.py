"""A step of an optimizer is the same however many threads share it."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch

pytestmark = pytest.mark.host("threads of the CPU")

both_ways = pytest.mark.parametrize("threads", ["three_threads", "team_of_three"])

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


@both_ways
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_of_it_is_the_same(name, threads, request):
    expected = trained(OPTIMIZERS[name], parameters())
    request.getfixturevalue(threads)
    for a, e in zip(trained(OPTIMIZERS[name], parameters()), expected, strict=True):
        np.testing.assert_array_equal(a, e)


def views():
    whole = values(30, 20)
    return [whole.detach().requires_grad_(), whole.detach()[2:4].requires_grad_(), whole[0].requires_grad_()]


def foreign_memory():
    memory = bytearray(values(30, 20).numpy().tobytes())
    arrays = np.frombuffer(memory, np.float32), np.frombuffer(memory, np.float32, count=40)
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


@both_ways
@pytest.mark.parametrize("make_params", [views, foreign_memory])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_that_share_memory(name, make_params, threads, request):
    expected = trained(OPTIMIZERS[name], make_params())
    request.getfixturevalue(threads)
    for a, e in zip(trained(OPTIMIZERS[name], make_params()), expected, strict=True):
        np.testing.assert_array_equal(a, e)


class Clamped(torch.optim.SGD):
    """An optimizer of the user's own, which looks at the parameter after the update."""

    def update_parameter(self, param, grad, group):
        super().update_parameter(param, grad, group)
        with torch.no_grad():
            param.clamp_(-0.5, 0.5)


@both_ways
def test_a_subclass_finds_the_parameter_updated(threads, request):
    def make(params):
        return Clamped(params, lr=1.0, momentum=0.9)

    expected = trained(make, parameters())
    request.getfixturevalue(threads)
    for a, e in zip(trained(make, parameters()), expected, strict=True):
        np.testing.assert_array_equal(a, e)


@both_ways
def test_a_gradient_that_is_another_parameter(threads, request):
    def step():
        first, second = values(30, 20).requires_grad_(), values(5, seed=1).requires_grad_()
        first.grad, second.grad = torch.ones(30, 20), first.detach()[3, 4:9]
        torch.optim.SGD([first, second], lr=1.0).step()
        return second.detach().numpy()

    expected = step()
    request.getfixturevalue(threads)
    np.testing.assert_array_equal(step(), expected)


def test_an_exception_leaves_the_parameters_before_it_updated(shared):
    first, second = values(30, 20).requires_grad_(), values(3).requires_grad_()
    before = first.detach().numpy().copy()
    first.grad, second.grad = torch.ones(30, 20), torch.ones(3)
    optimizer = torch.optim.SGD([first, second], lr=1.0, momentum=0.9)
    optimizer.state[second]["momentum_buffer"] = torch.ones(4)
    with pytest.raises(ValueError, match="expected gradient and state of the parameter's shape"):
        optimizer.step()
    np.testing.assert_array_equal(first.detach().numpy(), before - 1)
