"""Tensors are printed as PyTorch prints them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_edu

pytestmark = pytest.mark.host("printing without a device")

DTYPES = [
    "float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64", "complex128",
]  # fmt: skip


@pytest.fixture(autouse=True)
def default_options():
    yield
    tinygrad_edu.set_printoptions(profile="default")


def random_array(rng, dtype):
    """Return an array of random shape and numbers of random sizes, some of them special."""
    ndim = rng.choice([0, 1, 1, 2, 2, 3, 4])
    shape = tuple(int(n) for n in rng.choice([0, 1, 2, 3, 5, 7], ndim, p=[0.05, 0.15, 0.2, 0.3, 0.2, 0.1]))
    if ndim and rng.random() < 0.15:
        shape = tuple(int(n) for n in rng.choice([3, 6, 7, 8, 40], ndim))
        if rng.random() < 0.3:
            shape = (1100, *shape[1:2])
    array = np.asarray(rng.standard_normal(shape) * rng.choice([1, 10, 1e3, 1e5, 1e-3, 1e-6, 1e9, 1e20]))
    if rng.random() < 0.3:
        array = np.round(array)
    if rng.random() < 0.2:
        array = array * (rng.random(shape) < 0.5)
    if rng.random() < 0.25 and array.size and dtype[0] in "fc":
        array.reshape(-1)[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -np.inf, -0.0])
    with np.errstate(all="ignore"):
        if dtype[0] == "c":
            return (array + 1j * rng.standard_normal(shape) * rng.choice([0, 1, 100])).astype(dtype)
        if dtype == "bool":
            return np.asarray(array > 0)
        if dtype[0] in "iu":
            info = np.iinfo(dtype)
            return np.clip(array, max(info.min, -(2**40)), min(info.max, 2**40)).astype(dtype)
        return np.asarray(array.astype(dtype))


def show(torch, array, kind):
    tensor = torch.tensor(array)
    if kind and tensor.is_floating_point():
        tensor.requires_grad_()
        tensor = tensor * 1 if kind == 2 else tensor
    return repr(tensor)


@pytest.mark.torch_parity
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_same_as_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    for _ in range(5):
        array = random_array(rng, str(rng.choice(DTYPES)))
        kind = int(rng.integers(0, 3))
        assert show(tinygrad_edu, array, kind) == show(torch, array, kind)


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "options",
    [
        dict(precision=2),
        dict(precision=0),
        dict(threshold=3),
        dict(threshold=3, edgeitems=1),
        dict(linewidth=30),
        dict(sci_mode=True),
        dict(sci_mode=False),
        dict(profile="short"),
        dict(profile="full"),
    ],
)
def test_options(options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    try:
        for package in (torch, tinygrad_edu):
            package.set_printoptions(**options)
        for shape in [(3,), (40,), (4, 12), (2, 3, 9)]:
            array = rng.standard_normal(shape) * 1000
            assert repr(tinygrad_edu.tensor(array)) == repr(torch.tensor(array))
            assert repr(tinygrad_edu.tensor(np.round(array))) == repr(torch.tensor(np.round(array)))
    finally:
        torch.set_printoptions(profile="default")


def test_hand_written():
    t = tinygrad_edu.tensor
    assert repr(t([1.0, 2.5])) == "tensor([1.0000, 2.5000])"
    assert repr(t([1.0, math.nan])) == "tensor([1., nan])"
    assert repr(t([[1, 20], [300, 4]])) == "tensor([[  1,  20],\n        [300,   4]])"
    assert repr(t([1e-8, 1.0])) == "tensor([1.0000e-08, 1.0000e+00])"
    assert repr(t([True])) == "tensor([True])"
    assert repr(t(2.0, requires_grad=True)) == "tensor(2., requires_grad=True)"
    assert repr(t([1.0], requires_grad=True) + 1) == "tensor([2.], grad_fn=<AddBackward0>)"
    assert repr(tinygrad_edu.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert repr(tinygrad_edu.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"


def test_options_within_a_block():
    before = tinygrad_edu.get_printoptions()
    with tinygrad_edu.printoptions(precision=1):
        assert repr(tinygrad_edu.tensor(1.25)) == "tensor(1.2)"
    assert tinygrad_edu.get_printoptions() == before
    with pytest.raises(ValueError, match="profile"):
        tinygrad_edu.set_printoptions(profile="long")


def test_a_view_that_lost_its_history_can_still_be_shown():
    h = tinygrad_edu.ones(2, requires_grad=True) * 2
    with tinygrad_edu.no_grad():
        view = h[0:1]
    h.mul_(3)
    assert repr(view) == "tensor([6.], grad_fn=<Invalid>)"


def test_the_default_dtype_goes_without_saying():
    tinygrad_edu.set_default_dtype(tinygrad_edu.float64)
    try:
        assert repr(tinygrad_edu.ones(1)) == "tensor([1.], dtype=torch.float64)".replace(
            ", dtype=torch.float64", ""
        )
        assert repr(tinygrad_edu.ones(1, dtype=tinygrad_edu.float32)) == "tensor([1.], dtype=torch.float32)"
    finally:
        tinygrad_edu.set_default_dtype(tinygrad_edu.float32)
