"""Data types and their promotion."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

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
    "repr(torch.finfo(torch.float64)), str(torch.finfo(torch.bfloat16)), repr(torch.finfo(torch.float16))",
    "repr(torch.iinfo(torch.int64)), str(torch.iinfo(torch.uint8))",
    "float(torch.tensor([2 + 0j])), int(torch.tensor(2 + 0j))",
    "float(torch.tensor(2 + 1j))",
    "int(torch.tensor(2 + 1j))",
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


NAMES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_promotion_tables(a, b):
    pytorch = pytest.importorskip("torch")
    if "float16" in (a, b) and "complex" in a + b:
        pytest.skip("there is no complex32 here")
    for expression in (
        f"torch.promote_types(torch.{a}, torch.{b})",
        f"torch.can_cast(torch.{a}, torch.{b})",
        f"torch.result_type(torch.ones(1, dtype=torch.{a}), torch.ones(1, dtype=torch.{b}))",
        f"torch.result_type(torch.ones(1, dtype=torch.{a}), torch.ones((), dtype=torch.{b}))",
        f"torch.result_type(torch.ones((), dtype=torch.{a}), torch.ones((), dtype=torch.{b}))",
        f"(torch.ones(1, dtype=torch.{a}) + torch.ones((), dtype=torch.{b})).dtype",
        f"(torch.ones(1, dtype=torch.{a}) * torch.ones(1, dtype=torch.{b})).dtype",
    ):
        check(expression, pytorch)


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", ["True", "2", "2.5", "2j"])
def test_numbers(name, number):
    pytorch = pytest.importorskip("torch")
    if (name, number) == ("float16", "2j"):
        pytest.skip("there is no complex32 here")
    for ones in (f"torch.ones(2, dtype=torch.{name})", f"torch.ones((), dtype=torch.{name})"):
        check(f"{ones} + {number}", pytorch)
        check(f"{number} * {ones}", pytorch)
        check(f"torch.result_type({ones}, {number})", pytorch)


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
@pytest.mark.filterwarnings("ignore:Casting complex values to real")
def test_conversions(name, other):
    check(f"torch.tensor([0, 1, 2], dtype=torch.{name}).to(torch.{other})", pytest.importorskip("torch"))


def test_dtypes_are_one_object_each():
    assert pickle.loads(pickle.dumps(torch.float32)) is torch.float32
    assert copy.deepcopy(torch.int64) is torch.int64
    assert torch.zeros(1).dtype is torch.float32
    assert {torch.float32: 1}[torch.float] == 1
    assert torch.float32 != torch.float64
    assert repr(torch.bool) == "torch.bool"


def test_numpy_dtypes():
    assert torch.float32.numpy_dtype == np.float32
    with pytest.raises(TypeError, match=r"expected one of bool, uint8, .*, got NumPy dtype uint16"):
        torch.from_numpy(np.zeros(2, np.uint16))


def test_limits():
    assert torch.finfo(torch.float16).max == 65504
    assert torch.finfo(torch.float32).resolution == pytest.approx(1e-6)
    assert torch.iinfo(torch.int8).min == -128
    assert torch.iinfo(torch.int64).bits == 64
    with pytest.raises(
        TypeError, match=r"requires a floating point input type, got torch.int32. Use torch.iinfo"
    ):
        torch.finfo(torch.int32)
    with pytest.raises(TypeError, match=r"requires an integer input type, got torch.float32"):
        torch.iinfo(torch.float32)


def test_what_is_no_operand():
    with pytest.raises(TypeError, match="add: expected a Tensor or a number, got str"):
        torch.ones(1) + "a"
    with pytest.raises(TypeError, match="expected a Tensor or a number, got NoneType"):
        torch.result_type(torch.ones(1), None)


def test_nobody_looks_for_the_letter_of_floats():
    """bfloat16 has another one: ``numpy_dtypes.is_floating`` knows."""
    sources = Path(torch.__file__).parent.rglob("*.py")
    places = [str(p) for p in sources if re.search(r"\bkinds?\b.*\"[Obiuc]*f[biuc]*\"", p.read_text())]
    assert places == []
