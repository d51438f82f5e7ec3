"""The names of ``nn.functional`` and ``nn``, and functions that are layers, too."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.names import listed
from tinygrad_edu import nn
from tinygrad_edu.nn import functional as F


@pytest.mark.torch_parity
def test_every_name_is_one_of_pytorch(reference):
    assert [name for name in listed(F) if not hasattr(reference.nn.functional, name)] == []
    own = {name for name in listed(nn) if not hasattr(reference.nn, name)}
    assert own == {"GraphConv"}  # PyTorch leaves layers of graphs to other libraries
    assert [name for name in listed(nn.utils) if not hasattr(reference.nn.utils, name)] == []


def test_all_is_complete():
    module = torch.optim
    public = {name for name in vars(module) if not name.startswith("_")}
    functions = {name for name in public if not inspect.ismodule(getattr(module, name))}
    assert functions - {"annotations", "TYPE_CHECKING"} <= set(module.__all__)
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_functions_do_what_the_layers_do():
    x = torch.randn(2, 4, 6, 6)
    conv = nn.Conv2d(4, 3, 3, padding=1)
    assert F.conv2d(x, conv.weight, conv.bias, padding=1).tolist() == conv(x).tolist()
    assert F.max_pool2d(x, 2).tolist() == nn.MaxPool2d(2)(x).tolist()
    assert F.layer_norm(x, (6, 6)).tolist() == nn.LayerNorm((6, 6))(x).tolist()
    assert F.relu(x).tolist() == torch.relu(x).tolist()
    linear = nn.Linear(6, 2)
    assert F.linear(x, linear.weight, linear.bias).tolist() == linear(x).tolist()


def test_dropout_is_on_unless_told():
    x = torch.ones(1000)
    assert (F.dropout(x).numpy(force=True) == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert F.dropout(x, training=False) is x
    assert F.alpha_dropout(x) is x  # as in PyTorch, off by default


def test_relu_in_place():
    x = torch.tensor([-1.0, 2.0])
    assert F.relu_(x) is x
    assert x.tolist() == [0.0, 2.0]


@pytest.mark.torch_parity
def test_instance_norm_without_input_statistics(reference):
    rng = np.random.default_rng(0)
    x, mean = rng.standard_normal((2, 3, 4)).astype(np.float32), rng.standard_normal(3).astype(np.float32)
    var = rng.uniform(0.5, 2, 3).astype(np.float32)
    found, expected = (
        lib.nn.functional.instance_norm(
            lib.tensor(x), lib.tensor(mean), lib.tensor(var), use_input_stats=False
        )
        for lib in (torch, reference)
    )
    np.testing.assert_allclose(found.numpy(force=True), expected.numpy(force=True), rtol=1e-4, atol=1e-6)


def test_a_softmax_of_another_dtype():
    assert F.softmax(torch.zeros(2), 0, dtype=torch.float64).dtype == torch.float64
    assert F.log_softmax(torch.zeros(2), dim=0, dtype=torch.float64).dtype == torch.float64
    assert F.softmin(torch.zeros(2), dim=0, dtype=torch.float64).dtype == torch.float64
