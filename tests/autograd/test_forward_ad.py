"""Dual tensors and linearize: what PyTorch's forward mode computes, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy

# PyTorch's own insides warn.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]
fwad = torch.autograd.forward_ad
X, T = np.array([0.5, 2.0, -1.0]), np.array([1.0, -2.0, 0.25])

FUNCTIONS = {
    "elementwise": lambda torch, x: x.sin() * x.exp() / (1 + x * x),
    "sum": lambda torch, x: (x**3).sum(),
    "views": lambda torch, x: x.view(1, 3).t()[1:].expand(2, 4),
    "products": lambda torch, x: torch.outer(x, x) @ x,
    "softmax": lambda torch, x: torch.softmax(x, 0).log(),
    "sorted": lambda torch, x: x.sort().values.cumsum(0),
    "zero": lambda torch, x: x * 0,
    "relu": lambda torch, x: torch.relu(x).norm(),
    "complex": lambda torch, x: torch.complex(x, x * x).abs(),
    "conv": lambda torch, x: torch.nn.functional.conv1d(x.view(1, 1, 3), x[:2].view(1, 1, 2)),
    "integers": lambda torch, x: x > 1,
    "detached": lambda torch, x: x.detach() * 2,
    "constant": lambda torch, x: torch.ones(2),
}


def forward(torch, forward_ad, function):
    with forward_ad.dual_level():
        x = forward_ad.make_dual(torch.tensor(X), torch.tensor(T))
        primal, tangent = forward_ad.unpack_dual(function(torch, x))
    return primal, tangent


@pytest.mark.parametrize("name", FUNCTIONS)
def test_tangents_are_finite_differences(name):
    primal, tangent = forward(torch, fwad, FUNCTIONS[name])
    assert not primal.requires_grad
    if name in ("integers", "detached", "constant"):
        assert tangent is None
        return
    step = 1e-6
    ends = [to_numpy(FUNCTIONS[name](torch, torch.tensor(X + sign * step * T))) for sign in (1, -1)]
    np.testing.assert_allclose(to_numpy(tangent), (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-8)
    assert not tangent.requires_grad


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_in_pytorch(name):
    pytorch = pytest.importorskip("torch")
    theirs = forward(pytorch, pytorch.autograd.forward_ad, FUNCTIONS[name])
    ours = forward(torch, fwad, FUNCTIONS[name])
    assert (ours[1] is None) == (theirs[1] is None)
    for here, there in zip(ours, theirs, strict=True):
        if here is not None:
            np.testing.assert_allclose(to_numpy(here), there.numpy(), rtol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
def test_the_tangent_has_a_gradient():
    pytorch = pytest.importorskip("torch")
    results = []
    for engine in (torch, pytorch):
        forward_ad = engine.autograd.forward_ad
        w, t = (engine.tensor(value, requires_grad=True) for value in (X, T))
        with forward_ad.dual_level():
            primal, tangent = forward_ad.unpack_dual((forward_ad.make_dual(w, t) ** 3).sum())
            results.append([primal, tangent, *engine.autograd.grad(tangent, [w, t])])
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(to_numpy(here.detach()), there.detach().numpy(), rtol=1e-12)


def test_several_duals_and_what_is_left_of_them():
    x, t = torch.tensor(X), torch.tensor(T)
    with fwad.dual_level() as level:
        a, b = fwad.make_dual(x, t), fwad.make_dual(2 * x, 3 * t, level=level)
        assert a.data_ptr() == x.data_ptr()
        assert fwad.unpack_dual(a).tangent is t
        product = a * b
        assert torch.equal(fwad.unpack_dual(product).tangent, 10 / 2 * x * t)
        assert fwad.unpack_dual(x) == (x, None)
        with torch.no_grad():
            assert (
                fwad.unpack_dual(a * 2).tangent is None
            )  # nothing is recorded: PyTorch goes forward all the same
    assert fwad.unpack_dual(product) == (product, None)
    assert not a.requires_grad


def test_parameters_as_duals():
    net, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    directions = {name: torch.ones_like(param) for name, param in net.named_parameters()}
    with fwad.dual_level():
        for name, param in list(net.named_parameters()):
            delattr(net, name)
            setattr(net, name, fwad.make_dual(param, directions[name]))
        assert fwad.unpack_dual(net(x)).tangent.tolist() == [[4, 4]]


@fwad.dual_level()
def decorated():
    return fwad.unpack_dual(fwad.make_dual(torch.tensor([3.0]), torch.tensor([1.0])) ** 2).tangent


def test_as_a_decorator():
    assert decorated().tolist() == decorated().tolist() == [6]


def nested(forward_ad):
    with forward_ad.dual_level(), forward_ad.dual_level():
        pass


def dual_of(forward_ad, x, t):
    with forward_ad.dual_level():
        return forward_ad.make_dual(x, t)


def dual_of_dual(forward_ad, x):
    with forward_ad.dual_level():
        return forward_ad.make_dual(forward_ad.make_dual(x, x) * 2, x)


ERRORS = {
    "no level": lambda torch, f: f.make_dual(torch.ones(3), torch.ones(3)),
    "nothing to exit": lambda torch, f: f.exit_dual_level(),
    "nested": lambda torch, f: nested(f),
    "shape": lambda torch, f: dual_of(f, torch.ones(3), torch.ones(2)),
    "whole tangent": lambda torch, f: dual_of(f, torch.ones(3), torch.ones(3).long()),
    "whole primal": lambda torch, f: dual_of(f, torch.ones(3).long(), torch.ones(3)),
    "not a tensor": lambda torch, f: dual_of(f, 3.0, torch.ones(3)),
    "twice": lambda torch, f: dual_of_dual(f, torch.ones(3)),
    "linear shape": lambda torch, f: torch.func.linearize(torch.sin, torch.ones(3))[1](torch.ones(2)),
    "linear dtype": lambda torch, f: torch.func.linearize(torch.sin, torch.ones(3))[1](torch.ones(3).double()),
    "linear number": lambda torch, f: torch.func.linearize(torch.sin, torch.ones(3))[1](torch.ones(3), torch.ones(3)),
}  # fmt: skip


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    pytorch = pytest.importorskip("torch")
    kinds = []
    for engine in (torch, pytorch):
        with pytest.raises((RuntimeError, ValueError, AttributeError)) as caught:
            ERRORS[name](engine, engine.autograd.forward_ad)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
def test_linearize():
    pytorch = pytest.importorskip("torch")
    results = []
    for engine in (torch, pytorch):
        x, y, t = (engine.tensor(value) for value in (X, X[::-1].copy(), T))
        value, change = engine.func.linearize(lambda a, b: {"p": a * b.exp(), "q": (a.sin(), b)}, x, y)
        found = [value, change(t, t), change(x, 0 * t)]
        results.append([tensor for tree in found for tensor in (tree["p"], *tree["q"])])
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(to_numpy(here), there.numpy(), rtol=1e-12)
        assert not here.requires_grad
