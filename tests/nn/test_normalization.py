from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

LAYERS = [
    ("LayerNorm", (5,), {}, [(4, 5)]),
    ("LayerNorm", ((3, 5),), {"eps": 1e-3}, [(2, 4, 3, 5)]),
    ("LayerNorm", ([5],), {"elementwise_affine": False}, [(4, 5)]),
    ("LayerNorm", (5,), {"bias": False}, [(4, 5)]),
    ("RMSNorm", (5,), {}, [(4, 5)]),
    ("RMSNorm", ((3, 5),), {"eps": 1e-2}, [(2, 3, 5)]),
    ("RMSNorm", (5,), {"elementwise_affine": False}, [(4, 5)]),
    ("GroupNorm", (2, 6), {}, [(3, 6, 4)]),
    ("GroupNorm", (6, 6), {"eps": 1e-2}, [(3, 6, 4, 2)]),
    ("GroupNorm", (1, 6), {"affine": False}, [(3, 6, 2, 2)]),
    ("GroupNorm", (3, 6), {}, [(3, 6)]),
    ("GroupNorm", (3, 6), {"bias": False}, [(3, 6, 2)]),
    ("LocalResponseNorm", (2,), {}, [(2, 5, 4, 3)]),
    ("LocalResponseNorm", (3,), {"alpha": 0.5, "beta": 0.6, "k": 2.0}, [(2, 5, 4)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)
def test_parity(reference, name, args, kwargs, shapes):
    assert_layer_parity(reference, name, args, kwargs, shapes, rtol=1e-4, atol=1e-5)


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("LayerNorm", (3,), (2, 3)),
        ("RMSNorm", (3,), (2, 3)),
        ("GroupNorm", (2, 4), (2, 4, 2)),
        ("LocalResponseNorm", (3, 0.5), (1, 4, 2)),
    ],
)
def test_gradcheck(name, args, shape):
    assert_gradcheck(make_layer(torch, name, args), *make_inputs([shape], np.float64))


def test_layer_norm_gives_every_sample_mean_0_and_variance_1():
    y = nn.LayerNorm(64)(torch.randn(8, 64) * 5 + 3).numpy(force=True)
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(1), 1, rtol=1e-3)


def test_start_values():
    for layer in (nn.LayerNorm(3), nn.GroupNorm(1, 3)):
        assert (layer.weight.tolist(), layer.bias.tolist()) == ([1.0] * 3, [0.0] * 3)
    assert nn.RMSNorm(3).weight.tolist() == [1.0] * 3
    assert list(nn.RMSNorm(3).state_dict()) == ["weight"]
    assert nn.LayerNorm(3, dtype=torch.float64).weight.dtype == torch.float64


def test_reset_parameters():
    for layer in (nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.RMSNorm(3)):
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.fill_(7.0)
        layer.reset_parameters()
        assert layer.weight.tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.LayerNorm(4)(torch.ones(2, 3)), RuntimeError, ["layer_norm", "[4]", "[2, 3]"]),
        (lambda: nn.RMSNorm(4)(torch.ones(2, 3)), RuntimeError, ["rms_norm", "[4]", "[2, 3]"]),
        (lambda: nn.GroupNorm(2, 3), ValueError, ["num_channels (3) must be divisible by num_groups (2)"]),
        (lambda: nn.GroupNorm(0, 3), ValueError, ["num_groups (0)"]),
        (
            lambda: nn.GroupNorm(2, 4, affine=False)(torch.ones(2, 3, 2)),
            RuntimeError,
            ["divisible by num_groups", "[2, 3, 2]", "2"],
        ),
        (lambda: nn.LocalResponseNorm(2)(torch.ones(2, 3)), ValueError, ["3D or higher", "2 dimensions"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
