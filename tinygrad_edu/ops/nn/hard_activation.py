"""The hard activation functions, whose limits are corners, and what is cut off at a threshold.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import as_floating, raw, reject_bool, reject_complex, require_tensor
from tinygrad_edu.ops.elementwise.select import keep, where
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.scalars import checked_scalar


class Hardtanh(Op):
    """min(max(x, low), high); the derivative is 1 between the limits, else 0 (clamp has 1 on them)."""

    def forward(self, x: Array, *, low: float, high: float) -> Array:
        self.low, self.high = low, high
        self.save_for_backward(x)
        return array_module(x).clip(x, low, high)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        return keep(grad_output, ~((x <= self.low) | (x >= self.high)))


def hardtanh(input: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """The input limited to ``min_val`` and ``max_val``; the derivative is 1 between them, else 0."""
    require_tensor("hardtanh", input)
    reject_bool("hardtanh", input)
    reject_complex("hardtanh", input)
    if min_val > max_val:
        raise ValueError(f"hardtanh: expected min_val <= max_val, got {min_val} and {max_val}")
    dtype = raw(input).dtype
    if dtype.kind == "u" and min_val < 0:
        raise RuntimeError(f"hardtanh: expected limits of at least 0 for {dtype}, got {min_val}")
    low, high = [checked_scalar("hardtanh", number, dtype) for number in (min_val, max_val)]
    return Hardtanh.apply(input, low=low, high=high)


def relu6(input: Array) -> Array:
    """min(max(input, 0), 6); the derivative is 1 between 0 and 6, else 0."""
    return hardtanh(input, 0.0, 6.0)


@rounded_once
def hardsigmoid(input: Array) -> Array:
    """relu6(input + 3) / 6; the derivative is 1 / 6 between -3 and 3, else 0."""
    return relu6(as_floating("hardsigmoid", input) + 3) / 6


class Hardswish(Op):
    """x relu6(x + 3) / 6; the derivative is 0 up to -3, (2 x + 3) / 6 between, 1 from 3 on."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        return x * (array_module(x).clip(x + 3, 0, 6) / 6)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        xp = array_module(x)
        inner = xp.where(x < 3, grad_output * (x / 3 + 0.5), grad_output)
        return xp.where(x <= -3, 0.0, inner)


@rounded_once
def hardswish(input: Array) -> Array:
    """input * relu6(input + 3) / 6.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", 2019, section 5.2.
    """
    return Hardswish.apply(as_floating("hardswish", input))


def threshold(input: Array, threshold: float, value: float) -> Array:
    """The input where it is above the threshold, else ``value``; the derivative is 1 or 0."""
    require_tensor("threshold", input)
    reject_bool("threshold", input)
    dtype = raw(input).dtype
    threshold, value = [checked_scalar("threshold", number, dtype).item() for number in (threshold, value)]
    return where(input <= threshold, value, input)
