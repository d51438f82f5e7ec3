"""Every function that takes a number, with numbers that the dtype holds and that it does not hold, against PyTorch."""

from __future__ import annotations

import builtins
import itertools

import numpy as np
import pytest

import tinygrad_edu
from tests.both import agree, outcome
from tinygrad_edu.scalars import checked_scalar

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
NUMBERS = [
    "0", "3", "-1", "127", "128", "255", "256", "-129", "300", "70000", "2**31", "2**63", "2**64", "-(2**63) - 1",
    "1.5", "-200.7", "70000.0", "1e300", "math.inf", "-math.inf", "math.nan", "True", "2 + 0j", "1j",
]  # fmt: skip

# x is a vector of two zeros, n the number.
WRITTEN = {
    "fill_": "x.fill_(n)",
    "full": "torch.full((2,), n, dtype=d)",
    "full without dtype": "torch.full((2,), n)",
    "full_like": "torch.full_like(x, n)",
    "new_full": "x.new_full((2,), n)",
    "constant_": "torch.nn.init.constant_(x, n)",
    "tensor": "torch.tensor(n, dtype=d)",
    "tensor of a list": "torch.tensor([1, n], dtype=d)",
    "as_tensor": "torch.as_tensor([n], dtype=d)",
    "new_tensor": "x.new_tensor([n])",
    "setitem": "(x.__setitem__(0, n), x)[1]",
    "setitem with a mask": "(x.__setitem__(x == 0, n), x)[1]",
    "masked_fill": "x.masked_fill(x == 0, n)",
    "masked_fill_": "x.masked_fill_(x == 0, n)",
    "index_fill_": "x.index_fill_(0, torch.tensor([0]), n)",
    "scatter": "x.scatter(0, torch.tensor([0]), n)",
    "scatter_": "x.scatter_(0, torch.tensor([0]), n)",
    "where": "torch.where(x != 0, x, n)",
    "where, left": "torch.where(x == 0, n, x)",
    "where of two numbers": "torch.where(x == 0, n, n)",
    "clamp max": "torch.clamp(x, max=n)",
    "clamp min": "torch.clamp(x, min=n)",
    "clamp both": "torch.clamp(x, -1, n)",
    "clamp_": "x.clamp_(n)",
    "threshold": "torch.nn.functional.threshold(x, n, n)",
    "pad": "torch.nn.functional.pad(x, (1, 1), value=n)",
    "linspace": "torch.linspace(0, n, 3, dtype=d)",
    "arange": "torch.arange(n, n + 2, dtype=d)",
    "add alpha": "torch.add(x, x, alpha=n)",
    "sub alpha": "torch.sub(x, x, alpha=n)",
    "addcmul value": "torch.addcmul(x, x, x, value=n)",
    "index_add alpha": "x.index_add(0, torch.tensor([0]), x[:1], alpha=n)",
    "addmm beta": "torch.addmm(x[None], x[None][:, :1], x[None], beta=n)",
    "addmm alpha": "torch.addmm(x[None], x[None][:, :1], x[None], alpha=n)",
    "hardtanh": "torch.nn.functional.hardtanh(x, n, n)",
}
COMPUTED = {
    "add": "x + n",
    "add_": "x.add_(n)",
    "radd": "n + x",
    "sub": "x - n",
    "rsub": "n - x",
    "mul": "(x + 1) * n",
    "mul_": "x.mul_(n)",
    "div": "x / n",
    "eq": "x == n",
    "lt": "x < n",
    "ge": "x >= n",
    "maximum of a tensor": "torch.maximum(x, torch.tensor(n))",
    "bitwise_and": "x & n",
    "bitwise_or": "x | n",
}


# What differs on purpose: (name, dtype, number), any part may be *.
KNOWN = [
    # Complex numbers beside float16 make complex32 in PyTorch, which there is not here.
    ("*", "float16", "2 + 0j"),
    ("*", "float16", "1j"),
    # Numbers of which the first is infinite in float16: PyTorch multiplies in float32.
    ("mul_", "float16", "*"),
    ("addcmul value", "float16", "*"),
    ("index_add alpha", "float16", "*"),
    ("addmm beta", "float16", "*"),
    ("addmm alpha", "float16", "*"),
    # An integer from 2**63 on is of dtype uint64 in PyTorch where nothing else gives it one; there is none here.
    ("*", "bool", "2**63"),
    ("where of two numbers", "*", "2**63"),
    ("pad", "int64", "2**63"),
    # Which of two errors comes first.
    ("sub", "bool", "*"),
    ("rsub", "bool", "*"),
    ("sub alpha", "bool", "*"),
    ("linspace", "bool", "*"),
    ("threshold", "bool", "*"),
    ("addcmul value", "bool", "*"),
    ("hardtanh", "bool", "*"),
    ("addmm beta", "bool", "*"),
    ("addmm alpha", "bool", "*"),
    ("hardtanh", "uint8", "-(2**63) - 1"),
    ("arange", "bool", "1j"),
    # 2**31 and 2**31 + 2 are one number in float32.
    ("arange", "float16", "2**31"),
    # A factor 1 of any kind is left out; -alpha is what PyTorch checks.
    ("add alpha", "*", "True"),
    ("sub alpha", "*", "True"),
    ("sub alpha", "int8", "128"),
    ("sub alpha", "int32", "2**31"),
    ("sub alpha", "int64", "2**63"),
    # clamp takes complex limits with nothing imaginary, where the input is floating-point.
    ("clamp max", "*", "2 + 0j"),
    ("clamp min", "*", "2 + 0j"),
    ("clamp both", "*", "2 + 0j"),
    ("clamp_", "*", "2 + 0j"),
]


def is_known(*case: str) -> bool:
    return any(all(part in ("*", given) for part, given in zip(known, case, strict=True)) for known in KNOWN)


def same(ours, theirs) -> bool:
    """Tell whether both do the same; an error may be a special kind of theirs."""
    if ours[0] == theirs[0] == "error":
        return issubclass(getattr(builtins, ours[1]), getattr(builtins, theirs[1]))
    return agree(ours, theirs)


def mismatches(name: str, expression: str, torch) -> list[str]:
    """Return where this package and PyTorch do not do the same."""
    found = []
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        given = f"(lambda d: (lambda x, n: {expression})(torch.zeros(2, dtype=d), {number}))(torch.{dtype})"
        ours, theirs = outcome(given, tinygrad_edu), outcome(given, torch)
        if not same(ours, theirs) and not is_known(name, dtype, number):
            found.append(f"{name}: {dtype}, {number}\n  here:    {ours}\n  PyTorch: {theirs}")
    return found


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", [*WRITTEN, *COMPUTED])
def test_same_as_pytorch(name):
    found = mismatches(name, {**WRITTEN, **COMPUTED}[name], pytest.importorskip("torch"))
    assert not found, "\n".join(found)


def test_the_error_names_the_function_and_the_limits():
    message = (
        "clamp: value cannot be converted to type int8 .* expected a real number from -128 to 127, got 200"
    )
    with pytest.raises(RuntimeError, match=message):
        tinygrad_edu.zeros(2, dtype=tinygrad_edu.int8).clamp(-100, 200)


def test_what_is_no_number():
    with pytest.raises(TypeError, match="fill_?.*expected a number, got str"):
        tinygrad_edu.zeros(2).fill_("1")


def test_a_scalar_has_the_dtype():
    assert checked_scalar("f", 3, np.dtype("uint8")).dtype == np.uint8
    assert checked_scalar("f", -1, np.dtype("uint8")) == 255
