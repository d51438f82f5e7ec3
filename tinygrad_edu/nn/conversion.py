"""Another device or another dtype for all that a module holds."""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.memory_formats import check_memory_format
from tinygrad_edu.nn.parameter import is_lazy

Self = TypeVar("Self", bound="ModuleConversion")


class ModuleConversion:
    """How a module is moved and converted; part of Module."""

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, and/or floating-point ones to a dtype; in place.

        Takes what ``Tensor.to`` takes: a device, a dtype, both, or a tensor whose device and dtype are meant.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.to
        """
        move_to(self, args, kwargs)
        return self

    def cpu(self: Self) -> Self:
        """Move everything to the CPU."""
        return self.to("cpu")

    def cuda(self: Self, device: DeviceLike = None) -> Self:
        """Move everything to a GPU."""
        return self.to("cuda" if device is None else device)

    def type(self: Self, dst_type: dtypes.dtype) -> Self:
        """Make all floating-point parameters and buffers of this dtype."""
        return self.to(dst_type)

    def float(self: Self) -> Self:
        """Make all floating-point parameters and buffers float32."""
        return self.to(dtypes.float32)

    def double(self: Self) -> Self:
        """Make all floating-point parameters and buffers float64."""
        return self.to(dtypes.float64)

    def half(self: Self) -> Self:
        """Make all floating-point parameters and buffers float16."""
        return self.to(dtypes.float16)

    def bfloat16(self: Self) -> Self:
        """Make all floating-point parameters and buffers bfloat16."""
        return self.to(dtypes.bfloat16)


def move_to(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Give all tensors of the module, and their gradients, new arrays: what ``to`` does.

    The Tensor objects stay the same, so an optimizer that holds the parameters goes on with them.
    """
    wanted = [arg for arg in (*args, kwargs.get("dtype")) if isinstance(arg, dtypes.dtype)]
    if wanted and not wanted[0].is_floating_point and not wanted[0].is_complex:
        raise TypeError(
            f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={wanted[0]}"
        )
    # A memory format is for tensors of its number of dimensions alone, and the others are none the worse.
    check_memory_format("to", kwargs.pop("memory_format", None))
    for tensor in [*module.parameters(), *module.buffers()]:
        for part in (tensor, tensor._grad):
            if is_lazy(part):
                part.data = _moved(part.data, args, kwargs)
            elif part is not None and not part._is_strided:
                part._become(_moved(part, args, kwargs))
            elif part is not None:
                part.array = _moved(part, args, kwargs).array


def _moved(tensor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Return what ``Tensor.to`` gives; only floating-point tensors change their dtype."""
    moved = tensor.detach().to(*args, **kwargs)
    if tensor.is_floating_point() or tensor.is_complex():
        return moved
    return tensor.detach().to(device=moved.device)
