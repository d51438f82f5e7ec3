"""Choosing between elements: where, maximum, minimum, clamp, masked_fill.

References
----------
https://docs.pytorch.org/docs/stable/torch.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    BinaryOp,
    check_broadcast,
    promote,
    raw,
    require_tensor,
    unbroadcast,
)


class Where(Op):
    """a where the condition holds, else b; the gradient goes to the one that was chosen."""

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(condition)
        return array_module(condition).where(condition, a, b)

    def backward(self, grad_output: Array) -> tuple[None, Array | None, Array | None]:
        (condition,) = self.saved
        zero = raw(grad_output).dtype.type(0)
        grad_a = grad_b = None
        if self.needs_input_grad[1]:
            grad_a = unbroadcast(where(condition, grad_output, zero), self.shapes[0])
        if self.needs_input_grad[2]:
            grad_b = unbroadcast(where(condition, zero, grad_output), self.shapes[1])
        return None, grad_a, grad_b

    def explain_failure(self, inputs: tuple[Any, ...]) -> None:
        check_same_device("where", inputs)
        check_broadcast("where", *[np.shape(raw(x)) for x in inputs])


def where(condition: Array, input: Any = None, other: Any = None) -> Any:
    """Return ``input`` where ``condition`` is True, else ``other``; with the condition alone, its indices.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor([-1.0, 2.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    require_tensor("where", condition, "condition")
    if input is None and other is None:
        from tinygrad_edu.ops.search import nonzero

        return nonzero(condition, as_tuple=True)
    if raw(condition).dtype.kind != "b":
        raise RuntimeError(f"where: expected condition to be a boolean tensor, got {raw(condition).dtype}")
    return Where.apply(condition, *promote("where", input, other))


def masked_fill(input: Array, mask: Array, value: Any) -> Array:
    """Return the input with ``value`` where ``mask`` is True."""
    require_tensor("masked_fill", mask, "mask")
    if raw(mask).dtype.kind != "b":
        raise RuntimeError(
            f"masked_fill only supports boolean masks, but got mask with dtype {raw(mask).dtype}"
        )
    if not hasattr(value, "shape"):
        value = raw(input).dtype.type(value)
    return where(mask, value, input)


class Maximum(BinaryOp):
    """The larger one; the gradient goes to it, half to each where they are equal."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).maximum(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        return split_gradient(grad_output, a > b, a < b, self.shapes)


class Minimum(BinaryOp):
    """The smaller one; the gradient goes to it, half to each where they are equal."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).minimum(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        return split_gradient(grad_output, a < b, a > b, self.shapes)


def split_gradient(grad: Array, a_wins: Array, b_wins: Array, shapes: tuple[Any, Any]) -> tuple[Array, Array]:
    """Give the gradient to the winner, and half of it to each where nobody wins."""
    zero, half = raw(grad).dtype.type(0), raw(grad).dtype.type(0.5)
    grad_a = where(a_wins, grad, where(b_wins, zero, grad * half))
    grad_b = where(b_wins, grad, where(a_wins, zero, grad * half))
    return unbroadcast(grad_a, shapes[0]), unbroadcast(grad_b, shapes[1])


def maximum(input: Array, other: Array) -> Array:
    """Return the larger of two tensors, element by element; NaN if one of them is NaN."""
    require_tensor("maximum", input)
    require_tensor("maximum", other, "other")
    return Maximum.apply(*promote("maximum", input, other))


def minimum(input: Array, other: Array) -> Array:
    """Return the smaller of two tensors, element by element; NaN if one of them is NaN."""
    require_tensor("minimum", input)
    require_tensor("minimum", other, "other")
    return Minimum.apply(*promote("minimum", input, other))


class Clamp(Op):
    """x limited to [min, max]; the derivative is 1 inside and on the limits, 0 outside."""

    def forward(self, x: Array, *, min: Any, max: Any) -> Array:
        self.min, self.max = min, max
        self.save_for_backward(x)
        xp = array_module(x)
        if min is not None:
            x = xp.maximum(x, x.dtype.type(min))
        if max is not None:
            x = xp.minimum(x, x.dtype.type(max))
        return x

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        if self.min is not None:
            grad_output = grad_output * (x >= self.min)
        if self.max is not None:
            grad_output = grad_output * (x <= self.max)
        return grad_output


def clamp(input: Array, min: Any = None, max: Any = None) -> Array:
    """Limit every element to the interval from ``min`` to ``max``, numbers or Tensors.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    require_tensor("clamp", input)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if hasattr(min, "shape") or hasattr(max, "shape"):
        result = input if min is None else maximum(input, min)
        return result if max is None else minimum(result, max)
    if raw(input).dtype.kind in "iu" and (isinstance(min, float) or isinstance(max, float)):
        input, _ = promote("clamp", input, 1.0)
    return Clamp.apply(input, min=min, max=max)
