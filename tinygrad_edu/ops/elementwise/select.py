"""Choosing between elements: where, maximum, minimum, clamp, masked_fill.

References
----------
https://docs.pytorch.org/docs/stable/torch.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.autograd.telling import tell_called
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    BinaryOp,
    cast,
    check_broadcast,
    raw,
    reject_bool,
    reject_complex,
    require_tensor,
    unbroadcast,
)
from tinygrad_edu.ops.promotion import fits, promote, promote_checked, promote_many
from tinygrad_edu.ops.shape.layout import contiguous
from tinygrad_edu.scalars import checked_scalar


class Keep(Op):
    """x where the mask is True, else 0: what masks a gradient, and its own derivative.

    x * mask would make NaN of an infinite x, and ``where`` is several times slower on a random mask, which the
    processor cannot predict. So the bits of x are taken as an integer, and -1 or 0, all bits or none, is put on top.
    """

    def forward(self, x: Array, mask: Array) -> Array:
        self.save_for_backward(mask)
        bits = x.view(f"i{x.dtype.itemsize}")
        return (bits & -mask.astype(bits.dtype)).view(x.dtype)

    def backward(self, grad_output: Array) -> tuple[Array, None]:
        (mask,) = self.saved
        return keep(grad_output, mask), None


def keep(x: Array, mask: Array) -> Array:
    """Return floating-point ``x`` where ``mask`` is True, else 0, also in place of infinity and NaN."""
    return Keep.compute(x, mask)


class Where(Op):
    """a where the condition holds, else b; the gradient goes to the one that was chosen."""

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(condition)
        return array_module(condition).where(condition, a, b)

    def backward(self, grad_output: Array) -> tuple[None, Array | None, Array | None]:
        (condition,) = self.saved
        xp = array_module(grad_output)
        grad_a = grad_b = None
        if self.needs_input_grad[1]:
            grad_a = unbroadcast(xp.where(condition, grad_output, 0.0), self.shapes[0])
        if self.needs_input_grad[2]:
            grad_b = unbroadcast(xp.where(condition, 0.0, grad_output), self.shapes[1])
        return None, grad_a, grad_b

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        check_same_device("where", arrays)
        check_broadcast("where", *[np.shape(raw(x)) for x in arrays])


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """Return ``input`` where ``condition`` is True, else ``other``; with the condition alone, its indices.

    Parameters
    ----------
    condition : Tensor
        Booleans.
    input, other : Tensor or number
        Broadcast with the condition, and brought to one dtype.

    Returns
    -------
    Tensor, or tuple of Tensors
        Of the broadcast shape. The gradient goes to what was chosen, and 0 to the other one.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.where.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor([-1.0, 2.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    require_tensor("where", condition, "condition")
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if raw(condition).dtype.kind != "b":
        raise explained(
            RuntimeError(f"where: expected condition to be a boolean tensor, got {raw(condition).dtype}")
        )
    if isinstance(input, int | float | complex) and isinstance(other, int | float | complex):
        scalar = checked_scalar("where", input, dtypes.result_numpy_dtype(input, other))
        xp = array_module(raw(condition))
        input = tensor_from_array(tell_called(xp.asarray, (scalar,), xp.asarray(scalar)))
    return Where.apply(condition, *promote_checked("where", input, other))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the positions of all elements that are not 0: a row for each, or a tuple of vectors.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nonzero(torch.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    require_tensor("nonzero", input)
    require_bools("nonzero", as_tuple=as_tuple)
    xp = array_module(raw(input))
    vectors = xp.nonzero(xp.atleast_1d(raw(input)))
    if as_tuple:
        return tuple([tensor_from_array(v.copy()) for v in vectors])
    rows = xp.stack(vectors, 1) if input.ndim else xp.zeros((len(vectors[0]), 0), "int64")
    return tensor_from_array(rows)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Return the input with ``value``, a number or a 0-d Tensor, where ``mask`` is True.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> scores = torch.tensor([1.0, 2.0])
    >>> torch.masked_fill(scores, torch.tensor([False, True]), float("-inf"))
    tensor([1., -inf])
    """
    require_tensor("masked_fill", input)
    require_tensor("masked_fill", mask, "mask")
    if raw(mask).dtype.kind != "b":
        raise explained(
            RuntimeError(
                f"masked_fill only supports boolean masks, but got mask with dtype {raw(mask).dtype}"
            )
        )
    dtype = raw(input).dtype
    if hasattr(value, "shape"):
        if value.ndim:
            raise explained(
                RuntimeError(
                    f"masked_fill: only supports a 0-dimensional value tensor, but got one with {value.ndim} "
                    "dimension(s)"
                )
            )
        if raw(value).dtype.kind == "c" and dtype.kind != "c":
            raise explained(
                RuntimeError(f"masked_fill: expected a real value for {dtype}, got {raw(value).dtype}")
            )
        value = cast(value, dtype)
    else:
        value = checked_scalar("masked_fill", value, dtype)
    return contiguous(where(mask, value, input))


class Maximum(BinaryOp):
    """The larger one; the gradient goes to it, half to each where they are equal, and to both for NaN."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).maximum(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        return split_gradient(grad_output, a < b, a > b, a == b, self.shapes)


class Minimum(BinaryOp):
    """The smaller one; the gradient goes to it, half to each where they are equal, and to both for NaN."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a, b)
        return array_module(a).minimum(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        a, b = self.saved
        return split_gradient(grad_output, a > b, a < b, a == b, self.shapes)


def split_gradient(
    grad: Array, a_loses: Array, b_loses: Array, equal: Array, shapes: tuple[Any, Any]
) -> tuple[Array, Array]:
    """Give nothing to the loser, and half of the gradient to each of two equals."""
    shared = keep(grad * 0.5, equal)
    grad_a, grad_b = keep(grad, ~(a_loses | equal)) + shared, keep(grad, ~(b_loses | equal)) + shared
    return unbroadcast(grad_a, shapes[0]), unbroadcast(grad_b, shapes[1])


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of two tensors, element by element; NaN if one of them is NaN."""
    require_tensor("maximum", input)
    require_tensor("maximum", other, "other")
    reject_complex("maximum", input, other)
    return Maximum.apply(*promote("maximum", input, other))


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of two tensors, element by element; NaN if one of them is NaN."""
    require_tensor("minimum", input)
    require_tensor("minimum", other, "other")
    reject_complex("minimum", input, other)
    return Minimum.apply(*promote("minimum", input, other))


class Clamp(Op):
    """min(max(x, low), high); the gradient goes to x between the limits and on them, else to the limit."""

    def forward(self, x: Array, low: Any, high: Any) -> Array:
        xp = array_module(x)
        self.shapes = x.shape, np.shape(low), np.shape(high)
        self.save_for_backward(x, low, high)
        y = x if low is None else xp.maximum(x, low)
        return y if high is None else xp.minimum(y, high)

    def backward(self, grad_output: Array) -> tuple[Array, Array | None, Array | None]:
        x, low, high = self.saved
        xp = array_module(grad_output)
        grad_x, grad_low, grad_high = grad_output, None, None
        if low is not None:
            grad_x = keep(grad_x, x >= low)
        if high is not None:
            grad_x = keep(grad_x, x <= high)
        if self.needs_input_grad[1]:
            below = x < low if high is None else (x < low) & (low < high)
            grad_low = unbroadcast(xp.where(below, grad_output, 0.0), self.shapes[1])
        if self.needs_input_grad[2]:
            above = x > high if low is None else (x > high) | (high < low)
            grad_high = unbroadcast(xp.where(above, grad_output, 0.0), self.shapes[2])
        return unbroadcast(grad_x, self.shapes[0]), grad_low, grad_high

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        check_same_device("clamp", arrays)
        check_broadcast("clamp", *self.shapes)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Limit every element to the interval from ``min`` to ``max``.

    Parameters
    ----------
    input : Tensor
        Numbers of any shape.
    min, max : number or Tensor, optional
        The limits, broadcast against the input; at least one is needed. Where min > max the result is max.

    Returns
    -------
    Tensor
        Of the broadcast shape, in the dtype of input and limits together.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.clamp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    require_tensor("clamp", input)
    reject_complex("clamp", input, min, max)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    limits = [limit for limit in (min, max) if limit is not None]
    if all(fits(limit, input) for limit in limits):
        return Clamp.apply(input, min, max)  # numbers leave the dtype as it is
    promoted = iter(promote_many("clamp", input, *limits))
    input = next(promoted)
    if len(limits) == 2 or not isinstance(
        limits[0], TensorBase
    ):  # one Tensor: a maximum or minimum, of masks too
        reject_bool("clamp", input)
    return Clamp.apply(
        input, None if min is None else next(promoted), None if max is None else next(promoted)
    )
