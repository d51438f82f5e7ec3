"""``autocast``: in PyTorch, some operations compute in a shorter dtype. Not here: it must be off.

A program that writes ``autocast(..., enabled=False)``, or asks for CUDA where there is none, runs; one that wants the
shorter dtype is told that it will not get it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from tinygrad_edu import backend, dtypes
from tinygrad_edu.arguments import require_bools, wrong_type
from tinygrad_edu.type_names import type_name

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

DEVICE_TYPES = ("cpu", "cuda")
"""Where PyTorch has it, among the devices that there are here."""

DTYPES = {"cpu": (dtypes.float16, dtypes.bfloat16), "cuda": (dtypes.float16, dtypes.bfloat16, dtypes.float32)}
"""The dtypes that PyTorch takes for it; others turn it off. With float32, a model of float32 computes as ever."""


class autocast:
    """A context manager and decorator within which PyTorch computes in a shorter dtype; here it must be off.

    Parameters
    ----------
    device_type : str
        ``"cpu"`` or ``"cuda"``. Where there is no GPU, ``"cuda"`` warns and turns it off, as in PyTorch.
    dtype : torch.dtype, optional
        The shorter dtype; one that PyTorch does not take, such as float32 on the CPU, warns and turns it off.
    enabled : bool
        Whether it is on.
    cache_enabled : bool, optional
        Whether PyTorch keeps converted parameters; accepted.

    Raises
    ------
    NotImplementedError
        If it is on.
    RuntimeError
        For a device type that does not have it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/amp.html#torch.autocast

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> with torch.autocast("cpu", enabled=False):
    ...     y = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> y.dtype
    torch.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: dtypes.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        require_device_type("autocast", device_type)
        require_bools("autocast", enabled=False if enabled is None else enabled)
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"autocast: expected device_type to be one of {', '.join(DEVICE_TYPES)}, got {device_type!r}"
            )
        self.device = device_type
        if dtype is None:
            dtype = dtypes.float16 if device_type == "cuda" else dtypes.bfloat16
        self.fast_dtype = dtype
        if enabled and self._is_on():
            raise NotImplementedError(
                f"autocast: expected enabled=False, which is all there is here, got True for {dtype} on {device_type}. "
                "Hint: model.half() computes in float16"
            )

    def _is_on(self) -> bool:
        """Tell whether PyTorch would compute in the shorter dtype; warn if it would not."""
        if self.device == "cuda" and not backend.is_cuda_available():
            warnings.warn("autocast: CUDA is not available. Disabling autocast.", stacklevel=3)
            return False
        if self.fast_dtype not in DTYPES[self.device]:
            names = ", ".join(map(str, DTYPES[self.device]))
            warnings.warn(
                f"autocast: expected one of {names} on {self.device}, got {self.fast_dtype}. Disabling autocast.",
                stacklevel=3,
            )
            return False
        return self.fast_dtype is not dtypes.float32

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Leave it."""

    def __call__(self, func: Decorated) -> Decorated:
        """Return a function as it is."""
        if not callable(func):
            raise TypeError(f"autocast()(func) requires a callable, but got {type_name(func)}")
        return func


def is_autocast_available(device_type: str) -> bool:
    """Tell whether :class:`autocast` can be written for this type of device."""
    if not isinstance(device_type, str):
        raise wrong_type("is_autocast_available", "device_type", "str", device_type)
    return device_type in DEVICE_TYPES


def require_device_type(name: str, device_type: Any) -> None:
    """Raise unless it is a name."""
    if not isinstance(device_type, str):
        raise ValueError(f"{name}: expected device_type to be a str, got {type_name(device_type)}")


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Tell whether operations compute in a shorter dtype: never."""
    if not isinstance(device_type, str):
        raise wrong_type("is_autocast_enabled", "device_type", "str", device_type)
    return False


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtypes.dtype | None = None) -> Any:
    """Return the ``forward`` of a ``Function`` as it is: outside of autocast, PyTorch's does nothing, either.

    References
    ----------
    https://docs.pytorch.org/docs/stable/amp.html#torch.amp.custom_fwd
    """
    return _as_it_is("custom_fwd", device_type, fwd)


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Return the ``backward`` of a ``Function`` as it is: outside of autocast, PyTorch's does nothing, either.

    References
    ----------
    https://docs.pytorch.org/docs/stable/amp.html#torch.amp.custom_bwd
    """
    return _as_it_is("custom_bwd", device_type, bwd)


def _as_it_is(name: str, device_type: str, function: Any) -> Any:
    """Return a function, or a decorator that does."""
    require_device_type(name, device_type)
    return autocast(device_type, enabled=False) if function is None else function
