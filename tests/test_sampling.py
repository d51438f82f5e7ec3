"""Tensors of random numbers."""

from __future__ import annotations

import pytest
import numpy as np

import tinygrad_edu as torch
from tests.both import check

SAME_AS_PYTORCH = [
    "torch.rand(2, 3).shape",
    "torch.rand(2, dtype=torch.float64).dtype",
    "torch.rand(2, dtype=torch.int64)",
    "torch.randn(2, dtype=torch.int64)",
    "torch.randn(2, 3, requires_grad=True).requires_grad",
    "torch.rand(()).shape",
    "torch.rand(-1)",
    "torch.randint(3, (2,)).dtype",
    "torch.randint(2, 5, (2, 3)).shape",
    "torch.randint(5, 5, (2,))",
    "torch.randint(0, (2,))",
    "torch.randint(low=0, high=3, size=(4,)).shape",
    "torch.randint(3, (2,), dtype=torch.float32).dtype",
    "torch.randint(3, size=(2,)).shape",
    "torch.randperm(0)",
    "torch.randperm(5).sort().values",
    "torch.randperm(-1)",
    "torch.randperm(5, dtype=torch.int32).dtype",
    "torch.rand_like(torch.ones(2, 3)).shape",
    "torch.rand_like(torch.ones(2, 3, dtype=torch.int64))",
    "torch.randn_like(torch.ones(2, dtype=torch.float64)).dtype",
    "torch.normal(0.0, 1.0, (2,)).shape",
    "torch.normal(torch.zeros(3), torch.ones(3)).shape",
    "torch.normal(torch.zeros(3), 1.0).shape",
    "torch.normal(0.0, torch.ones(3)).shape",
    "torch.normal(torch.zeros(3)).shape",
    "torch.normal(torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)).dtype",
    "torch.normal(0.0, -1.0, (2,))",
    "torch.bernoulli(torch.tensor([0.0, 1.0]))",
    "torch.bernoulli(torch.tensor([0.0, 1.0], dtype=torch.float64))",
    "torch.bernoulli(torch.tensor([2.0]))",
    "torch.bernoulli(torch.tensor([1]))",
    "torch.multinomial(torch.tensor([0.0, 1.0]), 1)",
    "torch.multinomial(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), 1)",
    "torch.multinomial(torch.tensor([1.0, 1.0]), 3)",
    "torch.multinomial(torch.tensor([1.0, 1.0]), 3, True).shape",
    "torch.multinomial(torch.tensor([1.0, -1.0]), 1)",
    "torch.multinomial(torch.tensor([0.0, 0.0]), 1)",
    "torch.multinomial(torch.ones(2, 2, 2), 1)",
    "torch.multinomial(torch.tensor([1, 1]), 1)",
    "torch.multinomial(torch.tensor([1.0, 1.0]), 0)",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))
