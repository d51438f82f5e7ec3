"""Whether CUDA can be used here, and what keeps it from being used: no card, no driver, no CuPy, a fork."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from types import ModuleType

_INSTALL_HINT = "in a checkout, python -m pip install -e '.[gpu]' installs what is needed"


@functools.cache
def cupy() -> ModuleType:
    """Return the cupy module.

    Raises
    ------
    RuntimeError
        If it is not installed, or if no CUDA driver or card can be used.
    """
    reason = why_cuda_is_missing()
    if reason is not None:
        raise RuntimeError(reason)
    import cupy

    return cupy


def why_cuda_is_missing() -> str | None:
    """Say in one sentence what keeps the GPU from being used, and the mend; return None if nothing does."""
    reason = _why_fork_lost_it() or _why_cupy_is_missing() or _why_numba_is_missing()
    return None if reason is None else f"CUDA is not available: {reason}"


class _Fork:
    """Whether this process is a fork of one that had used CUDA, which does not work in the copy."""

    has_lost_cuda = False


def _note_fork() -> None:
    if cupy.cache_info().currsize:
        _Fork.has_lost_cuda = True
        cupy.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def _why_fork_lost_it() -> str | None:
    if not _Fork.has_lost_cuda:
        return None
    return (
        "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the "
        "'spawn' start method"
    )


def _why_cupy_is_missing() -> str | None:
    try:
        import cupy
    except ImportError as error:
        if "cupy" not in sys.modules and importlib.util.find_spec("cupy") is not None:
            return f"CuPy is installed but cannot be imported ({error}); {_INSTALL_HINT}"
        if number_of_cards() == 0:
            return (
                "no NVIDIA card was found here, or its driver is missing; where `nvidia-smi` lists a card, CuPy "
                f"is needed, too: {_INSTALL_HINT}"
            )
        return f"CuPy cannot be imported ({error}); {_INSTALL_HINT}"
    if cupy.cuda.is_available():
        return None
    runtime = cupy.cuda.runtime
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()  # 12090 is CUDA 12.9
    if driver == 0:
        return (
            "CuPy is installed, but it finds no NVIDIA driver; install one from https://www.nvidia.com/drivers, "
            "so that `nvidia-smi` lists the card"
        )
    if driver // 1000 < needed // 1000:
        return (
            f"the NVIDIA driver knows CUDA {_version(driver)}, but the installed CuPy needs CUDA "
            f"{needed // 1000}; update the driver, or install the CuPy of the driver's CUDA: python -m pip install "
            f"cupy-cuda{driver // 1000}x in place of the other one"
        )
    return (
        "there is an NVIDIA driver, but it finds no card; `nvidia-smi` must list one, and the environment variable "
        "CUDA_VISIBLE_DEVICES must not hide it"
    )


def number_of_cards() -> int:
    """Return how many cards the NVIDIA driver lists; it is asked itself, for CuPy may not be there."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:  # there is no driver
        return 0
    count = ctypes.c_int(0)
    found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return count.value if found else 0


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _why_numba_is_missing() -> str | None:
    try:
        import numba.cuda
    except ImportError as error:
        return f"numba-cuda cannot be imported ({error}); {_INSTALL_HINT}"
    if not numba.cuda.is_available():
        return f"CuPy finds a card, but Numba does not, so the kernels cannot run; {_INSTALL_HINT}"
    return None


def is_cuda_available() -> bool:
    """Tell whether arrays can be put on a GPU."""
    return why_cuda_is_missing() is None
