"""Devices and array modules."""

from __future__ import annotations

import pytest
import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import backend
from tests.both import check

SAME_AS_PYTORCH = [
    "torch.zeros(1, device='cpu')",
    "torch.zeros(1, device=torch.device('cpu'))",
    "torch.zeros(1, device='tpu')",
    "torch.zeros(1, device='cpu:0').device",
    "torch.device('cpu')",
    "torch.device('cuda:1')",
    "torch.device('cuda', 1)",
    "torch.device('cuda:1').index",
    "torch.device('cpu').type",
    "str(torch.device('cuda:1'))",
    "torch.device('cuda') == torch.device('cuda:0')",
    "torch.device('cpu') == 'cpu'",
    "torch.device('foo')",
    "torch.device('cuda:x')",
    "torch.device('cuda:-1')",
    "torch.device('cuda:1', 1)",
    "torch.device(type='cuda', index=2)",
    "hash(torch.device('cpu')) == hash(torch.device('cpu'))",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))
