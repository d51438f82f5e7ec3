"""What a program asks about the GPU.

References
----------
https://docs.pytorch.org/docs/stable/cuda.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import backend
from tinygrad_edu import random as _random


def is_available() -> bool:
    """Tell whether tensors can be put on a GPU."""
    return backend.is_cuda_available()


def device_count() -> int:
    """Return the number of GPUs; 0 where CUDA is not available."""
    return int(backend.cupy().cuda.runtime.getDeviceCount()) if is_available() else 0


def current_device() -> int:
    """Return the index of the GPU in use."""
    return int(backend.cupy().cuda.runtime.getDevice())


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU."""
    index = backend.resolve_device("cuda" if device is None else device).index
    return str(backend.cupy().cuda.runtime.getDeviceProperties(index)["name"].decode())


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done all that was asked of it."""
    with backend.cupy().cuda.Device(
        backend.resolve_device("cuda" if device is None else device).index
    ) as card:
        card.synchronize()


def memory_allocated(device: Any = None) -> int:
    """Return the bytes of GPU memory that arrays take."""
    return int(backend.cupy().get_default_memory_pool().used_bytes()) if is_available() else 0


def empty_cache() -> None:
    """Give unused GPU memory back to the driver."""
    if is_available():
        backend.cupy().get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Seed the default generator, which serves all devices."""
    _random.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the default generator, which serves all devices."""
    _random.manual_seed(seed)
