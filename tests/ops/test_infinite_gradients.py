"""An infinite gradient that meets a function at its flat side is stopped there: 0, not NaN."""

from __future__ import annotations

import math

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu.ops.elementwise.select import keep


@pytest.mark.parametrize(
    "function",
    [
        F.relu,
        F.relu6,
        lambda x: x.clamp(min=0),
        lambda x: F.hardtanh(x, 0, 9),
        lambda x: torch.maximum(x, torch.tensor(0.0)),
        lambda x: torch.where(x > 0, x, 0.0),
    ],
)
def test_distances_of_nothing(function):
    x = torch.tensor([-1.0, 4.0], requires_grad=True)
    function(x).sqrt().sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_keep(dtype):
    x = torch.tensor([math.inf, 1.0, math.nan, -math.inf, -0.0], dtype=dtype)
    kept = keep(x, torch.tensor([False, True, False, True, False]))
    assert kept.tolist() == [0.0, 1.0, 0.0, -math.inf, 0.0]
    assert kept.dtype == dtype
    assert keep(x[::2], torch.tensor([True, False, True])).tolist() == [math.inf, 0.0, 0.0]
    assert keep(torch.tensor(2.0), torch.tensor(True)).item() == 2.0


def test_a_nan_passes_relu_both_ways():
    x = torch.tensor([math.nan, 1.0], requires_grad=True)
    y = F.relu(x)
    (y * 3).sum().backward()
    assert math.isnan(y[0].item())
    assert x.grad.tolist() == [3.0, 3.0]
