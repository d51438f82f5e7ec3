"""A border around a tensor: constant, or copies of its own elements.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.arguments import as_ints, as_number
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, check_numel
from tinygrad_edu.ops.common import (
    check_not_empty,
    in_rows,
    raw,
    reject_bool,
    require_tensor,
)
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.scalars import checked_scalar


class ConstantPad(Op):
    """A border of constant values; the gradient is what lies inside it."""

    def forward(self, x: Array, *, widths: tuple[tuple[int, int], ...], value: float) -> Array:
        self.inside = tuple(
            [slice(before, before + size) for (before, _), size in zip(widths, x.shape, strict=True)]
        )
        return in_rows(array_module(x).pad(x, widths, constant_values=value))

    def backward(self, grad_output: Array) -> Array:
        return grad_output[(*self.inside, ...)]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Add to (or, if negative, take from) both ends of the last dimensions.

    Parameters
    ----------
    input : Tensor
        Any shape.
    pad : sequence of int
        (before, after) of the last dimension, then of the one before it, and so on.
    mode : {"constant", "reflect", "replicate", "circular"}
        What is put there.
    value : float, optional
        The constant; 0 by default.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.pad(torch.ones(2), (1, 2))
    tensor([0., 1., 1., 0., 0.])
    """
    require_tensor("pad", input)
    if mode == "constant":
        return constant_pad_nd(input, pad, float(as_number("pad", "value", 0 if value is None else value)))
    widths, sizes = _checked_widths(input, pad)
    if mode == "circular":
        input, widths = _crop(input, widths, sizes)
    dims = len(pad) // 2
    if mode in COPYING_MODES and (not dims or input.ndim not in (dims + 1, dims + 2)):
        raise NotImplementedError(
            f"pad: expected (n, c, *) or (c, *) with {dims} places for {len(pad)} numbers with mode={mode!r}, "
            f"got {list(input.shape)}"
        )
    if mode in ("reflect", "replicate"):
        reject_bool("pad", input)
        check_not_empty("pad", input, dims)
    return _pad_by_index(input, widths, mode)


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: complex = 0) -> Tensor:
    """Put a number, which may be complex, round a tensor: ``nn.functional.pad`` with its first mode.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.constant_pad_nd(torch.ones(2, dtype=torch.complex64), (1, 0), 1j)
    tensor([0.+1.j, 1.+0.j, 1.+0.j])
    """
    require_tensor("pad", input)
    input, widths = _crop(input, *_checked_widths(input, pad))
    constant = checked_scalar("pad", value, raw(input).dtype)
    return ConstantPad.apply(input, widths=tuple(widths), value=constant)


def _checked_widths(input: Tensor, pad: Sequence[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """Return (before, after) of every dimension, and the sizes that are left where one of them is negative."""
    pad = as_ints("pad", "pad", pad)
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(f"pad: expected 2 numbers for at most {input.ndim} dimensions, got {list(pad)}")
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    sizes = [size + min(b, 0) + min(a, 0) for (b, a), size in zip(widths, input.shape, strict=True)]
    if min(sizes, default=0) < 0:
        raise RuntimeError(f"pad: expected sizes of at least 0 after cropping by {list(pad)}, got {sizes}")
    check_numel("pad", [size + max(b, 0) + max(a, 0) for (b, a), size in zip(widths, sizes, strict=True)])
    return widths, sizes


def _crop(
    input: Tensor, widths: list[tuple[int, int]], sizes: list[int]
) -> tuple[Tensor, list[tuple[int, int]]]:
    """Take away what negative widths ask for; return what is left, and the widths that are still to be added."""
    if all(b >= 0 and a >= 0 for b, a in widths):
        return input, widths
    starts = [max(-b, 0) for b, _ in widths]
    inside = tuple([slice(i, i + size) for i, size in zip(starts, sizes, strict=True)])
    return getitem(input, inside), [(max(b, 0), max(a, 0)) for b, a in widths]


COPYING_MODES = ("reflect", "replicate", "circular")
"""The modes that copy elements."""


def _pad_by_index(input: Array, widths: list[tuple[int, int]], mode: str) -> Array:
    """Pad with copies of elements: every dimension is indexed with the positions they come from."""
    if mode not in COPYING_MODES:
        raise NotImplementedError(
            f"pad: Unrecognised padding mode {mode}, expected constant, reflect, replicate or circular"
        )
    xp = array_module(raw(input))
    for dim, (before, after) in enumerate(widths):
        size = input.shape[dim]
        largest = {"reflect": size - 1, "circular": size}.get(mode, max(before, after) if size else 0)
        if max(before, after) > max(largest, 0):
            raise RuntimeError(
                "pad: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({before}, {after}) at dimension {dim} of input {list(input.shape)}, with mode={mode!r}"
            )
        if before or after:
            places = xp.arange(-before, size + after)  # beyond the ends, or without them
            if mode == "replicate":
                positions = places.clip(0, max(size - 1, 0))
            elif mode == "circular":
                positions = places % size
            else:
                positions = size - 1 - abs(size - 1 - abs(places))
            input = getitem(input, (slice(None),) * dim + (positions,))
    return input
