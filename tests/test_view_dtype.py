"""``view`` with a dtype: the same bytes, read as numbers of another type."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tests.both import check

DTYPES = ["float32", "int32", "uint8", "int64", "float64", "float16", "int16", "complex64"]
TENSORS = [
    "torch.arange(24.0).reshape(2, 3, 4)",
    "torch.arange(8)",
    "torch.tensor(1.5)",
    "torch.arange(24.0).reshape(4, 6).t()",
    "torch.arange(24.0).reshape(4, 6)[:, ::2]",
    "torch.arange(24.0).reshape(4, 6)[:, 1:5]",
    "torch.arange(24.0).reshape(4, 6)[1:]",
    "torch.zeros(0)",
    "torch.zeros(2, 0)",
    "torch.zeros(0, 2)",
    "torch.zeros(3)",
    "torch.ones(2, requires_grad=True)",
    "torch.ones(2, 2).expand(3, 2, 2)",
    "torch.ones(2, 1).expand(2, 4)",
    "torch.arange(8, dtype=torch.uint8)",
    "torch.arange(9, dtype=torch.uint8)[1:]",
]


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch on the CPU")
@pytest.mark.parametrize("tensor", TENSORS)
def test_the_numbers_are_those_of_pytorch(tensor):
    reference = pytest.importorskip("torch")
    for dtype in DTYPES:
        check(f"{tensor}.view(torch.{dtype})", reference)
        check(f"{tensor}.view(dtype=torch.{dtype})", reference)


def test_the_memory_is_shared():
    x = torch.zeros(2)
    x.view(torch.int32)[1] = 0x3FC00000
    assert x.tolist() == [0.0, 1.5]
    assert x.view(torch.int32)._base is x
