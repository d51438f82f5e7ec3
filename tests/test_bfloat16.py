"""bfloat16, which is no dtype of NumPy's own: made, shown, converted, and refused where PyTorch refuses it."""

from __future__ import annotations

import io

import ml_dtypes
import numpy as np
import pytest

import tinygrad_edu as torch
from tests.both import check

SAME_AS_PYTORCH = """
torch.bfloat16
torch.bfloat16.is_floating_point, torch.bfloat16.is_complex, torch.bfloat16.is_signed, torch.bfloat16.itemsize
torch.bfloat16 == torch.float16
__import__('copy').deepcopy(torch.bfloat16) is torch.bfloat16
__import__('pickle').loads(__import__('pickle').dumps(torch.bfloat16)) is torch.bfloat16
isinstance(torch.bfloat16, torch.dtype)
torch.finfo(torch.bfloat16).max, torch.finfo(torch.bfloat16).min, torch.finfo(torch.bfloat16).eps
torch.finfo(torch.bfloat16).tiny, torch.finfo(torch.bfloat16).resolution, torch.finfo(torch.bfloat16).bits
torch.finfo(torch.bfloat16).dtype
torch.iinfo(torch.bfloat16)
torch.promote_types(torch.bfloat16, torch.float16)
torch.promote_types(torch.bfloat16, torch.float32)
torch.promote_types(torch.bfloat16, torch.int64)
torch.promote_types(torch.bfloat16, torch.complex64)
torch.can_cast(torch.float32, torch.bfloat16)
torch.ones(2, dtype=torch.bfloat16)
torch.tensor([1.0, 0.1, 1e30, float('nan'), -float('inf')], dtype=torch.bfloat16)
torch.tensor([1, 2, 257, 259], dtype=torch.bfloat16)
torch.tensor([1e39], dtype=torch.bfloat16)
torch.full((2,), 3, dtype=torch.bfloat16)
torch.full((2,), 1e39, dtype=torch.bfloat16)
torch.arange(5, dtype=torch.bfloat16)
torch.linspace(0, 1, 5, dtype=torch.bfloat16)
torch.eye(2, dtype=torch.bfloat16)
torch.zeros(2).to(torch.bfloat16)
torch.zeros(2).bfloat16()
torch.zeros(2).type(torch.bfloat16).type()
torch.zeros(2).type(torch.BFloat16Tensor)
torch.BFloat16Tensor([1.0, 2.0])
isinstance(torch.zeros(2).bfloat16(), torch.BFloat16Tensor)
torch.nn.Linear(2, 2).bfloat16().weight.dtype
torch.nn.Linear(2, 2, dtype=torch.bfloat16).bias.dtype
torch.ones(2).sum(dtype=torch.bfloat16)
torch.rand(2, dtype=torch.bfloat16).dtype, torch.randn(2, dtype=torch.bfloat16).dtype
torch.randint(0, 5, (2,), dtype=torch.bfloat16).dtype
torch.tensor([1.0, -2.5]).bfloat16().view(torch.int16)
torch.tensor([16256, -16320], dtype=torch.int16).view(torch.bfloat16)
torch.tensor(0.1, dtype=torch.bfloat16).item()
torch.tensor([0.1, 2], dtype=torch.bfloat16).tolist()
float(torch.tensor(0.1, dtype=torch.bfloat16)), int(torch.tensor(3.7, dtype=torch.bfloat16))
torch.tensor([0.1, 123456.0], dtype=torch.bfloat16)
torch.tensor(0.1, dtype=torch.bfloat16)
torch.ones(2, dtype=torch.bfloat16).numpy()
torch.ones(2, dtype=torch.bfloat16).numpy(force=True)
__import__('numpy').asarray(torch.ones(2, dtype=torch.bfloat16))
torch.ones(2, dtype=torch.bfloat16) + torch.ones(2, dtype=torch.float16)
torch.ones(2, dtype=torch.bfloat16) + torch.ones(2)
torch.ones(2, dtype=torch.bfloat16) + torch.ones((), dtype=torch.float64)
torch.ones(2, dtype=torch.bfloat16) + torch.ones(2, dtype=torch.int64)
torch.ones(2, dtype=torch.bfloat16) * 0.1
torch.ones(2, dtype=torch.bfloat16) * 1j
1 - torch.tensor([1.0, 2.0], dtype=torch.bfloat16)
torch.tensor([3.0, 1.0, 2.0], dtype=torch.bfloat16).sort()
torch.tensor([3.0, 1.0, 2.0], dtype=torch.bfloat16).argsort()
torch.tensor([3.0, 1.0, 3.0], dtype=torch.bfloat16).unique()
torch.tensor([3.0, 1.0, 3.0], dtype=torch.bfloat16).cumsum(0)
torch.tensor([3.0, 1.0, 3.0], dtype=torch.bfloat16) < torch.tensor(2.0)
torch.tensor([3.0, 1.0], dtype=torch.bfloat16) == torch.tensor([3, 2])
torch.tensor([3.0, float('nan')], dtype=torch.bfloat16).isnan()
torch.tensor([3.7, -3.7], dtype=torch.bfloat16).to(torch.int32)
torch.tensor([3.7, 0.0], dtype=torch.bfloat16).bool()
torch.zeros(3, dtype=torch.bfloat16).fill_(0.3)
torch.zeros(3, dtype=torch.bfloat16).add_(0.3).mul_(2)
torch.zeros(3, dtype=torch.bfloat16).add_(torch.ones(3))
torch.zeros(3, dtype=torch.bfloat16).copy_(torch.tensor([0.1, 0.2, 0.3]))
torch.zeros(3).copy_(torch.tensor([0.1, 0.2, 0.3], dtype=torch.bfloat16))
torch.zeros(3, dtype=torch.bfloat16).uniform_().dtype
torch.ones(2, dtype=torch.bfloat16) @ torch.ones(2)
torch.cat([torch.ones(2, dtype=torch.bfloat16), torch.zeros(1)])
torch.stack([torch.ones(2, dtype=torch.bfloat16)] * 2)
torch.nextafter(torch.ones(2, dtype=torch.bfloat16), torch.tensor([2, -2], dtype=torch.bfloat16))
torch.where(torch.tensor([True, False]), torch.ones(2, dtype=torch.bfloat16), 0.1)
torch.from_numpy(__import__('numpy').ones(2, 'float32')).bfloat16()
torch.ones(2, dtype=torch.bfloat16).new_zeros(1)
torch.set_default_dtype(torch.float32), torch.get_default_dtype()
"""


@pytest.mark.torch_parity
@pytest.mark.host("a GPU has no bfloat16")
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH.strip().splitlines())
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


def test_arrays_of_it_are_refused_as_in_pytorch():
    array = np.ones(2, ml_dtypes.bfloat16)
    for make in (torch.from_numpy, torch.tensor, torch.as_tensor):
        with pytest.raises(TypeError, match=r"ml_dtypes\.bfloat16"):
            make(array)


def test_as_default_dtype():
    torch.set_default_dtype(torch.bfloat16)
    try:
        assert torch.ones(2).dtype is torch.tensor([0.5]).dtype is torch.bfloat16
        assert (torch.ones(2, dtype=torch.int64) / 2).dtype is torch.bfloat16
        assert torch.nn.Linear(2, 2)(torch.rand(1, 2)).dtype is torch.bfloat16
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.host("a GPU has no bfloat16")
def test_views_share_memory_and_history():
    x = torch.zeros(2, 3, dtype=torch.bfloat16, requires_grad=True)
    y = x * 1
    y[0].fill_(2.0)
    y.t()[1, 1] = 5.0
    (y * y).sum().backward()
    assert y.dtype is x.grad.dtype is torch.bfloat16
    assert y.tolist() == [[2, 2, 2], [0, 5, 0]]
    assert x.grad.tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.host("a GPU has no bfloat16")
def test_a_gradient_and_its_gradient():
    x = torch.tensor([0.5, 1.5], dtype=torch.bfloat16, requires_grad=True)
    (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    assert slope.dtype is curvature.dtype is torch.bfloat16
    assert slope.tolist() == [0.75, 6.75]
    assert curvature.tolist() == [3.0, 9.0]


@pytest.mark.host("a GPU has no bfloat16")
def test_saved_and_loaded():
    file = io.BytesIO()
    state = {"x": torch.tensor([0.1, -3.0], dtype=torch.bfloat16), "dtype": torch.bfloat16}
    torch.save(state, file)
    file.seek(0)
    loaded = torch.load(file)
    assert loaded["dtype"] is torch.bfloat16
    assert loaded["x"].dtype is torch.bfloat16
    assert torch.equal(loaded["x"], state["x"])


@pytest.mark.torch_parity
@pytest.mark.host("a GPU has no bfloat16")
def test_files_are_pytorchs():
    reference = pytest.importorskip("torch")
    for writer, reader in ((torch, reference), (reference, torch)):
        file = io.BytesIO()
        writer.save({"x": writer.tensor([0.1, -3.0], dtype=writer.bfloat16)}, file)
        file.seek(0)
        loaded = reader.load(file)["x"]
        assert loaded.dtype is reader.bfloat16
        assert loaded.tolist() == writer.tensor([0.1, -3.0], dtype=writer.bfloat16).tolist()
