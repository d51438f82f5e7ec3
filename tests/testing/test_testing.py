"""torch.testing gives PyTorch's verdicts, in PyTorch's words."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as torch

PAIRS = [
    "torch.ones(3), torch.ones(3)",
    "torch.ones(3), torch.ones(3) * 1.00001",
    "torch.ones(3), torch.ones(3) * 1.0001",
    "torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.0, 2], [3, 5]])",
    "torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0])",
    "torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64) + 1e-6",
    "torch.ones(3, dtype=torch.float16), torch.ones(3, dtype=torch.float16) * 1.001",
    "torch.ones(3), torch.ones(3, dtype=torch.float64)",
    "torch.ones(3), torch.ones(3, dtype=torch.float64), check_dtype=False",
    "torch.ones(3), torch.ones(3, dtype=torch.int64) * 2, check_dtype=False",
    "torch.ones(3), torch.ones(4)",
    "torch.ones(2, 3).t(), torch.ones(3, 2)",
    "torch.ones(2, 3).t(), torch.ones(3, 2), check_stride=True",
    "torch.tensor([1, 2]), torch.tensor([1, 3])",
    "torch.tensor([1, 2], dtype=torch.uint8), torch.tensor([3, 2], dtype=torch.uint8)",
    "torch.tensor([True, False]), torch.tensor([True, True])",
    "torch.tensor([1 + 1j]), torch.tensor([1 + 2j])",
    "torch.tensor(1.0), torch.tensor(2.0)",
    "torch.tensor(3), torch.tensor(2)",
    "torch.tensor([math.nan]), torch.tensor([math.nan])",
    "torch.tensor([math.nan]), torch.tensor([math.nan]), equal_nan=True",
    "torch.tensor([math.inf, 1.0]), torch.tensor([math.inf, 1.0])",
    "torch.tensor([math.inf, 1.0]), torch.tensor([-math.inf, 1.0])",
    "torch.ones(3), torch.ones(3) * 1.1, rtol=0.2, atol=0",
    "torch.ones(3), torch.ones(3) * 1.1, rtol=0, atol=0",
    "torch.ones(3), torch.ones(3), rtol=0.2",
    "torch.ones(3), torch.ones(3), atol=0.2",
    "torch.ones(3, requires_grad=True), torch.ones(3)",
    "torch.nn.Parameter(torch.ones(3)), torch.ones(3)",
    "torch.nn.Parameter(torch.ones(3)), torch.ones(3), allow_subclasses=False",
    "torch.ones(0), torch.ones(0)",
    # numbers and other things
    "1, 1",
    "1, 2",
    "1.0, 1.0 + 1e-9",
    "1.0, 1.1",
    "1, 1.0",
    "1, 1.0, check_dtype=False",
    "1.0, 0.0",
    "1j, 2j",
    "math.nan, math.nan",
    "math.nan, math.nan, equal_nan=True",
    "True, True",
    "True, False",
    "np.float64(1.0), 1.0",
    "None, None",
    "None, 1",
    "'a', 'a'",
    "torch.ones(1), 1.0",
    "torch.ones(1), [1.0]",
    "np.ones(3), np.ones(3)",
    "np.ones(3), np.ones(3) * 2",
    "np.ones(3), torch.ones(3)",
    # structures
    "[torch.ones(1), 2], (torch.ones(1), 2)",
    "[torch.ones(1), 2], [torch.ones(1), 3]",
    "[1], [1, 2]",
    "{'a': torch.ones(2), 'b': [1, 2]}, {'a': torch.ones(2), 'b': [1, 3]}",
    "{'a': 1}, {'b': 1}",
    "[[1, 5], [2]], [[1, 6], [2, 3]]",
    "[1.0, None], [1.0, 'x']",
    # messages
    "torch.ones(3), torch.zeros(3), msg='my own'",
    "[torch.ones(3)], [torch.zeros(3)], msg=lambda text: f'Header\\n{text}\\nFooter'",
]


def outcome(call: str, package) -> tuple[str, str]:
    try:
        eval(call, {"torch": package, "np": np, "math": math})
    except (AssertionError, TypeError, ValueError) as error:
        return type(error).__name__, str(error).replace("tinygrad_edu._tensor.", "torch.").replace(
            "tinygrad_edu.", "torch."
        )
    return "fine", ""


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
@pytest.mark.parametrize("pair", PAIRS)
def test_verdicts_and_words(pair):
    real = pytest.importorskip("torch")
    call = f"torch.testing.assert_close({pair})"
    assert outcome(call, torch) == outcome(call, real)


MADE = [
    "2, 3, dtype=torch.float32",
    "(2, 3), dtype=torch.float64",
    "[2, 3], dtype=torch.float16, low=0, high=1",
    "2, 3, dtype=torch.complex64",
    "5, dtype=torch.int64",
    "5000, dtype=torch.uint8",
    "5000, dtype=torch.int8, low=-1000, high=1000",
    "5000, dtype=torch.int32, low=0.5, high=1.5",
    "5000, dtype=torch.bool",
    "3, 4, dtype=torch.float32, noncontiguous=True",
    "1, dtype=torch.float32, noncontiguous=True",
    "5000, dtype=torch.int64, low=0, high=2, exclude_zero=True",
    "3, dtype=torch.float32, requires_grad=True",
    "3, dtype=torch.int64, requires_grad=True",
    "3, dtype=torch.float64, low=float('-inf'), high=float('inf')",
    "3, dtype=torch.float32, low=2, high=1",
    "3, dtype=torch.uint8, low=-5, high=-1",
    "3, dtype=torch.float32, low=float('nan')",
    "0, dtype=torch.float32",
    "dtype=torch.float32",
]


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
@pytest.mark.parametrize("arguments", MADE)
def test_make_tensor(arguments):
    """The numbers are others, but where they lie, and all else, is the same."""
    results = []
    for package in (torch, pytest.importorskip("torch")):
        try:
            x = eval(f"torch.testing.make_tensor({arguments}, device='cpu')", {"torch": package})
        except (TypeError, ValueError) as error:
            results.append((type(error).__name__, str(error)))
            continue
        facts = (tuple(x.shape), str(x.dtype), x.requires_grad, x.is_leaf, x.is_contiguous(), x.stride())
        bounds = (0, 0)
        if x.numel() == 5000:  # so many that both ends are there
            bounds = (x.min().item(), x.max().item())
        elif x.numel() and not x.is_complex():
            assert x.abs().max() <= 9 or "inf" in arguments
        results.append((facts, bounds))
    assert results[0] == results[1]


def test_numbers_that_make_tensor_makes():
    x = torch.testing.make_tensor(2000, dtype=torch.float32, device="cpu", low=-1, high=3)
    assert -1 <= x.min() < -0.95
    assert 2.95 < x.max() < 3
    z = torch.testing.make_tensor(2000, dtype=torch.complex64, device="cpu")
    assert 8.9 < z.real.max() < 9
    assert -9 <= z.imag.min() < -8.9
    with pytest.warns(FutureWarning, match="Passing `low==high`"):
        torch.testing.make_tensor(2, dtype=torch.float32, device="cpu", low=1, high=1)
