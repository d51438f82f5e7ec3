"""Devices and array modules."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.both import check
from tinygrad_edu import backend

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


def test_names_of_devices():
    assert torch.device("gpu") == torch.device("cuda")
    assert torch.device("gpu:1") == torch.device("cuda", 1) == torch.device(torch.device("cuda:1"))
    assert str(torch.device("cuda:1")) == "cuda:1"
    assert repr(torch.device("cpu")) == "device(type='cpu')"
    assert torch.device(1) == torch.device("cuda:1")
    assert torch.device("cpu") != "cpu"
    with pytest.raises(RuntimeError, match="expected one of cpu, cuda, cuda:<index>, gpu, got 'tpu'"):
        torch.device("tpu")
    with pytest.raises(RuntimeError, match="must not include an index because index was passed explicitly"):
        torch.device("cuda:1", 2)


def test_array_modules():
    assert backend.array_module(np.ones(1)) is np
    assert backend.array_module(np.float32(1)) is np
    assert backend.device_of(np.ones(1)) == torch.device("cpu")
    assert backend.special_module(np.ones(1)).erf(0.0) == 0


def test_moving_to_where_it_is_moves_nothing():
    array = np.ones(2)
    assert backend.to_device(array, "cpu") is array
    assert backend.to_numpy(array) is array
    t = torch.ones(2, device="cpu")
    assert t.cpu() is t
    assert t.to("cpu") is t


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    "ask",
    [
        lambda: torch.zeros(1, device="cuda"),
        lambda: torch.ones(1).cuda(),
        lambda: torch.ones(1).to("gpu"),
        lambda: torch.rand(2, device="cuda:1"),
        lambda: torch.cuda.get_device_name(),
        lambda: torch.cuda.synchronize(),
        lambda: torch.cuda.current_device(),
    ],
)
def test_a_missing_gpu_is_one_clear_sentence(ask):
    """Never a silent run on the CPU."""
    with pytest.raises(RuntimeError) as error:
        ask()
    message = str(error.value)
    assert message.startswith("CUDA is not available: ")
    assert "\n" not in message
    assert "pip install" in message or "nvidia-smi" in message


def test_reasons(monkeypatch):
    """What is missing is said: CuPy, the driver, or numba's part."""
    import sys
    import types

    backend.cupy.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "CuPy cannot be imported" in backend.why_cuda_is_missing()
    fake = types.ModuleType("cupy")
    fake.cuda = types.SimpleNamespace(is_available=lambda: False)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    assert "finds no NVIDIA driver or no card" in backend.why_cuda_is_missing()
    fake.cuda.is_available = lambda: True
    monkeypatch.setitem(sys.modules, "numba.cuda", None)
    assert "numba-cuda cannot be imported" in backend.why_cuda_is_missing()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_questions_need_no_gpu():
    assert torch.cuda.is_available() is False
    assert torch.cuda.device_count() == 0
    assert torch.cuda.memory_allocated() == 0
    torch.cuda.empty_cache()
    torch.cuda.manual_seed(3)
    torch.cuda.manual_seed_all(3)
    assert torch.initial_seed() == 3
