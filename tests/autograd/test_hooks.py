"""Hooks on tensors, and the gradients of tensors that are not leaves."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], dtype=torch.float64, requires_grad=True)


def test_hooks_on_a_leaf_and_inside():
    seen = []
    x = leaf(3.0)
    y = x * 2
    x.register_hook(lambda grad: seen.append(("x", grad.item())))
    y.register_hook(lambda grad: seen.append(("y", grad.item())))
    (y * 5).backward()
    assert seen == [("y", 5), ("x", 10)]


def test_hooks_replace_the_gradient_in_order():
    x = leaf(3.0)
    y = x * 2
    y.register_hook(lambda grad: grad + 1)
    y.register_hook(lambda grad: grad * 10)
    y.register_hook(lambda grad: None)
    y.retain_grad()
    y.backward()
    assert y.grad.item() == 20  # retained gradients are those after the hooks
    assert x.grad.item() == 40


def test_a_hook_runs_once_with_the_whole_gradient():
    seen = []
    x = leaf(3.0)
    y = x * 2
    y.register_hook(lambda grad: seen.append(grad.item()))
    (y * 1 + y * 2 + y * 4).backward()
    assert seen == [7]


def test_hooks_can_be_removed():
    x = leaf(3.0)
    handle = x.register_hook(lambda grad: grad * 100)
    with x.register_hook(lambda grad: grad * 10):
        (x * 1).backward()
    assert x.grad.item() == 1000
    handle.remove()
    handle.remove()
    x.grad = None
    (x * 1).backward()
    assert x.grad.item() == 1


def test_a_hook_outlives_the_graph_of_a_leaf():
    x = leaf(3.0)
    x.register_hook(lambda grad: grad * 2)
    for _ in range(2):
        x.grad = None
        (x * 1).backward()
        assert x.grad.item() == 2


def test_hooks_of_several_outputs():
    x = leaf(3.0, 1.0)
    values, _ = torch.max(x, 0)
    values.register_hook(lambda grad: grad * 3)
    values.backward()
    assert x.grad.tolist() == [3, 0]


def test_what_a_hook_may_not_return():
    x = leaf(3.0)
    y = x * 2
    y.register_hook(lambda grad: 3)
    with pytest.raises(TypeError, match="expected a Tensor or None, got int"):
        y.backward()
    z = x * 2
    z.register_hook(lambda grad: torch.ones(2, dtype=torch.float64))
    with pytest.raises(RuntimeError, match=r"expected a gradient of shape \[\], got \[2\]"):
        z.backward()


def test_a_hook_needs_a_gradient():
    with pytest.raises(
        RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"
    ):
        torch.ones(1).register_hook(print)


def test_retained_gradients():
    x = leaf(3.0)
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad
    z = y * y
    z.backward(retain_graph=True)
    z.backward()
    assert y.grad.item() == 24
    x.retain_grad()
    assert not x.retains_grad
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        torch.ones(1).retain_grad()


def test_a_retained_gradient_is_of_the_last_value():
    """As in PyTorch: after an in-place change, of what the tensor is then."""
    x = leaf(3.0)
    y = x * 2
    y.retain_grad()
    y.mul_(5)
    assert y.retains_grad
    y.backward()
    assert (y.grad.item(), x.grad.item()) == (1, 10)


def test_a_hook_is_for_the_value_it_was_registered_on():
    x = leaf(3.0)
    y = x * 2
    seen = []
    y.register_hook(lambda grad: seen.append(grad.item()))
    y.mul_(5)
    y.register_hook(lambda grad: seen.append(grad.item()))
    y.backward()
    assert seen == [1, 5]


def test_numpy_is_the_users_own_in_a_hook():
    """Its warnings are off, but a callback or a buffer size that the user has set stays."""
    called = []
    before = np.seterrcall(lambda *error: called.append(error[0])), np.setbufsize(4096)
    seen = []

    def hook(grad):
        with np.errstate(divide="call"):
            np.ones(1) / np.zeros(1)
        seen.extend([np.getbufsize(), np.geterr()["divide"]])

    try:
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        y.register_hook(hook)
        y.sum().backward()
        assert np.getbufsize() == 4096
    finally:
        np.seterrcall(before[0])
        np.setbufsize(before[1])
    assert called == ["divide by zero"]
    assert seen == [4096, "ignore"]


def test_hooks_after_the_gradient_has_been_accumulated():
    """Once a backward, in order, with the whole gradient in place; not for ``autograd.grad``."""
    x = leaf(3.0)
    seen = []
    first = x.register_post_accumulate_grad_hook(lambda x: seen.append(("first", x.grad.item())))
    x.register_post_accumulate_grad_hook(lambda x: seen.append(("second", x.grad.item())))
    (x * 2 + x * 3).backward()
    torch.autograd.grad(x * 2, x)
    first.remove()
    (x * 1).backward()
    assert seen == [("first", 5.0), ("second", 5.0), ("second", 6.0)]


def test_an_optimizer_steps_in_the_hook():
    layer = torch.nn.Linear(2, 1, bias=False)
    before = layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)

    def step(parameter):
        optimizer.step()
        optimizer.zero_grad()

    layer.weight.register_post_accumulate_grad_hook(step)
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad is None
    assert (before - layer.weight).tolist() == [[1.0, 1.0]]


def test_a_hook_after_accumulating_is_for_leaves_that_need_a_gradient():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        torch.ones(1).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="non-leaf"):
        (leaf(1.0) * 2).register_post_accumulate_grad_hook(print)
