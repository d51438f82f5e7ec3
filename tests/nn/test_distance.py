from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs
from tinygrad_edu import nn

LAYERS = [
    ("CosineSimilarity", (), {}, [(4, 3), (4, 3)]),
    ("CosineSimilarity", (), {"dim": 0}, [(4, 3), (4, 3)]),
    ("CosineSimilarity", (-1,), {"eps": 1e-4}, [(2, 4, 3), (2, 4, 3)]),
    ("CosineSimilarity", (1,), {}, [(4, 3), (1, 3)]),
    ("PairwiseDistance", (), {}, [(4, 3), (4, 3)]),
    ("PairwiseDistance", (1.0,), {"keepdim": True}, [(4, 3), (4, 3)]),
    ("PairwiseDistance", (3.0,), {"eps": 0.1}, [(3,), (3,)]),
    ("PairwiseDistance", (float("inf"),), {}, [(4, 3), (3,)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)
def test_parity(reference, name, args, kwargs, shapes):
    assert_layer_parity(reference, name, args, kwargs, shapes)


@pytest.mark.gradcheck
@pytest.mark.parametrize("name", ["CosineSimilarity", "PairwiseDistance"])
def test_gradcheck(name):
    assert_gradcheck(getattr(nn, name)(), *make_inputs([(3, 2), (3, 2)], np.float64))


def test_equal_vectors_and_zeros():
    x = torch.randn(4, 3)
    assert nn.CosineSimilarity()(x, 0 * x).tolist() == [0.0] * 4
    assert nn.CosineSimilarity()(x, 5 * x).tolist() == pytest.approx([1.0] * 4)
    assert nn.PairwiseDistance(eps=0.0)(x, x).tolist() == [0.0] * 4
