"""Functions of ``nn.functional`` that move elements: windows laid out side by side, pixels and channels.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import pair, raw, require_tensor


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Lay out the windows that a convolution sees: (n, c, h, w) -> (n, c kh kw, number of windows)."""
    require_tensor("unfold", input)
    if raw(input).dtype.kind in "iu":  # of bool there is one, in PyTorch, too
        raise NotImplementedError(f"unfold: expected a floating-point tensor, got {raw(input).dtype}")
    if input.ndim == 3:
        return ops.squeeze(unfold(ops.unsqueeze(input, 0), kernel_size, dilation, padding, stride), 0)
    if input.ndim != 4:
        raise RuntimeError(f"unfold: Expected 3D or 4D (batch mode) tensor, got {list(input.shape)}")
    kernel, spread = pair("unfold", "kernel_size", kernel_size), pair("unfold", "dilation", dilation)
    border, step = pair("unfold", "padding", padding), pair("unfold", "stride", stride)
    check_windows("unfold", kernel, spread, border, step)
    padded = ops.pad(input, (border[1], border[1], border[0], border[0]))
    n, c, h, w = padded.shape
    pixels = window_pixels("unfold", padded.array, (h, w), kernel, spread, step)
    windows = ops.reshape(padded, (n, c, h * w))[:, :, pixels]  # (n, c, kh kw, oh ow)
    return ops.reshape(windows, (n, c * kernel[0] * kernel[1], pixels.shape[1]))


def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Add windows up to images: (n, c kh kw, number of windows) -> (n, c, h, w), the transpose of :func:`unfold`.

    Parameters
    ----------
    input : Tensor
        (n, c kh kw, windows) or (c kh kw, windows): a column for every window, row after row.
    output_size : int or (int, int)
        Height and width of the images, in pixels.
    kernel_size, dilation, padding, stride : int or (int, int)
        Where the windows lie, as in :func:`unfold`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.fold.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.fold(torch.ones(1, 4, 4), 3, kernel_size=2)  # in how many windows each pixel is
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    require_tensor("fold", input)
    if raw(input).dtype.kind in "iu":
        raise NotImplementedError(f"fold: expected a floating-point tensor, got {raw(input).dtype}")
    if input.ndim == 2:
        return ops.squeeze(
            fold(ops.unsqueeze(input, 0), output_size, kernel_size, dilation, padding, stride), 0
        )
    kernel, spread = pair("fold", "kernel_size", kernel_size), pair("fold", "dilation", dilation)
    border, step = pair("fold", "padding", padding), pair("fold", "stride", stride)
    check_windows("fold", kernel, spread, border, step)
    if input.ndim != 3 or 0 in input.shape[1:] or input.shape[1] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            f"fold: Expected 2D or 3D (batch mode) tensor (n, c kh kw, windows) with kernel_size={kernel}, got "
            f"{list(input.shape)}"
        )
    height, width = pair("fold", "output_size", output_size)
    h, w = height + 2 * border[0], width + 2 * border[1]
    pixels = window_pixels("fold", raw(input), (h, w), kernel, spread, step)  # (kh kw, oh ow)
    if input.shape[2] != pixels.shape[1]:
        raise RuntimeError(
            f"fold: expected {pixels.shape[1]} windows for output_size={(height, width)}, got {input.shape[2]}"
        )
    n, c = input.shape[0], input.shape[1] // (kernel[0] * kernel[1])
    nothing = creation.zeros((n, c, h * w), dtype=input.dtype, device=input.device)
    columns = ops.reshape(input, (n, c, pixels.size))
    images = ops.index_add(nothing, 2, tensor_from_array(pixels.reshape(-1)), columns)
    images = ops.reshape(images, (n, c, h, w))
    return images[:, :, border[0] : border[0] + height, border[1] : border[1] + width]


def check_windows(
    name: str,
    kernel: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[int, ...],
    stride: tuple[int, ...],
) -> None:
    """Raise unless windows of this kind can be placed."""
    if min(*kernel, *dilation, *stride) < 1 or min(padding) < 0:
        raise RuntimeError(
            f"{name}: expected kernel_size, dilation and stride greater than zero and padding of at least 0, got "
            f"{kernel}, {dilation}, {stride} and {padding}"
        )


def window_pixels(
    name: str,
    like: Array,
    size: tuple[int, int],
    kernel: tuple[int, ...],
    dilation: tuple[int, ...],
    stride: tuple[int, ...],
) -> Array:
    """Return the places of all windows' pixels in the flattened image: (kh kw, oh ow)."""
    rows, columns = [
        window_positions(name, like, *of_dim) for of_dim in zip(size, kernel, dilation, stride, strict=True)
    ]
    pixels = rows[:, None, :, None] * size[1] + columns[None, :, None, :]  # (kh, kw, oh, ow)
    return pixels.reshape(kernel[0] * kernel[1], -1)


def window_positions(name: str, like: Array, size: int, kernel: int, dilation: int, stride: int) -> Array:
    """Return where the elements of all windows along one dimension lie: (kernel, number of windows)."""
    span = dilation * (kernel - 1) + 1
    if size < span:
        raise RuntimeError(f"{name}: expected windows of {span} to fit into the padded input, got {size}")
    xp = array_module(like)
    starts = xp.arange(0, size - span + 1, stride)
    return xp.arange(kernel)[:, None] * dilation + starts


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Make r x r pixels of r^2 channels: (*, c r^2, h, w) -> (*, c, h r, w r)."""
    require_tensor("pixel_shuffle", input)
    upscale_factor = as_int("pixel_shuffle", "upscale_factor", upscale_factor)
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % r**2:
        raise RuntimeError(
            f"pixel_shuffle: expected input (*, c r^2, h, w) with channels divisible by r^2 = {r**2}, got "
            f"{list(input.shape)}"
        )
    *batch, channels, h, w = input.shape
    split = ops.reshape(input, (math.prod(batch), channels // r**2, r, r, h, w))
    moved = ops.permute(split, (0, 1, 4, 2, 5, 3))  # (n, c, h, r, w, r)
    return ops.reshape(moved, (*batch, channels // r**2, h * r, w * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Make r^2 channels of r x r pixels: (*, c, h r, w r) -> (*, c r^2, h, w)."""
    require_tensor("pixel_unshuffle", input)
    downscale_factor = as_int("pixel_unshuffle", "downscale_factor", downscale_factor)
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise RuntimeError(
            f"pixel_unshuffle: expected input (*, c, h r, w r) with height and width divisible by r = {r}, "
            f"got {list(input.shape)}"
        )
    *batch, channels, height, width = input.shape
    h, w = height // r, width // r
    split = ops.reshape(input, (math.prod(batch), channels, h, r, w, r))
    moved = ops.permute(split, (0, 1, 3, 5, 2, 4))  # (n, c, r, r, h, w)
    return ops.reshape(moved, (*batch, channels * r**2, h, w))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Deal the channels of (n, c, *) out of ``groups`` packs in turn: 0 1 2 | 3 4 5 becomes 0 3 1 4 2 5.

    References
    ----------
    Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network", 2018, section 3.1.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.channel_shuffle(torch.arange(6.0).reshape(1, 6, 1), 2).flatten()
    tensor([0., 3., 1., 4., 2., 5.])
    """
    require_tensor("channel_shuffle", input)
    groups = as_int("channel_shuffle", "groups", groups)
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise RuntimeError(
            f"channel_shuffle: expected input (n, c, *) with channels divisible by groups = {groups}, got "
            f"{list(input.shape)}"
        )
    n, c = input.shape[:2]
    packs = ops.reshape(input, (n, groups, c // groups, *input.shape[2:]))
    return ops.reshape(ops.transpose(packs, 1, 2), tuple(input.shape))
