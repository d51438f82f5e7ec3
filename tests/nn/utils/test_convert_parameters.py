from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.nn.utils import parameters_to_vector, vector_to_parameters


def test_round_trip():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(4, 3), nn.PReLU())
    params = list(net.parameters())
    vector = parameters_to_vector(net.parameters())
    assert vector.shape == (sum(p.numel() for p in params),)
    assert vector[:18].tolist() == params[0].flatten().tolist()
    vector_to_parameters(vector * 2 + 1, net.parameters())
    assert list(net.parameters()) == params
    np.testing.assert_allclose(
        parameters_to_vector(params).numpy(force=True), 2 * vector.numpy(force=True) + 1, rtol=1e-6
    )
    assert all(p.requires_grad and p.is_leaf for p in params)


def test_the_vector_has_a_gradient():
    layer = nn.Linear(2, 1)
    (parameters_to_vector(layer.parameters()) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 2.0]]
    assert layer.bias.grad.tolist() == [3.0]


def test_a_later_change_of_the_vector_does_not_matter():
    layer = nn.Linear(2, 1)
    vector = torch.zeros(3)
    vector_to_parameters(vector, layer.parameters())
    vector.fill_(7.0)
    assert layer.weight.tolist() == [[0.0, 0.0]]


def test_an_optimizer_goes_on():
    layer = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    vector_to_parameters(torch.tensor([5.0]), layer.parameters())
    layer(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert layer.weight.item() == 4.0


def test_errors():
    layer = nn.Linear(2, 1)
    for size in (2, 4):
        with pytest.raises(ValueError, match=f"expected 3 elements, got {size}"):
            vector_to_parameters(torch.zeros(size), layer.parameters())
    with pytest.raises(TypeError, match=r"expected torch.Tensor, but got: list"):
        vector_to_parameters([1.0, 2.0, 3.0], layer.parameters())
