from __future__ import annotations

import copy
import pickle

import pytest

import tinygrad_edu as torch
from tests.device import shares_memory
from tinygrad_edu import nn


def test_a_parameter_is_a_tensor_that_wants_a_gradient():
    data = torch.ones(2, 3)
    parameter = nn.Parameter(data)
    assert isinstance(parameter, torch.Tensor)
    assert (parameter.requires_grad, parameter.is_leaf, parameter.grad_fn) == (True, True, None)
    assert shares_memory(parameter, data)
    assert not data.requires_grad
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter(torch.tensor([1]), requires_grad=False).dtype == torch.int64
    assert nn.Parameter().shape == (0,)
    assert nn.parameter.Parameter is nn.Parameter


def test_the_history_of_the_data_is_left_behind():
    x = torch.ones(2, requires_grad=True)
    parameter = nn.Parameter(x * 2)
    assert parameter.is_leaf
    parameter.sum().backward()
    assert parameter.grad.tolist() == [1.0, 1.0]
    assert x.grad is None


def test_results_are_plain_tensors():
    parameter = nn.Parameter(torch.ones(2))
    for result in (parameter * 2, parameter.detach(), parameter.clone(), parameter.data, parameter[0]):
        assert type(result) is torch.Tensor


def test_no_grad_does_not_matter_when_it_is_made():
    with torch.no_grad():
        assert nn.Parameter(torch.ones(1)).requires_grad


def test_it_cannot_be_changed_in_place_but_without_grad():
    parameter = nn.Parameter(torch.ones(2))
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        parameter.add_(1)
    with torch.no_grad():
        parameter.add_(1)
    parameter.data += 1
    parameter.data = parameter.data * 2
    assert parameter.tolist() == [6.0, 6.0]
    assert parameter.requires_grad


def test_a_change_through_the_data_it_was_made_from_is_noticed():
    data = torch.ones(2)
    parameter = nn.Parameter(data)
    y = (parameter * parameter).sum()
    data.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_errors():
    with pytest.raises(
        TypeError, match=r"expected data to be a Tensor, got list. Hint: wrap it with torch.tensor"
    ):
        nn.Parameter([1.0])
    with pytest.raises(RuntimeError, match=r"complex dtype can require gradients, got torch.int64"):
        nn.Parameter(torch.tensor([1]))


def test_repr():
    parameter = nn.Parameter(torch.ones(2, device="cpu"))
    assert repr(parameter) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


@pytest.mark.host("printing without a device")
@pytest.mark.torch_parity
def test_repr_is_that_of_pytorch(reference):
    for values, grad in [([[1.5, 2.0]], True), ([1.0], False), (3.0, True)]:
        ours, theirs = (
            lib.nn.Parameter(lib.tensor(values), requires_grad=grad) for lib in (torch, reference)
        )
        assert repr(ours) == repr(theirs)


def test_copies_are_parameters():
    parameter = nn.Parameter(torch.ones(2), requires_grad=False)
    parameter.grad = torch.full((2,), 3.0)
    for twin in (copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert type(twin) is nn.Parameter
        assert not twin.requires_grad
        assert twin.tolist() == [1.0, 1.0]
        assert not shares_memory(twin, parameter)
    assert copy.deepcopy(parameter).grad is None  # as in PyTorch
    memo = copy.deepcopy([parameter, parameter])
    assert memo[0] is memo[1]
