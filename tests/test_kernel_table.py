"""Which kernels work on which array."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import kernel_table

FAMILIES = [
    name
    for name, value in vars(kernel_table).items()
    if callable(value)
    and not name.startswith(("_", "use_", "has_"))
    and getattr(value, "__annotations__", {}).get("array")
]


def test_there_are_families():
    assert {"convolution", "pooling", "optimizer_step"} <= set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_rungs(family):
    choose = getattr(kernel_table, family)
    array = np.ones(2, np.float32)
    assert choose(array).__name__ == f"tinygrad_edu_kernels.{family}.cpu"
    with torch.use_kernels("reference"):
        assert choose(array).__name__ == f"tinygrad_edu_kernels.{family}.reference"
        with torch.use_kernels("fast"):
            assert choose(array).__name__.endswith(".cpu")
        assert choose(array).__name__.endswith(".reference")
    assert choose(array).__name__.endswith(".cpu")


def test_from_now_on():
    before = torch.use_kernels("reference")
    try:
        assert kernel_table.pooling(np.ones(1)).__name__.endswith("reference")
    finally:
        before.__exit__(None, None, None)
    assert kernel_table.pooling(np.ones(1)).__name__.endswith("cpu")


def test_an_exception_restores_the_rung():
    with pytest.raises(ValueError, match="planted"), torch.use_kernels("reference"):
        raise ValueError("planted")
    assert kernel_table.pooling(np.ones(1)).__name__.endswith("cpu")


def test_wrong_names():
    with pytest.raises(ValueError, match="expected one of fast, reference, got 'slow'"):
        torch.use_kernels("slow")
    assert kernel_table.pooling(np.ones(1)).__name__.endswith("cpu")


def test_the_choice_belongs_to_a_thread():
    seen = []
    with torch.use_kernels("reference"):
        thread = threading.Thread(target=lambda: seen.append(kernel_table.pooling(np.ones(1)).__name__))
        thread.start()
        thread.join()
    assert seen[0].endswith("cpu")


@pytest.mark.parametrize(
    ("value", "expected"), [("reference", "reference"), ("fast", "cpu"), ("wrong", None)]
)
def test_the_environment_variable(value, expected, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_KERNELS", value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    program = "import numpy as np\nfrom tinygrad_edu import kernel_table as k\nprint(k.pooling(np.ones(1)).__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if expected is None:
        assert "use_kernels: expected one of fast, reference, got 'wrong'" in done.stderr
    else:
        assert done.stdout.strip().endswith(expected), done.stderr


def test_a_result_is_the_same_on_both_rungs():
    torch.manual_seed(0)
    x = torch.randn(1, 2, 6, 6)
    fast = torch.nn.functional.max_pool2d(x, 2)
    with torch.use_kernels("reference"):
        slow = torch.nn.functional.max_pool2d(x, 2)
    assert fast.tolist() == slow.tolist()


class OnTheGPU:
    """All that is asked of it is that it is no NumPy array."""


class FloatsOnTheGPU(OnTheGPU):
    """An array that a CUDA kernel could take."""

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)

    @property
    def __cuda_array_interface__(self):
        raise AssertionError("a real one is put together at every look: ask the class")


@pytest.mark.parametrize("kind", [np.ones, lambda shape, dtype: FloatsOnTheGPU(dtype)], ids=["CPU", "GPU"])
@pytest.mark.parametrize(
    ("dtype", "expected"), [("f4", True), ("f8", True), ("f2", False), ("i8", False), ("?", False)]
)
def test_has_kernels(kind, dtype, expected):
    assert kernel_table.has_kernels(kind(2, dtype)) is expected


def test_tensors_and_scalars_have_no_kernels():
    """The backward of a second derivative gets Tensors: they go by operators."""
    assert not kernel_table.has_kernels(torch.ones(2))
    assert not kernel_table.has_kernels(np.float32(1))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_without_cuda_kernels_says_so(family, monkeypatch):
    monkeypatch.setattr(kernel_table, "_load", kernel_table._load.__wrapped__)
    monkeypatch.setitem(sys.modules, f"tinygrad_edu_kernels.{family}.cuda", None)
    with pytest.raises(NotImplementedError, match=f"{family}: there are no CUDA kernels yet"):
        getattr(kernel_table, family)(OnTheGPU())


def test_missing_numba_cuda_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr(kernel_table, "_load", kernel_table._load.__wrapped__)
    for name in ("tinygrad_edu_kernels.dropout.cuda", "tinygrad_edu_kernels.cuda_launch"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr(numba, "cuda", raising=False)
    monkeypatch.setitem(sys.modules, "numba.cuda", None)
    with pytest.raises(RuntimeError, match=r"dropout: the CUDA kernels need numba-cuda.* pip install"):
        kernel_table.dropout(OnTheGPU())
