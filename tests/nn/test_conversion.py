from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tests.nn.models import Net
from tinygrad_edu import nn


def test_to_a_dtype_changes_floating_point_tensors_in_place():
    net = Net()
    weight = net.fc1.weight
    net(torch.randn(4, 2)).sum().backward()
    assert net.to(torch.float64) is net
    assert net.fc1.weight is weight
    assert {str(p.dtype) for p in net.parameters()} == {"torch.float64"}
    assert weight.grad.dtype == torch.float64
    assert net.norm.running_mean.dtype == torch.float64
    assert net.norm.num_batches_tracked.dtype == torch.int64
    net(torch.randn(4, 2, dtype=torch.float64)).sum().backward()
    assert weight.requires_grad
    assert weight.is_leaf


def test_double_float_half_and_type():
    net = Net()
    for convert, dtype in [("double", torch.float64), ("half", torch.float16), ("float", torch.float32)]:
        assert getattr(net, convert)().scale.dtype == dtype
    assert net.type(torch.float64).scale.dtype == torch.float64
    assert net.to(dtype=torch.float32).scale.dtype == torch.float32
    assert net.to(torch.ones(1, dtype=torch.float64)).scale.dtype == torch.float64
    assert net.to("cpu", torch.float32).scale.dtype == torch.float32
    assert net.norm.num_batches_tracked.dtype == torch.int64


def test_to_a_device():
    net = Net()
    assert net.to("cpu") is net
    assert net.cpu().to(torch.device("cpu")).to(device="cpu", non_blocking=True).scale.device.type == "cpu"


def test_to_an_integer_dtype_is_an_error():
    for call in (lambda net: net.to(torch.int64), lambda net: net.to(dtype=torch.int64)):
        with pytest.raises(
            TypeError, match="only accepts floating point or complex dtypes, but got desired dtype"
        ):
            call(Net())


def test_an_optimizer_goes_on_after_to():
    net = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    net.double()
    net(torch.ones(1, 1, dtype=torch.float64)).sum().backward()
    before = net.bias.item()
    optimizer.step()
    assert net.bias.item() == before - 1
