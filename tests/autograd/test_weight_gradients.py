"""The gradients of layers are right however many threads compute them, and whatever else happens to a weight."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F

pytestmark = pytest.mark.host("threads of the CPU")


def tensor(dtype, *shape, requires_grad=False, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return torch.tensor(values, requires_grad=requires_grad)


def leaves(dtype):
    x, w = tensor(dtype, 24, 20), tensor(dtype, 20, 20, requires_grad=True, seed=1)
    return x, w, tensor(dtype, 20, requires_grad=True, seed=2)


def one_layer(dtype):
    x, w, b = leaves(dtype)
    (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def added_to_an_older_one(dtype):
    x, w, b = leaves(dtype)
    for _ in range(2):
        (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def weight_used_twice(dtype):
    x, w, b = leaves(dtype)
    (F.linear(F.linear(x, w, b), w) ** 2).sum().backward()
    return w.grad, b.grad


def weight_used_twice_side_by_side(dtype):
    x, w, _ = leaves(dtype)
    (F.linear(x, w) * F.linear(x + 1, w)).sum().backward()
    return (w.grad,)


def computed_weight(dtype):
    x, w, b = leaves(dtype)
    (F.linear(x, w * 2, b) ** 2).sum().backward()
    return w.grad, b.grad


def view_as_weight(dtype):
    x, w, b = leaves(dtype)
    (F.linear(x, w.T, b) ** 2).sum().backward()
    return w.grad, b.grad


def hook_on_the_weight(dtype):
    x, w, b = leaves(dtype)
    seen = []
    w.register_hook(lambda grad: seen.append(grad.clone()))
    (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, *seen


def hook_on_a_weight_used_twice(dtype):
    x, w, b = leaves(dtype)
    seen = []
    w.register_hook(lambda grad: seen.append(grad.clone()))
    (F.linear(F.linear(x, w, b), w) ** 2).sum().backward()
    return w.grad, *seen


def hook_that_replaces(dtype):
    x, w, b = leaves(dtype)
    w.register_hook(lambda grad: grad * 10)
    (F.linear(x, w, b) ** 2).sum().backward()
    return (w.grad,)


def hook_on_an_older_leaf_that_looks(dtype):
    x, w, b = leaves(dtype)
    seen = []
    b.register_hook(lambda grad: seen.append(None if w.grad is None else w.grad.clone()))
    h = F.linear(x, w, b)
    (h**2).sum().backward()
    return w.grad, *[grad for grad in seen if grad is not None]


def grad_function(dtype):
    x, w, b = leaves(dtype)
    return torch.autograd.grad((F.linear(x, w, b) ** 2).sum(), (w, b))


def inputs_of_backward(dtype):
    x, w, b = leaves(dtype)
    (F.linear(x, w, b) ** 2).sum().backward(inputs=[w])
    return (w.grad,)


def second_derivative(dtype):
    x, w, b = leaves(dtype)
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


def backward_within_backward(dtype):
    x, w, _ = leaves(dtype)
    (Checkpoint.apply(x, w) ** 2).sum().backward()
    return (w.grad,)


def optimizer_in_a_hook(dtype):
    x, w, b = leaves(dtype)
    optimizer = torch.optim.SGD([w], lr=0.1)

    def step(grad):
        w.grad = grad
        optimizer.step()

    w.register_hook(step)
    (F.linear(x, w, b) ** 2).sum().backward()
    return w.detach(), b.grad


def under_anomaly_detection(dtype):
    x, w, b = leaves(dtype)
    with torch.autograd.detect_anomaly():
        (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def while_profiled(dtype):
    x, w, b = leaves(dtype)
    with torch.profiler.profile():
        (F.linear(x, w, b) ** 2).sum().backward()
    return w.grad, b.grad


def two_layers(dtype):
    x, w, b = leaves(dtype)
    v = tensor(dtype, 20, 20, requires_grad=True, seed=3)
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


@pytest.mark.parametrize("threads", ["three_threads", "team_of_three"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients(program, threads, request):
    """Shared by three threads they are those of one thread, computed in float64."""
    expected = [grad.numpy().copy() for grad in program(np.float64)]
    request.getfixturevalue(threads)
    actual = program(np.float32)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), e, rtol=1e-4, atol=1e-4 * np.abs(e).max())


def test_an_exception_in_a_hook_leaves_whole_gradients(shared):
    x, w, b = leaves(np.float32)

    def refuse(grad):
        raise RuntimeError("no")

    b.register_hook(refuse)
    y = F.linear(x, w, b)
    with pytest.raises(RuntimeError, match="no"):
        (y**2).sum().backward()
    assert w.grad is None or np.isfinite(w.grad.numpy()).all()
    assert torch.is_grad_enabled()
