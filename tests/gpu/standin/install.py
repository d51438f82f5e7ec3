"""Puts the stand-in in CuPy's place, for the whole process: before anything imports ``tinygrad_edu``."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

KERNELS = Path(__file__).resolve().parents[3] / "kernels" / "tinygrad_edu_kernels"


def install(simulate: bool = True) -> None:
    """Make ``import cupy`` find the stand-in.

    Parameters
    ----------
    simulate : bool
        Run the CUDA kernels in Numba's simulator. Otherwise, and for families that have none, the compiled
        kernels of the CPU work behind a door that only arrays of the card pass.
    """
    if "tinygrad_edu" in sys.modules:
        raise RuntimeError("the stand-in must be installed before tinygrad_edu is imported")
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # read when Numba is imported
    from tests.gpu.standin.modules import MODULES

    sys.modules.update(MODULES)
    for folder in sorted(KERNELS.iterdir()):
        if (folder / "cpu.py").exists() and not (simulate and (folder / "cuda.py").exists()):
            name = f"tinygrad_edu_kernels.{folder.name}.cuda"
            sys.modules[name] = BorrowedKernels(name, f"tinygrad_edu_kernels.{folder.name}.cpu")
    if simulate:
        teach_the_simulator()


class BorrowedKernels(types.ModuleType):
    """A family's kernels of the CPU, for arrays of the card."""

    def __init__(self, name: str, source: str) -> None:
        super().__init__(name)
        self._source = source

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Borrowed(getattr(importlib.import_module(self._source), name))


class Borrowed:
    """One of them."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from tests.gpu.standin.array import unwrap, wrap

        values = {key: unwrap(value) for key, value in kwargs.items()}
        result = self.function(*[unwrap(a) for a in args], **values)
        return wrap(result, (*args, *kwargs.values()))


def teach_the_simulator() -> None:
    """Let Numba's simulator take the stand-in's arrays, and nothing that a card would not take."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    from tests.gpu.standin.array import ndarray, unwrap

    simulated = FakeCUDAKernel.__call__

    def as_argument(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            raise TypeError("a kernel got an array of the host")
        if not isinstance(value, ndarray):
            return value
        host = unwrap(value)
        return FakeCUDAArray(host) if host.ndim else host

    def launch(kernel: Any, *args: Any) -> None:
        if kernel._device:
            return simulated(kernel, *args)
        if kernel.grid_dim is None or 0 in kernel.grid_dim or np.prod(kernel.block_dim) > 1024:
            raise ValueError(f"a card cannot launch {kernel.grid_dim} blocks of {kernel.block_dim} threads")
        with np.errstate(all="ignore"):
            return simulated(kernel, *[as_argument(value) for value in args])

    FakeCUDAKernel.__call__ = launch
