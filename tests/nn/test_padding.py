from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

LAYERS = [
    ("ConstantPad1d", (2, 3.5), [(2, 3, 4)]),
    ("ConstantPad1d", ((3, 1), -1), [(3, 4)]),
    ("ConstantPad2d", (1, 0.5), [(2, 3, 4, 5)]),
    ("ConstantPad2d", ((1, 2, -1, 0), 0.5), [(2, 3, 4, 5)]),
    ("ZeroPad1d", (2,), [(2, 3, 4)]),
    ("ZeroPad2d", ((1, 0, 2, 1),), [(2, 3, 4, 5)]),
    ("ReflectionPad1d", ((3, 1),), [(2, 3, 4)]),
    ("ReflectionPad2d", ((1, 2, 3, 0),), [(2, 3, 4, 5)]),
    ("ReplicationPad1d", ((5, 1),), [(2, 3, 4)]),
    ("ReplicationPad2d", (2,), [(2, 3, 4, 5)]),
    ("ConstantPad3d", ((1, 2, -1, 0, 1, 0), 0.5), [(2, 3, 2, 4, 5)]),
    ("ZeroPad3d", (1,), [(3, 2, 3, 2)]),
    ("ReflectionPad3d", ((1, 2, 1, 0, 0, 1),), [(1, 2, 3, 4, 5)]),
    ("ReplicationPad3d", (2,), [(1, 2, 3, 2, 2)]),
    ("CircularPad3d", ((1, 2, 1, 0, 0, 1),), [(1, 2, 3, 4, 5)]),
    ("CircularPad1d", ((4, 1),), [(2, 3, 4)]),
    ("CircularPad2d", ((1, 2, 3, 0),), [(2, 3, 4, 5)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "shapes"), LAYERS)
def test_parity(reference, name, args, shapes):
    assert_layer_parity(reference, name, args, {}, shapes)


@pytest.mark.gradcheck
@pytest.mark.parametrize("name", ["ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"])
def test_gradcheck(name):
    assert_gradcheck(make_layer(torch, name, ((1, 2, 0, 1),)), *make_inputs([(1, 2, 3)], np.float64))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.ZeroPad2d((1, 2, 3)), ["ZeroPad2d", "4 ints", "(1, 2, 3)"]),
        (
            lambda: nn.ReflectionPad1d(3)(torch.ones(1, 1, 3)),
            ["less than the corresponding input dimension", "(3, 3)"],
        ),
    ],
)
def test_errors(call, words):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
