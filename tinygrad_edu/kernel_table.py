"""Which kernels work on an array: the ladder from readable loops to compiled code.

Every family of kernels is one folder of ``tinygrad_edu_kernels`` with one file a rung, and the same function
names in each: ``reference`` (plain Python loops), ``cpu`` (Numba), ``cuda`` (Numba on the GPU). There is one
function a family here; it returns the module of the rung that fits the array.
"""

from __future__ import annotations

import functools
import importlib
import os
import threading
from types import ModuleType

import numpy as np

from tinygrad_edu.backend import Array

RUNGS = ("fast", "reference")


class _Rung(threading.local):
    """The rung in use in this thread; the environment variable sets what every thread begins with."""

    def __init__(self) -> None:
        self.name = _checked(os.environ.get("TINYGRAD_EDU_KERNELS", "fast"))


def _checked(name: str) -> str:
    if name not in RUNGS:
        raise ValueError(f"use_kernels: expected one of {', '.join(RUNGS)}, got {name!r}")
    return name


class use_kernels:
    """Choose the rung of the kernel ladder, within a ``with`` block or from now on.

    Parameters
    ----------
    name : {"fast", "reference"}
        ``"fast"``: compiled kernels, on the CPU or the GPU as the array asks. ``"reference"``: plain Python
        loops for NumPy arrays, which a debugger can step through.

    Notes
    -----
    The environment variable ``TINYGRAD_EDU_KERNELS=reference`` does the same for a whole program.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> with torch.use_kernels("reference"):
    ...     torch.nn.functional.max_pool2d(torch.ones(1, 1, 2, 2), 2)
    tensor([[[[1.]]]])
    """

    def __init__(self, name: str) -> None:
        self._before = _rung.name
        _rung.name = _checked(name)

    def __enter__(self) -> None:
        """Keep what the constructor has set."""

    def __exit__(self, *exc_info: object) -> None:
        _rung.name = self._before


_rung = _Rung()


def convolution(array: Array) -> ModuleType:
    """im2col, col2im, and the forward and backward of conv2d."""
    return _kernels("convolution", array)


def pooling(array: Array) -> ModuleType:
    """Max, average and adaptive pooling."""
    return _kernels("pooling", array)


def softmax_loss(array: Array) -> ModuleType:
    """Softmax, log-softmax and the cross-entropy on top of it."""
    return _kernels("softmax_loss", array)


def dropout(array: Array) -> ModuleType:
    """Random zeros from a counter hash."""
    return _kernels("dropout", array)


def optimizer_step(array: Array) -> ModuleType:
    """One fused update of a parameter and its state."""
    return _kernels("optimizer_step", array)


def _kernels(family: str, array: Array) -> ModuleType:
    if not isinstance(array, np.ndarray):
        return _load(family, "cuda")
    return _load(family, "reference" if _rung.name == "reference" else "cpu")


@functools.cache
def _load(family: str, rung: str) -> ModuleType:
    """Import the kernels of a family on one rung."""
    name = f"tinygrad_edu_kernels.{family}.{rung}"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if rung != "cuda":
            raise
        if error.name == name:
            message = f"{family}: there are no CUDA kernels yet; compute it on the CPU"
            raise NotImplementedError(message) from error
        raise RuntimeError(
            f"{family}: the CUDA kernels need numba-cuda, which cannot be imported ({error}); "
            "in a checkout, python -m pip install -e '.[gpu]' installs it"
        ) from error
