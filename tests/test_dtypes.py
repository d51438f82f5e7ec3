"""Data types and their promotion."""

from __future__ import annotations

import pytest
import copy
import pickle

import numpy as np

import tinygrad_edu as torch
from tests.both import check

SAME_AS_PYTORCH = [
    "torch.promote_types(torch.int32, torch.float16)",
    "torch.float32.is_floating_point",
    "torch.int8.is_signed",
    "torch.uint8.is_signed",
    "torch.bool.is_signed",
    "torch.complex64.is_complex",
    "torch.float64.itemsize",
    "torch.float == torch.float32",
    "torch.long is torch.int64",
    "(torch.double, torch.half, torch.short, torch.int, torch.cfloat, torch.cdouble)",
    "torch.finfo(torch.float32).eps",
    "torch.finfo(torch.float32).max",
    "torch.finfo(torch.float16).tiny",
    "torch.finfo(torch.float64).min",
    "torch.finfo().bits",
    "torch.iinfo(torch.int32).max",
    "torch.iinfo(torch.uint8).min",
    "torch.result_type(torch.ones(1, dtype=torch.int32), 1.0)",
    "torch.can_cast(torch.float32, torch.int32)",
    "torch.get_default_dtype()",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))
