from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

LAYERS = [
    ("MaxPool2d", (2,), {}, [(2, 3, 6, 7)]),
    ("MaxPool2d", (2,), {}, [(3, 6, 7)]),
    ("MaxPool2d", ((3, 2),), {"stride": (2, 1), "padding": (1, 0)}, [(2, 3, 6, 7)]),
    ("MaxPool2d", (3, 2, 1), {"dilation": 2, "ceil_mode": True}, [(2, 3, 8, 9)]),
    ("MaxPool1d", (3,), {"stride": 2, "padding": 1}, [(2, 3, 8)]),
    ("MaxPool1d", (2,), {"ceil_mode": True}, [(3, 7)]),
    ("AvgPool2d", (2,), {}, [(2, 3, 6, 7)]),
    ("AvgPool2d", (3, 2, 1), {"count_include_pad": False, "ceil_mode": True}, [(2, 3, 6, 7)]),
    ("AvgPool2d", ((3, 2),), {"stride": (2, 1), "padding": (1, 0), "divisor_override": 5}, [(2, 3, 6, 7)]),
    ("AvgPool1d", (3,), {}, [(2, 3, 9)]),
    ("AvgPool1d", (3, 2, 1), {"ceil_mode": True, "count_include_pad": False}, [(2, 3, 8)]),
    ("AdaptiveAvgPool2d", (1,), {}, [(2, 3, 6, 7)]),
    ("AdaptiveAvgPool2d", ((4, 3),), {}, [(2, 3, 6, 7)]),
    ("AdaptiveAvgPool2d", ((None, 3),), {}, [(3, 6, 7)]),
    ("AdaptiveAvgPool1d", (3,), {}, [(2, 3, 8)]),
    ("AdaptiveMaxPool2d", ((4, 3),), {}, [(2, 3, 6, 7)]),
    ("AdaptiveMaxPool1d", (3,), {}, [(2, 3, 8)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)
def test_parity(reference, name, args, kwargs, shapes):
    assert_layer_parity(reference, name, args, kwargs, shapes)


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("MaxPool2d", (2,), (1, 2, 4, 4)),
        ("MaxPool1d", (2,), (1, 2, 4)),
        ("AvgPool2d", (2, 1, 1), (1, 1, 3, 3)),
        ("AvgPool1d", (2,), (1, 2, 4)),
        ("AdaptiveAvgPool2d", ((2, 3),), (1, 1, 5, 4)),
        ("AdaptiveMaxPool2d", ((2, 3),), (1, 1, 5, 4)),
    ],
)
def test_gradcheck(name, args, shape):
    assert_gradcheck(make_layer(torch, name, args), *make_inputs([shape], np.float64))


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("MaxPool2d", (2, 1), (2, 3, 5, 5)),
        ("MaxPool1d", (3,), (2, 3, 9)),
        ("AdaptiveMaxPool2d", ((2, 3),), (2, 3, 5, 5)),
        ("AdaptiveMaxPool1d", (3,), (2, 3, 7)),
    ],
)
def test_return_indices(reference, name, args, shape):
    (x,) = make_inputs([shape])
    found = getattr(nn, name)(*args, return_indices=True)(torch.tensor(x))
    expected = getattr(reference.nn, name)(*args, return_indices=True)(reference.tensor(x))
    assert found[1].dtype == torch.int64
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.numpy(force=True), theirs.numpy(force=True))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.MaxPool2d(2)(torch.ones(2, 2)), ["max_pool2d", "3D or 4D", "[2, 2]"]),
        (lambda: nn.MaxPool2d(2, padding=2)(torch.ones(1, 1, 4, 4)), ["pad should be at most half", "2"]),
        (lambda: nn.AvgPool2d(5)(torch.ones(1, 1, 4, 4)), ["Output size is too small", "5", "4"]),
        (
            lambda: nn.AdaptiveAvgPool2d((1, 2, 3))(torch.ones(1, 1, 4, 4)),
            ["output_size", "2 ints", "(1, 2, 3)"],
        ),
        (lambda: nn.AvgPool1d((1, 2)), ["AvgPool1d", "kernel_size", "(1, 2)"]),
        (lambda: nn.AvgPool2d(2, divisor_override=0)(torch.ones(1, 1, 4, 4)), ["divisor must be not zero"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, words):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
