"""A weight's gradient that helpers are still computing must not be read by anybody before backward ends."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu_kernels import micro_kernel, overlap

pytestmark = [
    pytest.mark.skipif(not micro_kernel.is_available(), reason="no micro-kernel for this processor"),
    pytest.mark.host("threads of the CPU"),
]


def tensor(*shape, requires_grad=False, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return torch.tensor(values, requires_grad=requires_grad)


def leaves():
    return tensor(24, 20), tensor(20, 20, requires_grad=True, seed=1), tensor(20, requires_grad=True, seed=2)


def one_layer():
    x, w, b = leaves()
    (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def added_to_an_older_one():
    x, w, b = leaves()
    for _ in range(2):
        (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def weight_used_twice():
    x, w, b = leaves()
    (F.linear(F.linear(x, w, b), w) ** 2).sum().backward()
    return w.grad, b.grad


def weight_used_twice_side_by_side():
    x, w, _ = leaves()
    (F.linear(x, w) * F.linear(x + 1, w)).sum().backward()
    return (w.grad,)


def computed_weight():
    x, w, b = leaves()
    (F.linear(x, w * 2, b) ** 2).sum().backward()
    return w.grad, b.grad


def view_as_weight():
    x, w, b = leaves()
    (F.linear(x, w.T, b) ** 2).sum().backward()
    return w.grad, b.grad


def hook_on_the_weight():
    x, w, b = leaves()
    seen = []
    w.register_hook(lambda grad: seen.append(grad.clone()))
    (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, *seen


def hook_on_a_weight_used_twice():
    x, w, b = leaves()
    seen = []
    w.register_hook(lambda grad: seen.append(grad.clone()))
    (F.linear(F.linear(x, w, b), w) ** 2).sum().backward()
    return w.grad, *seen


def hook_that_replaces():
    x, w, b = leaves()
    w.register_hook(lambda grad: grad * 10)
    (F.linear(x, w, b) ** 2).sum().backward()
    return (w.grad,)


def hook_on_an_older_leaf_that_looks():
    x, w, b = leaves()
    seen = []
    b.register_hook(lambda grad: seen.append(None if w.grad is None else w.grad.clone()))
    h = F.linear(x, w, b)
    (h**2).sum().backward()
    return w.grad, *[grad for grad in seen if grad is not None]


def grad_function():
    x, w, b = leaves()
    return torch.autograd.grad((F.linear(x, w, b) ** 2).sum(), (w, b))


def inputs_of_backward():
    x, w, b = leaves()
    (F.linear(x, w, b) ** 2).sum().backward(inputs=[w])
    return (w.grad,)


def second_derivative():
    x, w, b = leaves()
    (slope,) = torch.autograd.grad((F.linear(x, w, b) ** 3).sum(), w, create_graph=True)
    (slope**2).sum().backward()
    return slope.detach(), w.grad


class Checkpoint(torch.autograd.Function):
    """Computes forward once more in backward, which is a backward within a backward."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.linear(F.linear(x, w * 2), w * 3)

    @staticmethod
    def backward(ctx, grad_output):
        x, w = [saved.detach().requires_grad_() for saved in ctx.saved_tensors]
        with torch.enable_grad():
            y = F.linear(F.linear(x, w * 2), w * 3)
        y.backward(grad_output)
        return x.grad, w.grad


def backward_within_backward():
    x, w, _ = leaves()
    (Checkpoint.apply(x, w) ** 2).sum().backward()
    return (w.grad,)


def optimizer_in_a_hook():
    x, w, b = leaves()
    optimizer = torch.optim.SGD([w], lr=0.1)

    def step(grad):
        w.grad = grad
        optimizer.step()

    w.register_hook(step)
    (F.linear(x, w, b) ** 2).sum().backward()
    return w.detach(), b.grad


def under_anomaly_detection():
    x, w, b = leaves()
    with torch.autograd.detect_anomaly():
        (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def while_profiled():
    x, w, b = leaves()
    with torch.profiler.profile():
        (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def two_layers():
    x, w, b = leaves()
    v = tensor(20, 20, requires_grad=True, seed=3)
    (F.linear(torch.relu(F.linear(x, w, b)), v) ** 2).sum().backward()
    return w.grad, b.grad, v.grad


PROGRAMS = [
    one_layer,
    added_to_an_older_one,
    weight_used_twice,
    weight_used_twice_side_by_side,
    computed_weight,
    view_as_weight,
    hook_on_the_weight,
    hook_on_a_weight_used_twice,
    hook_that_replaces,
    hook_on_an_older_leaf_that_looks,
    grad_function,
    inputs_of_backward,
    second_derivative,
    backward_within_backward,
    optimizer_in_a_hook,
    under_anomaly_detection,
    while_profiled,
    two_layers,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_are_the_same(program, request):
    expected = [grad.numpy().copy() for grad in program()]
    request.getfixturevalue("late_team")
    actual = program()
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), e, rtol=1e-4, atol=1e-4)


def test_a_gradient_is_late_at_all(late_team):
    """Were it not, the tests above would test nothing."""
    one_layer()
    assert late_team == ["linear_weight_gradient"]
    computed_weight()
    assert late_team == ["linear_weight_gradient"]


def test_an_exception_leaves_nothing_unfinished(late_team):
    x, w, b = leaves()

    def refuse(grad):
        raise RuntimeError("no")

    b.register_hook(refuse)
    y = F.linear(x, w, b)
    with pytest.raises(RuntimeError, match="no"):
        (y**2).sum().backward()
    assert not overlap.is_allowed()
    if w.grad is not None:
        assert np.isfinite(w.grad.numpy()).all()
