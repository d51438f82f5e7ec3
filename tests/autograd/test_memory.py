"""What the graph keeps alive, and how long."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import shares_memory
from tinygrad_edu.ops import conv2d, linear


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], dtype=torch.float64, requires_grad=True)


class FailsOnce(torch.autograd.Function):
    """Passes its input through; the first backward fails."""

    fail = True

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad_output):
        if FailsOnce.fail:
            FailsOnce.fail = False
            raise ValueError("planted")
        return grad_output


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


@pytest.fixture
def no_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_no_reference_cycles(no_garbage_collector):
    """When the loss is dropped, reference counts alone free all of the graph, and the leaves after it."""
    w, x = leaf(1.0, 2.0), leaf(3.0, 4.0)
    hidden = torch.exp(w * x) * 2
    hidden = hidden[0:2].reshape(2)
    hidden[0] = 7
    hidden.retain_grad()
    handle = w.register_hook(print_nothing)
    loss = Doubled.apply(hidden).sum()
    loss.backward()
    watched = [weakref.ref(t) for t in (w, hidden, loss, loss.grad_fn, w.grad)]
    del hidden, loss
    assert [r() is None for r in watched] == [False, True, True, True, False]
    del w, handle
    assert all(r() is None for r in watched)


def print_nothing(grad):
    return None


def test_a_graph_without_backward_is_freed(no_garbage_collector):
    x = leaf(1.0)
    y = torch.exp(x) * x
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None


def test_activations_nobody_saved_are_freed(no_garbage_collector):
    """Edges lead from node to node, not to tensors."""
    x = leaf(1.0)
    a = x + 1
    watched = weakref.ref(a)
    b = a + 2
    del a
    assert watched() is None
    b.backward()
    assert x.grad.item() == 1


def test_saved_arrays_are_freed_by_backward(no_garbage_collector):
    x = leaf(1.0, 2.0)
    y = torch.exp(x)
    array = weakref.ref(y.array)
    z = y * 2
    del y
    assert array() is not None
    z.sum().backward()
    assert array() is None


def test_a_failed_backward_keeps_nothing_alive(no_garbage_collector):
    FailsOnce.fail = True
    x = leaf(3.0)
    y = FailsOnce.apply(x * x)
    node = weakref.ref(y.grad_fn)
    with contextlib.suppress(ValueError):  # pytest.raises would keep the traceback, and with it the graph
        y.backward()
    del y
    assert node() is None


@pytest.mark.host("memory as Python counts it")
def test_many_training_steps_take_no_more_memory():
    rng = np.random.default_rng(0)
    inputs = torch.tensor(rng.standard_normal((8, 4)).astype("float32"))
    w1 = torch.tensor(rng.standard_normal((4, 5)).astype("float32"), requires_grad=True)
    w2 = torch.tensor(rng.standard_normal((5, 1)).astype("float32"), requires_grad=True)

    def train(steps):
        for _ in range(steps):
            loss = ((torch.relu(inputs @ w1) @ w2) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for w in (w1, w2):
                    w -= 0.01 * w.grad
                    w.grad = None

    gc.disable()
    try:
        train(100)
        tracemalloc.start()
        train(3000)  # Python keeps the memory of freed tuples, up to some thousands: let it have them
        before = tracemalloc.get_traced_memory()[0]
        train(3000)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    # Less than 4 kB were seen. One lost tuple a step would be 150 kB.
    assert after - before < 32 * 1024


@pytest.mark.slow
@pytest.mark.host("a process of its own")
def test_twenty_thousand_training_steps_take_no_more_memory():
    """In a process of its own, whose resident memory is measured."""
    program = """
import gc, resource, numpy as np, tinygrad_edu as torch
gc.disable()
x = torch.randn(16, 8); w = torch.randn(8, 8, requires_grad=True); v = torch.randn(8, 1, requires_grad=True)
def train(steps):
    for _ in range(steps):
        loss = ((torch.tanh(x @ w) @ v) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for p in (w, v):
                p -= 0.001 * p.grad
                p.grad = None
train(1000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
train(20000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2000  # kilobytes


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (lambda x, w, b: linear(x, w, b), [(5, 4), (3, 4), (3,)]),
        (lambda x, w, b: conv2d(x, w, b), [(2, 3, 5, 5), (4, 3, 3, 3), (4,)]),
        (lambda x, w, b: conv2d(x, w, b), [(1, 1, 1, 1), (1, 1, 1, 1), (1,)]),
        (lambda a, b: a @ b, [(3, 4), (4, 5)]),
        (lambda a, b: a @ b, [(2, 3, 4), (4, 5)]),
        (lambda a, b: a @ b, [(1, 1), (1, 1)]),
        (lambda a, b: a + b, [(3,), (3,)]),
        (lambda a, b: a * b, [(3,), (3,)]),
        (lambda a: a.reshape(-1) + 1, [(3, 1)]),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_share_memory_with_nothing(function, shapes, create_graph):
    """Each leaf has a copy of its own."""
    leaves = [torch.ones(*shape, requires_grad=True) for shape in shapes]
    y = function(*leaves)
    seed = torch.ones_like(y)
    y.backward(seed, retain_graph=True, create_graph=create_graph)
    first = [x.grad for x in leaves]
    for x in leaves:
        x.grad = None
    y.backward(seed, create_graph=create_graph)
    tensors = [seed, y, *leaves, *first, *[x.grad for x in leaves]]
    for i, a in enumerate(tensors):
        for b in tensors[i + 1 :]:
            assert not shares_memory(a, b)
    for x in leaves:
        x.grad = None


def test_a_gradient_that_a_hook_keeps_is_not_that_of_the_leaf():
    kept = []
    w = torch.ones(3, 4, requires_grad=True)
    w.register_hook(kept.append)
    linear(torch.ones(2, 4), w).sum().backward()
    assert not shares_memory(kept[0], w.grad)
    replacement = torch.zeros(3, 4)
    v = torch.ones(3, 4, requires_grad=True)
    v.register_hook(lambda grad: replacement)
    linear(torch.ones(2, 4), v).sum().backward()
    assert not shares_memory(replacement, v.grad)
