from __future__ import annotations

from collections import OrderedDict

import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn


def test_parameter_list():
    params = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(3))])
    assert [type(p) for p in params] == [nn.Parameter, nn.Parameter]
    assert [name for name, _ in params.named_parameters()] == ["0", "1"]
    params.append(torch.full((1,), 5.0))
    params.extend([torch.ones(1)])
    params += [torch.ones(4)]
    assert [tuple(p.shape) for p in params] == [(2,), (3,), (1,), (1,), (4,)]
    assert params[-1].shape == (4,)
    params[0] = torch.ones(7)
    assert params[0].shape == (7,)
    assert params[0].requires_grad
    part = params[1:3]
    assert isinstance(part, nn.ParameterList)
    assert part[0] is params[1]
    assert len(params) == 5
    assert list(params.state_dict()) == ["0", "1", "2", "3", "4"]


def test_parameter_list_may_hold_other_things():
    params = nn.ParameterList([torch.ones(1), "text", None])
    assert params[1:][0] == "text"
    assert len(list(params.parameters())) == 1


def test_parameter_list_errors():
    params = nn.ParameterList()
    with pytest.raises(IndexError, match="index 0 is out of range"):
        params[0]
    with pytest.raises(
        TypeError,
        match=r"ParameterList.extend should be called with an iterable, but got Tensor",
    ):
        params.extend(torch.ones(2))
    with pytest.raises(
        TypeError, match=r"ParameterList.extend should be called with an iterable, but got int"
    ):
        params.extend(3)
    with pytest.raises(RuntimeError, match=r"ParameterList should not be called."):
        params(1)


def test_parameter_dict():
    params = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.zeros(1))})
    assert list(params) == ["a", "b"]  # a plain dict is sorted, as in PyTorch
    assert list(nn.ParameterDict(OrderedDict(b=torch.ones(1), a=torch.ones(1)))) == ["b", "a"]
    assert list(nn.ParameterDict([("b", torch.ones(1)), ("a", torch.ones(1))]).keys()) == ["b", "a"]
    assert [name for name, _ in params.named_parameters()] == ["a", "b"]
    params["c"] = torch.ones(3)
    assert params["c"].requires_grad
    assert params.c is params["c"]
    assert "c" in params
    assert [key for key, _ in params.items()] == ["a", "b", "c"]
    assert [tuple(p.shape) for p in params.values()] == [(1,), (2,), (3,)]
    assert params.get("x") is None
    assert params.get("a") is params["a"]
    assert params.pop("c").shape == (3,)
    del params["a"]
    assert len(params) == 1
    params.update(nn.ParameterDict([("z", torch.ones(1)), ("y", torch.ones(1))]))
    assert list(params) == ["b", "z", "y"]
    params.clear()
    assert list(params.parameters()) == []


def test_parameter_dict_errors():
    params = nn.ParameterDict()
    with pytest.raises(KeyError, match="forward"):
        params["forward"]  # an attribute, but no key
    with pytest.raises(TypeError, match=r"not a string \(type is 'int'\)"):
        params[3] = torch.ones(1)
    with pytest.raises(
        TypeError, match=r"ParameterDict.update should be called with an iterable of key/value pairs"
    ):
        params.update(3)
    with pytest.raises(RuntimeError, match=r"ParameterDict should not be called."):
        params(1)
    assert len(params) == 0


def test_they_work_in_a_model():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.ParameterList([torch.ones(2, 2) for _ in range(3)])
            self.named = nn.ParameterDict({"shift": torch.zeros(2)})

        def forward(self, x):
            for weight in self.weights:
                x = x @ weight
            return x + self.named["shift"]

    net = Net()
    net(torch.ones(1, 2)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert list(net.state_dict()) == ["weights.0", "weights.1", "weights.2", "named.shift"]
