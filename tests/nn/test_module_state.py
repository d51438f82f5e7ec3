"""What a module does with its parameters and buffers: switches, copies."""

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
