"""Puts the stand-in in CuPy's place, for the whole process: before anything imports ``tinygrad_edu``."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import types
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from tests.gpu.standin.capture import noted, refuse_library

KERNELS = Path(__file__).resolve().parents[3] / "kernels" / "tinygrad_edu_kernels"


def install() -> None:
    """Make ``import cupy`` find the stand-in, and run the CUDA kernels in Numba's simulator."""
    if "tinygrad_edu" in sys.modules:
        raise RuntimeError("the stand-in must be installed before tinygrad_edu is imported")
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # read when Numba is imported
    from tests.gpu.standin.modules import MODULES

    sys.modules.update(MODULES)
    teach_the_simulator()
    for folder in sorted(KERNELS.iterdir()):
        if (folder / "cuda.py").exists():
            name = f"tinygrad_edu_kernels.{folder.name}"
            cuda, cpu = importlib.import_module(f"{name}.cuda"), importlib.import_module(f"{name}.cpu")
            sys.modules[f"{name}.cuda"] = Kernels(f"{name}.cuda", cuda, cpu)


def is_installed() -> bool:
    """Tell whether ``import cupy`` finds the stand-in in this process."""
    return hasattr(sys.modules.get("cupy"), "_target")


class Simulation:
    """What the simulator is given; the compiled kernels of the CPU do the rest, behind the same door."""

    most_elements = 500
    most_repetitions = 1
    everything = False
    calls = 0
    borrowed = 0


class Kernels(types.ModuleType):
    """A family's CUDA kernels."""

    def __init__(self, name: str, cuda: types.ModuleType, cpu: types.ModuleType) -> None:
        super().__init__(name)
        self._rungs = cuda, cpu

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        function = KernelFunction(*[getattr(rung, name) for rung in self._rungs])
        setattr(self, name, function)
        return function


class KernelFunction:
    """One of its functions: simulated for arrays of a moderate size, once for every shape, dtype and setting."""

    def __init__(self, cuda: Any, cpu: Any) -> None:
        self.cuda, self.cpu = cuda, cpu
        self.seen: Counter[str] = Counter()
        self.library = "cuBLAS" if re.search(r"matmul\(| @ \w", code_of(cuda)) else ""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.library:
            refuse_library(self.library)
        return self.call(*args, **kwargs)

    @noted
    def call(self, *args: Any, **kwargs: Any) -> Any:
        from tests.gpu.standin.array import ndarray, unwrap, wrap

        values = [*args, *kwargs.values()]
        arrays = [x for x in values if isinstance(x, ndarray)]
        settings = [(x.shape, x.strides, x.dtype.char) if isinstance(x, ndarray) else type(x) for x in values]
        key = str(settings)
        small = sum(x.size for x in arrays) <= Simulation.most_elements
        if Simulation.everything or (small and self.seen[key] < Simulation.most_repetitions):
            self.seen[key] += 1
            Simulation.calls += 1
            return self.cuda(*args, **kwargs)
        Simulation.borrowed += 1
        host = {key: unwrap(value) for key, value in kwargs.items()}
        return wrap(self.cpu(*[unwrap(x) for x in args], **host), (*args, *kwargs.values()))


def code_of(function: Any) -> str:
    """Return the text of a function without its docstring."""
    text = inspect.getsource(function) if inspect.isfunction(function) else ""
    return text.replace(function.__doc__ or "\0", "")


def teach_the_simulator() -> None:
    """Let Numba's simulator take the stand-in's arrays, and nothing that a card would not take."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    from tests.gpu.standin.array import ndarray, unwrap
    from tests.gpu.turns import take_turns

    take_turns()
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
        # Each thread costs the simulator time, and the kernels are right for any grid.
        kernel.grid_dim, kernel.block_dim = (2, 1, 1), (2, 1, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # integers that wrap round, infinities
            return simulated(kernel, *[as_argument(value) for value in args])

    FakeCUDAKernel.__call__ = launch
