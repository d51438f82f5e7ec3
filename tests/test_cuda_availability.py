"""Whether CUDA can be used, and what is said if it cannot."""

from __future__ import annotations

import functools
import sys
import types

import pytest

import tinygrad_edu as torch
from tinygrad_edu import cuda_availability


def fake_cupy(available, driver=0, runtime=12090):
    """Return a module as CuPy is where there is, or is not, a driver for CUDA and a card."""
    fake = types.ModuleType("cupy")
    versions = {"driverGetVersion": lambda: driver, "runtimeGetVersion": lambda: runtime}
    fake.cuda = types.SimpleNamespace(
        is_available=lambda: available, runtime=types.SimpleNamespace(**versions)
    )
    return fake


REASONS = {
    "no card, no CuPy": ({"cupy": None}, ["no NVIDIA card was found here", "nvidia-smi", "pip install"]),
    "no CuPy": ({"cupy": None}, ["CuPy cannot be imported", "pip install -e '.[gpu]'"]),
    "no driver": ({"cupy": fake_cupy(False)}, ["finds no NVIDIA driver", "nvidia.com/drivers", "nvidia-smi"]),
    "an old driver": (
        {"cupy": fake_cupy(False, driver=11080)},
        ["driver knows CUDA 11.8", "needs CUDA 12", "update the driver", "cupy-cuda11x"],
    ),
    "no card": ({"cupy": fake_cupy(False, driver=12080)}, ["finds no card", "CUDA_VISIBLE_DEVICES"]),
    "no numba-cuda": (
        {"cupy": fake_cupy(True), "numba.cuda": None},
        ["numba-cuda cannot be imported", "pip install -e '.[gpu]'"],
    ),
    "Numba without CUDA": (
        {"cupy": fake_cupy(True), "numba.cuda": types.SimpleNamespace(is_available=lambda: False)},
        ["CuPy finds a card, but Numba does not", "pip install"],
    ),
}


@pytest.mark.host("a machine without a GPU")
@pytest.mark.parametrize("name", REASONS)
def test_every_way_to_have_no_gpu_has_its_own_sentence(name, monkeypatch):
    modules, parts = REASONS[name]
    monkeypatch.setattr(cuda_availability, "number_of_cards", lambda: 0 if "no card" in name else 1)
    cuda_availability.cupy.cache_clear()
    for module, stand_in in modules.items():
        monkeypatch.setitem(sys.modules, module, stand_in)
        if module == "numba.cuda":
            monkeypatch.setattr("numba.cuda", stand_in, raising=False)
    message = cuda_availability.why_cuda_is_missing()
    assert message.startswith("CUDA is not available: ")
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []
    assert not torch.cuda.is_available()
    with pytest.raises(RuntimeError, match=r"CUDA is not available: "):
        torch.zeros(1, device="cuda")


@pytest.mark.host("the driver of the host")
def test_cards_are_counted_by_the_driver(monkeypatch):
    class Driver:
        def cuInit(self, flags):
            return self.error

        def cuDeviceGetCount(self, pointer):
            pointer._obj.value = 2
            return 0

    monkeypatch.setattr("ctypes.CDLL", lambda name: Driver())
    for error, cards in ((0, 2), (100, 0)):  # 100: no device
        Driver.error = error
        assert cuda_availability.number_of_cards() == cards

    def no_such_library(name):
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", no_such_library)
    assert cuda_availability.number_of_cards() == 0


def test_a_fork_of_a_program_that_used_the_gpu_says_so(monkeypatch):
    used = functools.cache(lambda: "CuPy")
    monkeypatch.setattr(cuda_availability, "cupy", used)
    monkeypatch.setattr(cuda_availability._Fork, "has_lost_cuda", False)
    cuda_availability._note_fork()
    assert not cuda_availability._Fork.has_lost_cuda
    used()
    cuda_availability._note_fork()
    assert used.cache_info().currsize == 0
    assert "Cannot re-initialize CUDA in forked subprocess" in cuda_availability.why_cuda_is_missing()
