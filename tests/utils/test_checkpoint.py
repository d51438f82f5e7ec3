"""Parts that are computed again in the backward pass: the same numbers, and nothing kept."""

from __future__ import annotations

import gc
import warnings
import weakref

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.utils.checkpoint import checkpoint, checkpoint_sequential

pytestmark = pytest.mark.filterwarnings("error")


def network():
    torch.manual_seed(0)
    layers = [nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 2)]
    return nn.Sequential(*layers)


def gradients(model, run, needs_grad):
    """Return the output and all gradients of a call."""
    x = torch.linspace(-1, 1, 15).view(5, 3).requires_grad_(needs_grad)
    model.zero_grad()
    torch.manual_seed(1)
    y = run(model, x)
    (y**2).sum().backward()
    after = torch.rand(1).item()
    return [y.tolist(), after, *[p.grad.tolist() for p in model.parameters()], needs_grad and x.grad.tolist()]


RUNS = [
    lambda model, x: checkpoint(model, x, use_reentrant=False),
    lambda model, x: checkpoint(model, x, use_reentrant=True),
    lambda model, x: checkpoint(lambda x, factor: model(x) * factor, x, 1.0, use_reentrant=False),
    lambda model, x: checkpoint(lambda factor, x: model(x) * factor, 1.0, x=x, use_reentrant=False),
    lambda model, x: checkpoint(lambda x: (None, model(x)), x, use_reentrant=False)[1],
    lambda model, x: checkpoint(
        model[3:], checkpoint(model[:3], x, use_reentrant=False), use_reentrant=False
    ),
    lambda model, x: checkpoint(lambda x: checkpoint(model, x, use_reentrant=False), x, use_reentrant=False),
    lambda model, x: checkpoint_sequential(model, 1, x, use_reentrant=False),
    lambda model, x: checkpoint_sequential(model, 2, x, use_reentrant=False),
    lambda model, x: checkpoint_sequential(list(model), 4, x, use_reentrant=True),
]


@pytest.mark.parametrize("needs_grad", [True, False])
@pytest.mark.parametrize("run", RUNS)
def test_results_gradients_and_random_numbers_are_the_same(run, needs_grad):
    model = network()
    expected = gradients(model, lambda model, x: model(x), needs_grad)
    for found, wanted in zip(gradients(model, run, needs_grad), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_the_function_runs_twice_and_nothing_is_kept():
    made = []

    def part(x):
        inner = x.exp()
        made.append(weakref.ref(inner.array))
        return inner.sin()

    x = torch.ones(3, requires_grad=True)
    y = checkpoint(part, x, use_reentrant=False)
    gc.collect()
    assert [ref() for ref in made] == [None]
    y.sum().backward()
    assert len(made) == 2
    np.testing.assert_allclose(x.grad.numpy(force=True), np.e * np.cos(np.e) * np.ones(3), rtol=1e-6)


def test_without_gradients_it_runs_once():
    calls = []
    with torch.no_grad():
        y = checkpoint(
            lambda x: calls.append(1) or x * 2, torch.ones(1, requires_grad=True), use_reentrant=False
        )
    assert (len(calls), y.requires_grad) == (1, False)


def test_several_outputs_of_which_one_is_used():
    x = torch.tensor([2.0], requires_grad=True)
    a, b, number = checkpoint(lambda x: (x * x, x**3, 7), x, use_reentrant=False)
    b.backward()
    assert (a.item(), number, x.grad.item()) == (4.0, 7, 12.0)


def test_higher_derivatives():
    x = torch.tensor([1.5], requires_grad=True)
    y = checkpoint(lambda x: x**4, x * 1, use_reentrant=False)
    for expected in (4 * 1.5**3, 12 * 1.5**2, 24 * 1.5):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected)


def test_hooks_of_parameters_run_once():
    layer, seen = nn.Linear(2, 1), []
    layer.weight.register_hook(lambda grad: seen.append(grad.tolist()))
    checkpoint(layer, torch.ones(1, 2), use_reentrant=False).sum().backward()
    assert seen == [[[1.0, 1.0]]]


def test_other_random_numbers_if_asked_for():
    drop = nn.Dropout(0.5)
    x = torch.ones(1000, requires_grad=True)
    y = checkpoint(drop, x, use_reentrant=False, preserve_rng_state=False)
    y.sum().backward()
    assert not torch.equal(y, x.grad)


@pytest.mark.torch_parity
@pytest.mark.parametrize("reentrant", [True, False])
def test_gradients_are_pytorchs(reentrant):
    import torch as pytorch
    from torch.utils.checkpoint import checkpoint as theirs

    def gradient(library, function):
        w = library.tensor([[1.0, 2.0], [3.0, 4.0]], device="cpu").requires_grad_()
        x = library.tensor([0.1, 0.2], device="cpu").requires_grad_()
        function(lambda x: (w @ x).tanh().prod(), x, use_reentrant=reentrant).backward()
        return x.grad.tolist() + w.grad.flatten().tolist()

    assert gradient(torch, checkpoint) == pytest.approx(gradient(pytorch, theirs), rel=1e-5)


def test_wrong_arguments():
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="unexpected keyword arguments with use_reentrant=True: other"):
        checkpoint(torch.add, x, use_reentrant=True, other=x)
    with pytest.raises(NotImplementedError, match="context_fn"):
        checkpoint(torch.sin, x, use_reentrant=False, context_fn=list)
    with pytest.raises(ValueError, match="unexpected keyword arguments: foo"):
        checkpoint_sequential([torch.sin], 1, x, use_reentrant=False, foo=1)
    for call in (lambda: checkpoint(torch.sin, x), lambda: checkpoint_sequential([torch.sin], 1, x)):
        with pytest.warns(UserWarning, match="use_reentrant=False"):
            call()


def test_an_error_inside_is_the_same_error():
    with warnings.catch_warnings(), pytest.raises(ZeroDivisionError):
        checkpoint(lambda x: 1 // 0, torch.ones(1), use_reentrant=False)
