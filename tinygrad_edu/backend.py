"""Devices and array modules: NumPy for the CPU, CuPy for the GPU.

This file and ``cuda_availability.py`` are the only ones of the project that import CuPy, and they do so only when
somebody asks for a GPU. Everything above works on *arrays*: it asks :func:`array_module` for ``numpy`` or ``cupy``
where a function is called (``xp.exp(a)``) and needs nothing at all for arithmetic (``a + b``).
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
import sys
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.cuda_availability import cupy as cupy
from tinygrad_edu.numpy_dtypes import BFLOAT16
from tinygrad_edu.type_names import type_name

Array: TypeAlias = Any
"""A NumPy array or a CuPy array; in a ``backward`` that builds a graph of its own, a Tensor."""


class _Default(threading.local):
    """Where new tensors are put in this thread; ``entered`` holds what the ``with`` blocks around have replaced."""

    def __init__(self) -> None:
        self.device: device | None = None
        self.entered: list[device | None] = []


class device:
    """Where a tensor's numbers live; in a ``with`` block, where new tensors are put.

    Parameters
    ----------
    type : str or device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"gpu"`` (a spoken alias of ``"cuda"``).
    index : int, optional
        The number of the card; the CPU has none.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.device("cuda:1").index
    1
    >>> torch.device("gpu")
    device(type='cuda')
    >>> with torch.device("cpu"):
    ...     torch.zeros(1).device
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device | int, index: int | None = None) -> None:
        if isinstance(type, device):
            index = type.index if index is None else index
            type = type.type
        elif isinstance(type, int) and not isinstance(type, bool):
            index = type
            type = "cuda"
        if not isinstance(type, str):
            raise TypeError(
                f"device(): argument 'type' must be a string, an index or a device, not {type_name(type)}"
            )
        if index is not None and (not isinstance(index, int) or index < 0):
            raise RuntimeError(f"device: expected an index of at least 0, got {index!r}")
        match = re.fullmatch(r"(cpu|cuda|gpu)(?::(\d+))?", type)
        if match is None:
            raise RuntimeError(f"device: expected one of cpu, cuda, cuda:<index>, gpu, got {type!r}")
        if match[2] is not None and index is not None:
            raise RuntimeError(
                "type (string) must not include an index because index was passed explicitly: "
                f"{type} and index={index}"
            )
        self.type = "cuda" if match[1] == "gpu" else match[1]
        self.index = int(match[2]) if match[2] is not None else index

    def __repr__(self) -> str:
        suffix = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{suffix})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> device:
        _default.entered.append(_default.device)
        _default.device = self
        return self

    def __exit__(self, *exc_info: object) -> None:
        _default.device = _default.entered.pop()


DeviceLike: TypeAlias = "device | str | int | None"
CPU = device("cpu")
_default = _Default()


def set_default_device(device: DeviceLike) -> None:
    """Put new tensors here from now on, in this thread, unless a ``device`` is given; None means the CPU again.

    It holds for the functions that make tensors of numbers or NumPy arrays (``tensor``, ``zeros``, ``rand``, ...),
    not for ``from_numpy``, which shares memory.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_default_device.html
    """
    _default.device = None if device is None else _device(device)


def get_default_device() -> device:
    """Return where new tensors are put unless a ``device`` is given."""
    return resolve_device(None)


def default_or(other: device) -> device:
    """Return the default device if one was set, else ``other``."""
    return other if _default.device is None else resolve_device(_default.device)


_device = device


HOST_KINDS = np.ndarray, np.generic


def array_module(array: Array) -> ModuleType:
    """Return the module whose functions take ``array``: numpy or cupy; for a Tensor, ``tinygrad_edu.ops``.

    So the text of a ``backward`` is the same for arrays and for Tensors: ``array_module(x).exp(x)``. Keyword
    names differ (axis and dim), so arguments are given by position.

    Examples
    --------
    >>> import numpy
    >>> array_module(numpy.ones(3)).__name__
    'numpy'
    >>> import tinygrad_edu
    >>> array_module(tinygrad_edu.ones(3)).__name__
    'tinygrad_edu.ops'
    """
    if isinstance(array, HOST_KINDS):
        return np
    functions = getattr(
        type(array), "_functions", None
    )  # a Tensor brings its own: nothing is imported from below
    return cupy() if functions is None else functions


def is_gpu_in_use() -> bool:
    """Tell whether arrays may be anywhere but on the host."""
    return "cupy" in sys.modules


def is_on_host(array: Array) -> bool:
    """Tell whether looking at the numbers is free: reading from a GPU makes the host wait for all work there."""
    return isinstance(array, HOST_KINDS)


def device_of(array: Array) -> device:
    """Return the device that holds ``array``."""
    if isinstance(array, HOST_KINDS):
        return CPU
    return _card(array.device.id)


@functools.cache
def _card(index: int) -> device:
    return device("cuda", index)


def resolve_device(name: DeviceLike) -> device:
    """Turn what a user wrote (a string, an index, a device; None: the default) into a device that can be used."""
    if name is None:
        name = _default.device
    if name is None:
        return CPU
    wanted = device(name)
    if wanted.type == "cpu":
        return CPU
    count = cupy().cuda.runtime.getDeviceCount()
    index = cupy().cuda.runtime.getDevice() if wanted.index is None else wanted.index
    if index >= count:
        raise RuntimeError(f"device: expected cuda:0 to cuda:{count - 1}, got {wanted}")
    return _card(index)


def to_device(array: Array, name: DeviceLike) -> Array:
    """Return ``array`` on the wanted device (None: the default one); the array itself if it is there already."""
    wanted, present = resolve_device(name), device_of(array)
    if present == wanted:
        return array
    if wanted.type == "cpu":
        return cupy().asnumpy(array)
    check_dtype_on(wanted, array.dtype)
    with cupy().cuda.Device(wanted.index):  # asarray would leave an array of another card where it is
        return cupy().asarray(array) if present.type == "cpu" else array.copy()


def check_dtype_on(where: device, dtype: Any) -> None:
    """Raise if there are no numbers of this dtype on a device: this engine does not use bfloat16 with CuPy."""
    if where.type != "cpu" and dtype == BFLOAT16:
        raise RuntimeError(
            f"expected a dtype that this engine has on {where}, got bfloat16, which it has on the CPU only. "
            "Hint: float16 and float32 are there"
        )


_NO_CARD = contextlib.nullcontext()


def on_card_of(*arrays: Array) -> contextlib.AbstractContextManager[Any]:
    """Use the card that holds the first array of a GPU, within a ``with`` block: CuPy computes on no other."""
    for array in arrays:
        if type(array) is not np.ndarray and hasattr(array, "device") and not is_on_host(array):
            return array.device
    return _NO_CARD


@functools.cache
def most_elements() -> int:
    """Return how many bytes of memory the machine has: a tensor of more elements than that cannot be."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a system of the Unix kind
        return 2**45


def check_numel(name: str, shape: Iterable[int]) -> None:
    """Raise if there cannot be a tensor of this shape, before anything is made for it."""
    sizes = list(shape)
    if math.prod(sizes) > most_elements():
        raise RuntimeError(
            f"{name}: expected at most {most_elements()} elements, for the machine has no more bytes, got shape {sizes}"
        )


TOO_LARGE = "array is too big", "Maximum allowed", "iterator is too large"


def explain_too_large(name: str, error: Exception) -> None:
    """After an exception: raise a RuntimeError, as PyTorch does, if memory was asked for that there is not."""
    if isinstance(error, MemoryError) or (isinstance(error, ValueError) and str(error).startswith(TOO_LARGE)):
        raise RuntimeError(f"{name}: not enough memory: {error}") from error


def filled_like(array: Array, value: float) -> Array:
    """Return an array of the shape, dtype and device of another one that holds one value everywhere."""
    if isinstance(array, np.ndarray):
        filled = np.empty(array.shape, array.dtype)
        filled.fill(value)
        return filled
    with on_card_of(array):
        return array_module(array).full(array.shape, value, array.dtype)


def to_numpy(array: Array) -> np.ndarray[Any, Any]:
    """Return ``array`` as a NumPy array; a copy only if it lives on a GPU."""
    return to_device(array, CPU)


def pinned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy in memory that the operating system may not move, so that a GPU can read it by itself."""
    cupy()
    import cupyx

    copied = cupyx.empty_pinned(array.shape, array.dtype)
    copied[...] = array
    return copied


def is_pinned(array: Array) -> bool:
    """Tell whether an array of the host lies in such memory."""
    owner = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return type(owner).__name__ == "PinnedMemoryPointer"


def use_tf32(allowed: bool) -> None:
    """Let cuBLAS round float32 factors to TensorFloat-32, or not (CuPy's ``CUPY_TF32=1``, while it runs)."""
    cupy()
    from cupy._core import _routines_linalg as linalg

    linalg.set_compute_type(np.float32, linalg.COMPUTE_TYPE_TF32 if allowed else linalg.COMPUTE_TYPE_DEFAULT)


def fft_module(array: Array) -> ModuleType:
    """Return the module of Fourier transforms for an array: SciPy's, or CuPy's copy of it.

    NumPy has one as well, which takes three to ten times as long.
    """
    if array_module(array) is np:
        import scipy.fft

        return scipy.fft
    import cupyx.scipy.fft

    return cupyx.scipy.fft


def special_module(array: Array) -> ModuleType:
    """Return the module of special functions (erf, ...) for an array: SciPy's, or CuPy's copy of it."""
    if array_module(array) is np:
        import scipy.special

        return scipy.special
    import cupyx.scipy.special

    return cupyx.scipy.special


def sparse_module(array: Array) -> ModuleType:
    """Return the module of sparse matrices for an array: SciPy's, or CuPy's copy of it."""
    if array_module(array) is np:
        import scipy.sparse

        return scipy.sparse
    import cupyx.scipy.sparse

    return cupyx.scipy.sparse
