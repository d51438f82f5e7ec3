from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer, numbers
from tinygrad_edu import nn

LAYERS = [
    ("Linear", (3, 4), {}, [(5, 3)]),
    ("Linear", (3, 4), {"bias": False}, [(5, 3)]),
    ("Linear", (3, 4), {}, [(3,)]),
    ("Linear", (3, 1), {}, [(2, 5, 3)]),
    ("Linear", (3, 2), {}, [(0, 3)]),
    ("Identity", (54, "ignored"), {"also": 1}, [(2, 3)]),
    ("Bilinear", (3, 4, 2), {}, [(5, 3), (5, 4)]),
    ("Bilinear", (3, 4, 2), {"bias": False}, [(2, 5, 3), (2, 5, 4)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)
def test_parity(reference, name, args, kwargs, shapes):
    assert_layer_parity(reference, name, args, kwargs, shapes)


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args", "shapes"), [("Linear", (3, 2), [(4, 3)]), ("Bilinear", (2, 3, 2), [(2, 2), (2, 3)])]
)
def test_gradcheck(name, args, shapes):
    assert_gradcheck(make_layer(torch, name, args), *make_inputs(shapes, np.float64))


def test_linear_is_what_it_says():
    layer = nn.Linear(2, 3)
    layer.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    layer.bias.data = torch.tensor([10.0, 20.0, 30.0])
    assert layer(torch.tensor([1.0, 2.0])).tolist() == [11.0, 22.0, 33.0]


def test_linear_starts_even_over_the_interval_of_pytorch():
    layer = nn.Linear(100, 400)
    bound = 1 / math.sqrt(100)
    for values in (layer.weight.numpy(force=True), layer.bias.numpy(force=True)):
        assert np.abs(values).max() <= bound
        assert values.mean() == pytest.approx(0, abs=5 * bound / math.sqrt(3 * values.size))
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.08)
        assert values.min() < -0.97 * bound
        assert values.max() > 0.97 * bound
    assert layer.weight.requires_grad
    assert layer.bias.requires_grad


def test_bilinear_starts_even_over_the_interval_of_pytorch():
    layer = nn.Bilinear(25, 30, 40)
    values = layer.weight.numpy(force=True)
    assert np.abs(values).max() <= 0.2
    assert values.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.03)
    assert np.abs(layer.bias.numpy(force=True)).max() <= 0.2


def test_the_same_seed_gives_the_same_layer():
    torch.manual_seed(3)
    first = nn.Linear(3, 2)
    torch.manual_seed(3)
    second = nn.Linear(3, 2)
    assert first.weight.tolist() == second.weight.tolist()
    second.reset_parameters()
    assert first.weight.tolist() != second.weight.tolist()


def test_linear_without_inputs_is_its_bias():
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        layer = nn.Linear(0, 2)
    assert layer(torch.zeros(3, 0)).tolist() == [[0.0, 0.0]] * 3


def test_dtype():
    layer = nn.Linear(2, 3, dtype=torch.float64)
    assert (layer.weight.dtype, layer.bias.dtype) == (torch.float64, torch.float64)
    assert nn.Bilinear(2, 2, 2, dtype=torch.float64).bias.dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Linear(3, 4)(torch.zeros(2, 5)), RuntimeError, ["5", "3", "Linear"]),
        (
            lambda: nn.Linear(3, 4)(torch.zeros(2, 3, dtype=torch.float64)),
            RuntimeError,
            ["float64", "float32"],
        ),
        (lambda: nn.Bilinear(0, 1, 1), ValueError, ["in1_features must be > 0", "0"]),
        (lambda: nn.Linear(3, 4)([1.0, 2.0, 3.0]), TypeError, ["list"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert all(word in text for word in words), text


@pytest.mark.parametrize("rows", [1, 1024, 1025, 5000, 70_000])
def test_the_gradient_of_the_bias_of_many_rows(rows):
    """It is a sum over all of them, in pieces."""
    layer = nn.Linear(2, 3)
    weights = np.random.default_rng(0).standard_normal((rows, 3)).astype(np.float32)
    (layer(torch.ones(rows, 2)) * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(
        numbers(layer.bias.grad), weights.sum(axis=0, dtype=np.float64), rtol=1e-5, atol=1e-4
    )
