from __future__ import annotations

import re

import pytest

import tinygrad_edu as torch
from tinygrad_edu.nn import init


def test_fans():
    assert init._calculate_fan_in_and_fan_out(torch.empty(60, 40, 3, 2)) == (40 * 6, 60 * 6)
    assert init._calculate_fan_in_and_fan_out(torch.empty(7, 5)) == (5, 7)
    with pytest.raises(ValueError, match=r"fewer than 2 dimensions, got \[3\]"):
        init._calculate_fan_in_and_fan_out(torch.empty(3))


@pytest.mark.torch_parity
def test_gains_are_those_of_pytorch(reference):
    names = [
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose2d",
        "sigmoid",
        "tanh",
        "relu",
        "selu",
        "leaky_relu",
    ]
    for name in names:
        assert init.calculate_gain(name) == reference.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.2) == reference.nn.init.calculate_gain("leaky_relu", 0.2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gelu",), "Unsupported nonlinearity gelu; expected one of leaky_relu, linear"),
        (("leaky_relu", "steep"), "negative_slope steep not a valid number"),
    ],
)
def test_errors_name_what_was_expected_and_what_came(arguments, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        init.calculate_gain(*arguments)
