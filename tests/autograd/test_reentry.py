"""Operations that begin while another one is computing, and what an operation must not keep."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu.autograd.op import Op


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_operation_in_a_signal_handler():
    results = []

    def handler(signum, frame):
        results.append((torch.ones(3) / 0 + 1).tolist())
        signal.setitimer(signal.ITIMER_REAL, 0.005)  # again, but never while this one runs

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    try:
        a = torch.rand(300, 300)
        while len(results) < 20:
            a.exp()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert results[0] == [float("inf")] * 3


class CallsAnother(Op):
    """Runs an operation on a Tensor within its forward, as a finaliser might."""

    def forward(self, x):
        return x + torch.ones(2).add(1).numpy()


@pytest.mark.host("NumPy beside tensors")
def test_an_operation_within_a_forward():
    assert CallsAnother.apply(torch.zeros(2)).tolist() == [2.0, 2.0]


def test_the_gradient_of_a_leaf_is_its_own_with_create_graph():
    bias = torch.zeros(3, 4, requires_grad=True)
    grad = torch.ones(3, 4)
    x, weight = torch.rand(3, 4, requires_grad=True), torch.ones(3, 4, requires_grad=True)
    F.layer_norm(x, (3, 4), weight, bias).backward(grad, create_graph=True)
    grad.mul_(7)
    assert bias.grad.tolist() == [[1.0] * 4] * 3


@pytest.mark.parametrize("layer", ["linear", "conv2d"])
def test_a_weight_may_change_if_the_input_wants_no_gradient(layer):
    shape = (2, 3) if layer == "linear" else (2, 3, 4, 4)
    weight = torch.ones(5, 3, *shape[2:], requires_grad=True)
    y = getattr(F, layer)(torch.rand(*shape), weight).sum()
    y.backward(retain_graph=True)
    first = weight.grad.clone()
    with torch.no_grad():
        weight.sub_(0.1)
    y.backward()
    np.testing.assert_allclose(weight.grad.numpy(force=True), 2 * first.numpy(force=True), rtol=1e-6)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax_is_contiguous(function, dim):
    x = torch.rand(2, 3, 4, requires_grad=True)
    y = function(x, dim=dim)
    (y * y).sum().backward()
    assert y.is_contiguous()
    assert x.grad.is_contiguous()
