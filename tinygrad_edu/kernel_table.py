"""Which kernels work on an array: the ladder from readable loops to compiled code.

Every family of kernels is one folder of ``tinygrad_edu_kernels`` with one file a rung, and the same function
names in each: ``reference`` (plain Python loops), ``cpu`` (Numba), ``cuda`` (Numba on the GPU). There is one
function a family here; it returns the module of the rung that fits the array.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np

from tinygrad_edu.backend import Array
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES

RUNGS = ("fast", "reference")


class KernelRecorder(Protocol):
    """Who times kernels: the profiler."""

    def run_kernel(self, name: str, kernel: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the kernel and return its result."""


class RecordedKernels:
    """The kernels of a family, each of which is timed when it is called."""

    def __init__(self, module: ModuleType, recorder: KernelRecorder) -> None:
        self._module = module
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        kernel = getattr(self._module, name)
        family = self._module.__name__.split(".")[-2]
        return functools.partial(self._recorder.run_kernel, f"{family}.{name}", kernel)


FAMILIES = (
    "activation",
    "attention",
    "convolution",
    "dropout",
    "embedding",
    "matrix_product",
    "norm",
    "optimizer_step",
    "pooling",
    "recurrent",
    "softmax_loss",
)


LOADED_WHEN_USED = ("scipy.special", "scipy.fft", "scipy.linalg")


class _Families(dict[str, "Kernels"]):
    """The kernels of one rung by the name of their family; they are loaded when they are first asked for.

    The readable ones are loaded at once: who steps through a program shall not meet Python's import in its middle. In a
    debugger, the parts of SciPy that operations load when they need them are loaded as well.
    """

    def __init__(self, rung: str, recorder: KernelRecorder | None) -> None:
        super().__init__()
        self._rung = rung
        self._recorder = recorder
        if rung == "reference":
            for family in FAMILIES:
                self.__missing__(family)
            if sys.gettrace() is not None:
                for name in LOADED_WHEN_USED:
                    importlib.import_module(name)

    def __missing__(self, family: str) -> Kernels:
        module = _load(family, self._rung)
        self[family] = module if self._recorder is None else RecordedKernels(module, self._recorder)
        return self[family]


class _Rung(threading.local):
    """The rung in use in this thread; the environment variable sets what every thread begins with.

    ``on_host`` and ``on_gpu`` are what every call of a kernel looks into: the kernels for arrays there.
    """

    def __init__(self) -> None:
        self.recorder: KernelRecorder | None = None
        self.use(os.environ.get("TINYGRAD_EDU_KERNELS", "fast"))

    def use(self, name: str) -> None:
        """Choose a rung."""
        self.name = _checked(name)
        self.on_host = _Families("reference" if name == "reference" else "cpu", self.recorder)
        self.on_gpu = _Families("cuda", self.recorder)

    def record(self, recorder: KernelRecorder | None) -> None:
        """Have the kernels timed; None ends it."""
        self.recorder = recorder
        self.use(self.name)


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
        _rung.use(name)

    def __enter__(self) -> None:
        """Keep what the constructor has set."""

    def __exit__(self, *exc_info: object) -> None:
        _rung.use(self._before)


Kernels: TypeAlias = ModuleType | RecordedKernels


def attention(array: Array) -> Kernels:
    """Attention, forward and backward; for arrays that ``has_kernels`` of."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["attention"]


def convolution(array: Array) -> Kernels:
    """im2col, col2im, and the forward and backward of conv2d."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["convolution"]


def embedding(array: Array) -> Kernels:
    """Gradient of an embedding; for arrays that ``has_kernels`` of."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["embedding"]


def matrix_product(array: Array) -> Kernels:
    """Products of matrices, and the linear layer."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["matrix_product"]


def pooling(array: Array) -> Kernels:
    """Max, average and adaptive pooling."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["pooling"]


def recurrent(array: Array) -> Kernels:
    """Recurrent layers over all time steps; for arrays that ``has_kernels`` of."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["recurrent"]


def softmax_loss(array: Array) -> Kernels:
    """Softmax, log-softmax and the cross-entropy on top of it."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["softmax_loss"]


def dropout(array: Array) -> Kernels:
    """Random zeros from a counter hash."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["dropout"]


def activation(array: Array) -> Kernels:
    """Activation functions and their gradients, each in one pass; for arrays that ``has_kernels`` of."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["activation"]


def norm(array: Array) -> Kernels:
    """Layer and batch normalisation; for arrays that ``has_kernels`` of."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["norm"]


def optimizer_step(array: Array) -> Kernels:
    """One fused update of a parameter and its state."""
    return (_rung.on_host if isinstance(array, np.ndarray) else _rung.on_gpu)["optimizer_step"]


def has_kernels(array: Array) -> bool:
    """Tell whether the families activation, norm and recurrent can work on it: an array of float32 or float64.

    Their operations have a second way, in operators, for everything else: other dtypes, and the Tensors that a
    ``backward`` gets when it is to be differentiated itself.
    """
    # Not a Tensor, and not a NumPy scalar. The class is asked: an array of the GPU would look for the answer.
    is_array = isinstance(array, np.ndarray) or hasattr(type(array), "__cuda_array_interface__")
    return is_array and array.dtype in COMPILED_DTYPES


def record_kernels(recorder: KernelRecorder | None) -> None:
    """Have the kernels timed that this thread calls from now on; None ends it."""
    _rung.record(recorder)


class _Loading:
    """Who imports kernels holds the lock; the child of a fork gets a new one, for the holder may not be there."""

    lock = threading.RLock()


def _renew_lock() -> None:
    _Loading.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@functools.cache
def _load(family: str, rung: str) -> ModuleType:
    """Import the kernels of a family on one rung; one thread after the other, for Numba does not like it otherwise."""
    with _Loading.lock:
        return _import(family, rung)


def _import(family: str, rung: str) -> ModuleType:
    if rung == "cpu":
        _watch_compiling()
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


@functools.cache
def _watch_compiling() -> None:
    """Have it said on the terminal when kernels are compiled, from the first one on."""
    from numba.core import event

    from tinygrad_edu.compiling import CompileProgress

    event.register("numba:compile", CompileProgress())


_rung = _Rung()  # the last line: it may load kernels at once
