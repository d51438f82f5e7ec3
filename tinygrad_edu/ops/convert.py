"""Moving tensors between devices, and filling them."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device
from tinygrad_edu.ops.common import cast, raw, require_tensor, unbroadcast
from tinygrad_edu.ops.shape.layout import expand
from tinygrad_edu.scalars import checked_scalar
from tinygrad_edu.type_names import type_name


class Move(Op):
    """A copy on another device; the gradient comes back."""

    moves_only = True

    def forward(self, x: Array, *, device: Any) -> Array:
        self.origin = device_of(x)
        return to_device(x, device)

    def backward(self, grad_output: Array) -> Array:
        return Move.compute(grad_output, device=self.origin)


def move(x: Array, device: Any) -> Array:
    """Return ``x`` on another device."""
    return Move.apply(x, device=device)


class Fill(Op):
    """A constant in place of every element; the old ones get no gradient."""

    moves_only = True

    def forward(self, x: Array, *, value: Any) -> Array:
        return array_module(x).full_like(x, value)

    def backward(self, grad_output: Array) -> Array:
        return Fill.compute(grad_output, value=0)


def full_of(x: Array, value: Any) -> Array:
    """Return a tensor like ``x`` with one value everywhere; still a step of the graph."""
    return Fill.apply(x, value=scalar_like(x, value))


def fill(input: Any, value: Any) -> Any:
    """Return a tensor like the input with one value, a number or a 0-d Tensor, everywhere.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fill(torch.zeros(3), 2.5)
    tensor([2.5000, 2.5000, 2.5000])
    """
    require_tensor("fill", input)
    if not isinstance(value, TensorBase):
        return full_of(input, value)
    if value.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
        )
    return copy_of(input, value)


def scalar_like(x: Array, value: Any) -> Any:
    """Return a number (or a one-element tensor) as a scalar of the dtype of ``x``, which must hold it."""
    return checked_scalar("fill", value.item() if hasattr(value, "item") else value, raw(x).dtype)


class CopyInto(Op):
    """The second tensor in place of the first, broadcast to its shape: all of the gradient goes there."""

    moves_only = True

    def forward(self, x: Array, src: Array) -> Array:
        self.src_shape, self.src_dtype = src.shape, src.dtype
        return array_module(x).broadcast_to(src, x.shape).astype(x.dtype)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        return Fill.compute(grad_output, value=0), cast(
            unbroadcast(grad_output, self.src_shape), self.src_dtype
        )

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        expand(tensor_from_array(arrays[1]), arrays[0].shape)  # raises with both shapes


def copy_of(x: Array, src: Any) -> Array:
    """Return ``src`` with the shape, dtype and device of ``x``; still a step of the graph."""
    if not isinstance(src, TensorBase):
        raise TypeError(f"copy_(): argument 'other' must be Tensor, not {type_name(src)}")
    if src.device != x.device:
        src = move(src, x.device)
    return CopyInto.apply(x, src)
