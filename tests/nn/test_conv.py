from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

LAYERS = [
    ("Conv2d", (3, 4, 3), {}, [(2, 3, 6, 5)]),
    ("Conv2d", (3, 4, 3), {}, [(3, 6, 5)]),
    ("Conv2d", (2, 4, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}, [(2, 2, 7, 8)]),
    ("Conv2d", (4, 6, 3), {"groups": 2, "bias": False, "padding": 1}, [(2, 4, 5, 5)]),
    ("Conv2d", (4, 4, 3), {"groups": 4, "padding": "same"}, [(2, 4, 5, 5)]),
    ("Conv2d", (1, 2, 4), {"padding": "same", "dilation": 3}, [(1, 1, 9, 9)]),
    ("Conv2d", (1, 2, 3), {"padding": "valid"}, [(1, 1, 5, 5)]),
    ("Conv2d", (2, 3, 3), {"padding": 2, "padding_mode": "reflect"}, [(2, 2, 5, 5)]),
    ("Conv2d", (2, 3, 3), {"padding": (1, 2), "padding_mode": "replicate"}, [(2, 2, 5, 5)]),
    ("Conv2d", (2, 3, 3), {"padding": (2, 1), "padding_mode": "circular", "stride": 2}, [(2, 2, 5, 5)]),
    ("Conv2d", (2, 3, (4, 2)), {"padding": "same", "padding_mode": "circular"}, [(2, 2, 6, 6)]),
    ("Conv2d", (2, 3, 3), {"padding": "valid", "padding_mode": "reflect"}, [(2, 2, 5, 5)]),
    ("Conv1d", (3, 4, 3), {}, [(2, 3, 9)]),
    ("Conv1d", (3, 4, 3), {"stride": 2, "padding": 1, "dilation": 2}, [(3, 9)]),
    ("Conv1d", (4, 4, 2), {"groups": 2, "padding": "same", "bias": False}, [(2, 4, 9)]),
    ("Conv1d", (2, 3, 3), {"padding": 1, "padding_mode": "circular"}, [(2, 2, 5)]),
    ("ConvTranspose2d", (3, 4, 3), {}, [(2, 3, 4, 5)]),
    ("ConvTranspose2d", (4, 2, 2), {"stride": 2}, [(2, 4, 3, 3)]),
    (
        "ConvTranspose2d",
        (4, 6, 3),
        {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
        [(2, 4, 4, 3)],
    ),
    ("ConvTranspose2d", (2, 3, (2, 3)), {"dilation": (2, 1), "bias": False}, [(1, 2, 4, 4)]),
    ("ConvTranspose2d", (2, 3, 2), {}, [(2, 4, 4)]),
    ("ConvTranspose1d", (3, 4, 3), {"stride": 2, "padding": 1, "output_padding": 1}, [(2, 3, 5)]),
    ("ConvTranspose1d", (4, 2, 3), {"dilation": 2, "groups": 2, "bias": False}, [(2, 4, 5)]),
    ("Conv3d", (2, 4, (2, 3, 3)), {"padding": 1, "groups": 2}, [(2, 2, 3, 4, 5)]),
    ("Conv3d", (2, 3, 2), {"padding": "same", "padding_mode": "circular"}, [(2, 3, 4, 3)]),
    ("ConvTranspose3d", (2, 3, 2), {"stride": 2, "output_padding": 1}, [(2, 2, 2, 3, 2)]),
    ("Unfold", (2,), {}, [(2, 3, 4, 5)]),
    ("Unfold", ((2, 3),), {"dilation": (2, 1), "padding": (1, 2), "stride": (1, 2)}, [(2, 3, 5, 6)]),
    ("Unfold", (2,), {"padding": 1}, [(3, 4, 5)]),
]


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)
def test_parity(reference, name, args, kwargs, shapes):
    assert_layer_parity(reference, name, args, kwargs, shapes, rtol=1e-4, atol=1e-5)


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args", "kwargs", "shape"),
    [
        ("Conv2d", (2, 2, 2), {"stride": 2, "padding": 1}, (1, 2, 3, 3)),
        ("Conv2d", (1, 1, 2), {"padding": 1, "padding_mode": "circular"}, (1, 1, 3, 3)),
        ("Conv1d", (2, 2, 2), {"dilation": 2}, (1, 2, 4)),
        ("ConvTranspose2d", (2, 1, 2), {"stride": 2}, (1, 2, 2, 2)),
        ("ConvTranspose1d", (2, 1, 2), {"stride": 2}, (1, 2, 3)),
        ("Unfold", (2,), {}, (1, 1, 3, 3)),
    ],
)
def test_gradcheck(name, args, kwargs, shape):
    assert_gradcheck(make_layer(torch, name, args, kwargs), *make_inputs([shape], np.float64))


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (lambda: nn.Conv2d(4, 100, (3, 5)), 4 * 15),
        (lambda: nn.Conv2d(4, 100, 5, groups=2), 2 * 25),
        (lambda: nn.Conv1d(8, 200, 5), 8 * 5),
        (lambda: nn.ConvTranspose2d(100, 4, 5), 4 * 25),
    ],
)
def test_starts_even_over_the_interval_of_pytorch(layer, fan_in):
    layer = layer()
    bound = 1 / math.sqrt(fan_in)
    weight = layer.weight.numpy(force=True)
    assert np.abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert np.abs(layer.bias.numpy(force=True)).max() <= bound
    assert np.abs(layer.bias.numpy(force=True)).max() > 0.3 * bound


def test_an_identity_kernel_shifts_nothing():
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight)
    image = torch.randn(1, 1, 5, 5)
    assert layer(image).tolist() == image.tolist()


@pytest.mark.torch_parity
@pytest.mark.parametrize("output_size", [(7, 8), (8, 8), (2, 3, 8, 7)])
def test_output_size(reference, output_size):
    options = {"stride": 2, "padding": 1}
    ours, theirs = (make_layer(lib, "ConvTranspose2d", (2, 3, 3), options) for lib in (torch, reference))
    (x,) = make_inputs([(2, 2, 4, 4)])
    found, expected = ours(torch.tensor(x), output_size), theirs(reference.tensor(x), output_size)
    np.testing.assert_allclose(found.numpy(force=True), expected.numpy(force=True), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="valid sizes range from") as caught:
        ours(torch.tensor(x), (9, 8))
    assert "(9, 8)" in str(caught.value)


def test_a_convolution_is_unfold_and_one_product():
    layer = nn.Conv2d(2, 3, 3, stride=2, padding=1)
    x = torch.randn(4, 2, 7, 6)
    windows = nn.Unfold(3, stride=2, padding=1)(x)  # (4, 18, windows)
    y = layer.weight.reshape(3, -1) @ windows + layer.bias.reshape(3, 1)
    np.testing.assert_allclose(
        y.reshape(4, 3, 4, 3).numpy(force=True), layer(x).numpy(force=True), rtol=1e-4, atol=1e-5
    )


def test_dtype():
    layer = nn.Conv2d(1, 1, 2, dtype=torch.float64)
    assert layer(torch.ones(1, 1, 3, 3, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: nn.Conv2d(3, 4, 3, groups=2),
            ValueError,
            ["in_channels must be divisible by groups", "3", "2"],
        ),
        (
            lambda: nn.Conv2d(4, 3, 3, groups=2),
            ValueError,
            ["out_channels must be divisible by groups", "3", "2"],
        ),
        (lambda: nn.Conv2d(4, 3, 3, groups=0), ValueError, ["groups must be a positive integer", "0"]),
        (
            lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"),
            ValueError,
            ["padding_mode must be one of", "'mirror'"],
        ),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, ["Invalid padding string 'full'", "same"]),
        (
            lambda: nn.Conv2d(1, 1, 3, padding="same", stride=2),
            ValueError,
            ["padding='same' is not supported", "(2, 2)"],
        ),
        (lambda: nn.Conv2d(1, 1, (1, 2, 3)), RuntimeError, ["Conv2d", "kernel_size", "(1, 2, 3)"]),
        (
            lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"),
            ValueError,
            ['Only "zeros"', "'reflect'"],
        ),
        (
            lambda: nn.Conv2d(3, 4, 3)(torch.zeros(1, 1, 8, 8)),
            RuntimeError,
            ["3 channels", "got 1 channels", "Conv2d"],
        ),
        (
            lambda: nn.Conv2d(3, 4, 3)(torch.zeros(3, 3)),
            RuntimeError,
            ["3D (unbatched) or 4D (batched)", "[3, 3]"],
        ),
        (
            lambda: nn.Conv2d(1, 4, 5)(torch.zeros(1, 1, 3, 3)),
            RuntimeError,
            ["Kernel size can't be greater", "5", "3"],
        ),
        (lambda: nn.Unfold(4)(torch.zeros(1, 1, 3, 3)), RuntimeError, ["unfold", "4", "3"]),
        (lambda: nn.Unfold(2)(torch.zeros(3, 3)), RuntimeError, ["3D or 4D", "[3, 3]"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert all(word in text for word in words), text
