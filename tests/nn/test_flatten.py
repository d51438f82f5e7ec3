from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

LAYERS = [
    ("Flatten", (), [(2, 3, 4)]),
    ("Flatten", (0,), [(2, 3, 4)]),
    ("Flatten", (1, 2), [(2, 3, 4, 5)]),
    ("Flatten", (-2,), [(2, 3, 4)]),
    ("Unflatten", (1, (2, 3)), [(4, 6)]),
    ("Unflatten", (-1, (2, -1)), [(4, 6)]),
    ("PixelShuffle", (2,), [(2, 8, 3, 4)]),
    ("PixelShuffle", (3,), [(9, 2, 2)]),
    ("PixelUnshuffle", (2,), [(2, 3, 4, 6)]),
    ("ChannelShuffle", (3,), [(2, 6, 4)]),
    ("ChannelShuffle", (2,), [(2, 4, 3, 2)]),
    ("Fold", ((3, 4), 2), [(2, 12, 6)]),
    ("Fold", ((4, 5), (2, 3), (2, 1), (1, 2), (1, 2)), [(12, 16)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "shapes"), LAYERS)
def test_parity(reference, name, args, shapes):
    assert_layer_parity(reference, name, args, {}, shapes)


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args"), [("Flatten", ()), ("Unflatten", (1, (2, 2))), ("PixelShuffle", (2,))]
)
def test_gradcheck(name, args):
    assert_gradcheck(make_layer(torch, name, args), *make_inputs([(1, 4, 2, 1)], np.float64))


def test_unshuffle_undoes_shuffle():
    x = torch.randn(2, 12, 3, 5)
    assert nn.PixelUnshuffle(2)(nn.PixelShuffle(2)(x)).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Unflatten(1, 3), TypeError, ["unflattened_size must be a tuple of ints", "3"]),
        (lambda: nn.Unflatten(1, ("a", 2)), TypeError, ["unflattened_size must be a tuple of ints", "'a'"]),
        (lambda: nn.Unflatten(1, (2, 4))(torch.ones(3, 6)), RuntimeError, ["6", "2, 4"]),
        (
            lambda: nn.PixelShuffle(2)(torch.ones(1, 6, 2, 2)),
            RuntimeError,
            ["pixel_shuffle", "4", "[1, 6, 2, 2]"],
        ),
        (
            lambda: nn.PixelUnshuffle(2)(torch.ones(1, 1, 3, 2)),
            RuntimeError,
            ["pixel_unshuffle", "2", "[1, 1, 3, 2]"],
        ),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
