"""What a module does with its parameters and buffers: switches, conversion, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.models import Net, Shared
from tinygrad_edu import nn

# ---- switches ----------------------------------------------------------------------------------------


def test_train_and_eval():
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert net.blocks[0][1].training
    with pytest.raises(ValueError, match="training mode is expected to be boolean, got 'yes'"):
        net.train("yes")


def test_a_submodule_may_have_a_train_of_its_own():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Frozen(2), nn.Dropout())).train()
    assert net[0].training
    assert net[1][1].training
    assert not net[1][0].training


def test_requires_grad_():
    net = Net()
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    net.fc1.requires_grad_()
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["fc1.weight", "fc1.bias"]


def test_zero_grad():
    net = Net()
    net(torch.randn(4, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0, 0.0]
    before = net.scale.grad
    net(torch.randn(4, 2)).sum().backward()
    assert net.scale.grad is before
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# ---- conversion --------------------------------------------------------------------------------------


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


# ---- copies ------------------------------------------------------------------------------------------


def test_deepcopy():
    net = Net()
    net(torch.randn(4, 2)).sum().backward()
    twin = copy.deepcopy(net.eval())
    assert not twin.training
    assert twin.fc1.weight is not net.fc1.weight
    assert isinstance(twin.fc1.weight, nn.Parameter)
    assert twin.fc1.weight.tolist() == net.fc1.weight.tolist()
    with torch.no_grad():
        twin.fc1.weight.fill_(7.0)
        twin.seen.fill_(7.0)
    assert 7.0 not in net.fc1.weight.numpy(force=True)
    assert net.seen.item() == 0
    assert twin.fc1.bias.grad is None
    assert list(twin.state_dict()) == list(net.state_dict())


def test_deepcopy_and_pickle_keep_what_is_shared():
    for twin in (copy.deepcopy(Shared()), pickle.loads(pickle.dumps(Shared()))):
        assert twin.first is twin.second
        assert twin.tied.weight is twin.first.weight


def test_pickle():
    net = Net().eval()
    twin = pickle.loads(pickle.dumps(net))
    x = torch.randn(3, 2)
    assert twin(x).tolist() == net(x).tolist()
    assert not twin.training
    assert not twin.blocks[0].training
    assert "scratch" not in twin.state_dict()
    assert isinstance(twin.scale, nn.Parameter)
    assert twin.scale.requires_grad


def test_a_training_step_changes_every_parameter():
    net = Net()
    before = {name: p.numpy(force=True).copy() for name, p in net.named_parameters()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    (net(torch.randn(8, 2)) ** 2).sum().backward()
    optimizer.step()
    unchanged = [
        name for name, p in net.named_parameters() if np.array_equal(before[name], p.numpy(force=True))
    ]
    assert unchanged in ([], ["fc1.bias"])  # batch norm takes its mean away
