"""The same questions as in ``cuda``, under the names that PyTorch gives them for whatever accelerator there is.

References
----------
https://docs.pytorch.org/docs/stable/accelerator.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import backend, cuda
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.cuda import (
    current_stream,
    device_count,
    empty_cache,
    is_available,
    max_memory_allocated,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
    synchronize,
)
from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = [
    "current_accelerator",
    "current_device_index",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device_index",
    "synchronize",
]


def current_accelerator(check_available: bool = False) -> backend.device | None:
    """Return ``device(type="cuda")``, or None where there is no GPU.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> device = torch.accelerator.current_accelerator() or torch.device("cpu")
    >>> model = torch.nn.Linear(2, 2).to(device)
    """
    return backend.device("cuda") if is_available() else None


def current_device_index() -> int:
    """Return the index of the GPU in use."""
    return cuda.current_device()


def set_device_index(device: DeviceLike) -> None:
    """Let ``device="cuda"`` mean this GPU from now on."""
    cuda.set_device(device)


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
