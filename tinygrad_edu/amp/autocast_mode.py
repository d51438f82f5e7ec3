"""``autocast``: products in half precision, and what would lose digits there in float32.

Inside, a product of float32 matrices is one of bfloat16 ones: the operands are cast, and the casts have gradients, so
the parameters and their gradients stay float32. Which functions do so stands in ``ops/autocast.py``.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from tinygrad_edu import cuda_availability, dtypes
from tinygrad_edu.arguments import require_bools, wrong_type
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.type_names import type_name

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

DEVICE_TYPES = ("cpu", "cuda")
"""Where PyTorch has it, among the devices that there are here."""

DTYPES = {"cpu": (dtypes.float16, dtypes.bfloat16), "cuda": (dtypes.float16, dtypes.bfloat16, dtypes.float32)}
"""The dtypes that PyTorch takes for it; others turn it off. With float32, a model of float32 computes as ever."""

DEFAULTS = {"cpu": dtypes.bfloat16, "cuda": dtypes.float16}


class autocast:
    """A context manager and decorator within which matrix products and convolutions compute in half precision.

    What adds up many numbers or takes their logarithm, such as a loss, computes in float32 there. Parameters and
    gradients keep their dtype. With float16, :class:`GradScaler` keeps small gradients from vanishing. ``backward``
    belongs outside.

    Parameters
    ----------
    device_type : str
        ``"cpu"`` or ``"cuda"``. Where there is no GPU, ``"cuda"`` warns and turns it off, as in PyTorch.
    dtype : torch.dtype, optional
        float16 or bfloat16; by default bfloat16 on the CPU and float16 on a GPU. One that PyTorch does not take, such
        as float32 on the CPU, warns and turns it off.
    enabled : bool
        Whether it is on: False turns it off within a block where it is on.
    cache_enabled : bool, optional
        Whether PyTorch keeps converted parameters; accepted.

    Raises
    ------
    NotImplementedError
        For bfloat16 on a GPU, where this engine does not have it.
    RuntimeError
        For a device type that does not have it.

    References
    ----------
    Micikevicius et al., "Mixed Precision Training", 2018; https://docs.pytorch.org/docs/stable/amp.html#torch.autocast

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.ones(2, 2)
    >>> with torch.autocast("cpu"):
    ...     y = x @ x
    ...     loss = torch.nn.functional.mse_loss(y, x)
    >>> y.dtype, loss.dtype
    (torch.bfloat16, torch.float32)
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
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.enabled = bool(enabled) and self._can_be_on()
        self._before: list[dict[str, Any]] = []

    def _can_be_on(self) -> bool:
        """Tell whether PyTorch would compute in this dtype; warn if it would not."""
        if self.device == "cuda" and not cuda_availability.is_cuda_available():
            warnings.warn("autocast: CUDA is not available. Disabling autocast.", stacklevel=3)
            return False
        if self.fast_dtype not in DTYPES[self.device]:
            names = ", ".join(map(str, DTYPES[self.device]))
            warnings.warn(
                f"autocast: expected one of {names} on {self.device}, got {self.fast_dtype}. Disabling autocast.",
                stacklevel=3,
            )
            return False
        if self.device == "cuda" and self.fast_dtype is dtypes.bfloat16:
            raise NotImplementedError(
                "autocast: expected float16 on cuda, got bfloat16, which this engine has on the CPU only"
            )
        return True

    def __enter__(self) -> Self:
        mode = this_thread.mode
        self._before.append(mode.autocast)
        others = {device: dtype for device, dtype in mode.autocast.items() if device != self.device}
        mode.autocast = others | ({self.device: self.fast_dtype.numpy_dtype} if self.enabled else {})
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Restore what was before."""
        this_thread.mode.autocast = self._before.pop()

    def __call__(self, func: Decorated) -> Decorated:
        """Return a function that runs within it."""
        if not callable(func):
            raise TypeError(f"autocast()(func) requires a callable, but got {type_name(func)}")

        @functools.wraps(func)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self.copy():  # one for every call: it may run in several threads
                return func(*args, **kwargs)

        return inside  # type: ignore[return-value]

    def copy(self) -> autocast:
        """Return another one with the same settings."""
        other = object.__new__(autocast)
        other.device, other.fast_dtype, other.enabled, other._before = (
            self.device,
            self.fast_dtype,
            self.enabled,
            [],
        )
        return other


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
    """Tell whether :class:`autocast` is on for a type of device.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> with torch.autocast("cpu"):
    ...     torch.is_autocast_enabled("cpu")
    True
    """
    if not isinstance(device_type, str):
        raise wrong_type("is_autocast_enabled", "device_type", "str", device_type)
    return device_type in this_thread.mode.autocast


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """Return the dtype in which :class:`autocast` computes on a type of device, or would if it were on.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.get_autocast_dtype("cpu")
    torch.bfloat16
    """
    if not isinstance(device_type, str):
        raise wrong_type("get_autocast_dtype", "device_type", "str", device_type)
    if device_type not in DEFAULTS:
        raise RuntimeError(
            f"get_autocast_dtype: expected device_type to be one of {', '.join(DEVICE_TYPES)}, got {device_type!r}"
        )
    dtype = this_thread.mode.autocast.get(device_type)
    return DEFAULTS[device_type] if dtype is None else dtypes.from_numpy_dtype(dtype)


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtypes.dtype | None = None) -> Any:
    """Have the ``forward`` of a ``Function`` note whether autocast is on, for :func:`custom_bwd`.

    Parameters
    ----------
    fwd : function, optional
        The forward; without it, a decorator is returned.
    device_type : str
        Of which autocast is meant.
    cast_inputs : torch.dtype, optional
        Where autocast is on, run without it, on floating-point tensors cast to this dtype.

    References
    ----------
    https://docs.pytorch.org/docs/stable/amp.html#torch.amp.custom_fwd
    """
    require_device_type("custom_fwd", device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        is_on = is_autocast_enabled(device_type)
        ctx._autocast = is_on and cast_inputs is None, get_autocast_dtype(device_type)
        if not is_on or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            wide = {name: cast_floating(x, device_type, cast_inputs) for name, x in kwargs.items()}
            return fwd(ctx, *[cast_floating(x, device_type, cast_inputs) for x in args], **wide)

    return forward


def cast_floating(value: Any, device_type: str, dtype: dtypes.dtype) -> Any:
    """Return a Tensor of this type of device in a dtype, but not one of float64 or integers; also within lists."""
    if isinstance(value, TensorBase):
        is_meant = (
            value.is_floating_point()
            and value.dtype is not dtypes.float64
            and value.device.type == device_type
        )
        return value.to(dtype) if is_meant else value
    if isinstance(value, dict):
        return {name: cast_floating(x, device_type, dtype) for name, x in value.items()}
    if type(value) in (list, tuple):
        return type(value)([cast_floating(x, device_type, dtype) for x in value])
    return value


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Have the ``backward`` of a ``Function`` run with autocast as its forward did.

    References
    ----------
    https://docs.pytorch.org/docs/stable/amp.html#torch.amp.custom_bwd
    """
    require_device_type("custom_bwd", device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *grads: Any, **kwargs: Any) -> Any:
        enabled, dtype = ctx._autocast
        with autocast(device_type, dtype, enabled):
            return bwd(ctx, *grads, **kwargs)

    return backward
