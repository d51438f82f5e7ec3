"""Devices and array modules: NumPy for the CPU, CuPy for the GPU.

This is the only file of the project that imports CuPy, and it does so only when somebody asks for a
GPU. Everything above it works on *arrays*: it asks :func:`array_module` for ``numpy`` or ``cupy`` where
a function is called (``xp.exp(a)``) and needs nothing at all for arithmetic (``a + b``).
"""

from __future__ import annotations

import functools
import re
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A NumPy array or a CuPy array; in a ``backward`` that builds a graph of its own, a Tensor."""


class device:
    """Where a tensor's numbers live.

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
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device | int, index: int | None = None) -> None:
        if isinstance(type, device):
            index = type.index if index is None else index
            type = type.type
        elif isinstance(type, int):
            index = type
            type = "cuda"
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


DeviceLike: TypeAlias = "device | str | int | None"
CPU = device("cpu")

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
    """Say in one sentence what keeps the GPU from being used, or return None if nothing does."""
    try:
        import cupy
    except ImportError as error:
        return f"CUDA is not available: CuPy cannot be imported ({error}); {_INSTALL_HINT}"
    if not cupy.cuda.is_available():
        return (
            "CUDA is not available: CuPy is installed, but it finds no NVIDIA driver or no card; "
            "`nvidia-smi` must list a card, and the driver must support the installed CUDA version"
        )
    try:
        import numba.cuda  # noqa: F401
    except ImportError as error:
        return f"CUDA is not available: numba-cuda cannot be imported ({error}); {_INSTALL_HINT}"
    return None


def is_cuda_available() -> bool:
    """Tell whether arrays can be put on a GPU."""
    return why_cuda_is_missing() is None


def array_module(array: Array) -> ModuleType:
    """Return the module that made ``array``: numpy, or cupy.

    Examples
    --------
    >>> import numpy
    >>> array_module(numpy.ones(3)).__name__
    'numpy'
    """
    if isinstance(array, np.ndarray | np.generic):
        return np
    return cupy()


def device_of(array: Array) -> device:
    """Return the device that holds ``array``."""
    if isinstance(array, np.ndarray | np.generic):
        return CPU
    return device("cuda", array.device.id)


def resolve_device(name: DeviceLike) -> device:
    """Turn what a user wrote (None, a string, an index, a device) into a device that can be used."""
    if name is None:
        return CPU
    wanted = device(name)
    if wanted.type == "cpu":
        return CPU
    count = cupy().cuda.runtime.getDeviceCount()
    index = cupy().cuda.runtime.getDevice() if wanted.index is None else wanted.index
    if index >= count:
        raise RuntimeError(f"device: expected cuda:0 to cuda:{count - 1}, got {wanted}")
    return device("cuda", index)


def to_device(array: Array, name: DeviceLike) -> Array:
    """Return ``array`` on the wanted device; the array itself if it is there already."""
    wanted = resolve_device(name)
    if device_of(array) == wanted:
        return array
    if wanted.type == "cpu":
        return cupy().asnumpy(array)
    with cupy().cuda.Device(wanted.index):
        return cupy().asarray(array)


def to_numpy(array: Array) -> np.ndarray[Any, Any]:
    """Return ``array`` as a NumPy array; a copy only if it lives on a GPU."""
    return to_device(array, CPU)


def special_module(array: Array) -> ModuleType:
    """Return the module of special functions (erf, ...) for an array: SciPy's, or CuPy's copy of it."""
    if array_module(array) is np:
        import scipy.special

        return scipy.special
    import cupyx.scipy.special

    return cupyx.scipy.special
