"""Functions of ``nn.functional`` behind layers: those of ``ops`` with PyTorch's arguments, and some more.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.inplace import write_result
from tinygrad_edu.arguments import as_int, require_bools, require_numbers
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    pair,
    require_dtype_of,
    require_floating_point,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.dropout import check_probability
from tinygrad_edu.ops.nn.norm import check_channels, check_dtypes, update_running


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to 0 with probability ``p`` in training, and scale the others by 1 / (1 - p)."""
    require_bools("dropout", training=training, inplace=inplace)
    return _dropped(ops.dropout(input, p, training), input, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, length) or (c, length) to 0 with probability ``p`` in training."""
    require_tensor("dropout1d", input)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d "
            "exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel "
            "dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    if input.ndim == 2:
        output = ops.squeeze(ops.dropout_channels(ops.unsqueeze(input, 0), p, training), 0)
    else:
        output = ops.dropout_channels(input, p, training)
    return _dropped(output, input, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, h, w) to 0 with probability ``p`` in training."""
    require_tensor("dropout2d", input)
    if input.ndim != 4:
        warnings.warn(
            f"dropout2d: Received a {input.ndim}D input to dropout2d and assuming that its first two "
            "dimensions are samples and channels, as in PyTorch. Hint: use dropout1d or dropout.",
            stacklevel=2,
        )
    return _dropped(ops.dropout_channels(input, p, training), input, inplace)


@rounded_once
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for SELU: what is dropped becomes its lower limit, and mean and variance stay as they were.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017, section 3.
    """
    require_tensor("alpha_dropout", input)
    require_bools("alpha_dropout", training=training, inplace=inplace)
    limit = -1.7580993408473766  # -scale * alpha of SELU
    check_probability(p)
    if not training or p == 0:
        return input
    if p == 1:
        return _dropped(input * 0, input, inplace)
    kept = ops.dropout(creation.ones_like(input.detach()), p) != 0
    scale = ((1 - p) * (1 + p * limit**2)) ** -0.5
    output = ops.where(kept, input, limit) * scale - scale * p * limit
    return _dropped(output, input, inplace)


def _dropped(output: Tensor, input: Tensor, inplace: bool) -> Tensor:
    return write_result(input, output, "dropout_") if inplace and output is not input else output


@rounded_once
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = input1^T W_k input2 + b_k."""
    require_tensor("bilinear", input1, "input1")
    require_tensors("bilinear", input1=input1, input2=input2, weight=weight, bias=bias)
    require_dtype_of("bilinear", input1, input2=input2, weight=weight, bias=bias)
    if weight.ndim != 3 or (input1.shape[-1:], input2.shape[-1:]) != (weight.shape[1:2], weight.shape[2:3]):
        raise RuntimeError(
            "bilinear: expected inputs (*, i) and (*, j) and weight (k, i, j), got "
            f"{list(input1.shape)}, {list(input2.shape)} and {list(weight.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(f"bilinear: expected bias ({weight.shape[0]},), got {list(bias.shape)}")
    output = ops.einsum("...i,kij,...j->...k", input1, weight, input2)
    return output if bias is None else output + bias


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Transpose of conv1d: that of conv2d on images of height 1."""
    name = "conv_transpose1d"
    (s,), (p,), (e,), (d,) = (
        pair(name, "stride", stride, 1),
        pair(name, "padding", padding, 1),
        pair(name, "output_padding", output_padding, 1),
        pair(name, "dilation", dilation, 1),
    )
    require_tensors(name, input=input, weight=weight, bias=bias)
    if input.ndim not in (2, 3) or weight.ndim != 3:
        raise RuntimeError(
            f"{name}: expected input (n, c, length) or (c, length) and weight (c, out_channels / groups, k), got "
            f"{list(input.shape)} and {list(weight.shape)}"
        )
    images, kernels = ops.unsqueeze(input, -2), ops.unsqueeze(weight, -2)
    output = ops.conv_transpose2d(images, kernels, bias, (1, s), (0, p), (0, e), groups, (1, d))
    return ops.squeeze(output, -2)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise every channel of every sample of (n, c, *) over its positions; then scale and shift.

    Parameters
    ----------
    running_mean, running_var : Tensor, optional
        (c,): changed in place if ``use_input_stats``; otherwise they take the place of the sample's
        statistics.

    References
    ----------
    Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016, equation 4.
    """
    require_tensor("instance_norm", input)
    require_bools("instance_norm", use_input_stats=use_input_stats)
    require_numbers("instance_norm", momentum=momentum, eps=eps)
    if not use_input_stats:
        return ops.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    positions = math.prod(input.shape[2:])
    if positions == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    check_channels("instance_norm", input, running_mean=running_mean, running_var=running_var)
    check_dtypes("instance_norm", input, running_mean=running_mean, running_var=running_var)
    if running_mean is not None and running_var is not None:
        dims = tuple(range(2, input.ndim))
        update_running(running_mean, input.array.mean(dims).mean(0), momentum)
        update_running(running_var, input.array.var(dims, ddof=1).mean(0), momentum)
    return ops.instance_norm(input, weight, bias, eps)


@rounded_once
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """input_c / (k + alpha avg of input^2 over ``size`` neighbouring channels)^beta, for (n, c, *).

    References
    ----------
    Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012, section 3.3.
    """
    require_floating_point("local_response_norm", input)
    size = as_int("local_response_norm", "size", size)
    require_numbers("local_response_norm", alpha=alpha, beta=beta, k=k)
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    if size < 1:
        raise RuntimeError(f"local_response_norm: expected size to be at least 1, got {size}")
    channels = input.shape[1]
    before, after = min(size // 2, channels), min((size - 1) // 2, channels)  # there is nothing farther away
    squares = ops.pad(
        ops.square(input), (0, 0) * (input.ndim - 2) + (before, after)
    )  # (n, c + before + after, *)
    total = squares[:, :channels]
    for shift in range(1, before + after + 1):
        total = total + squares[:, shift : shift + channels]
    return input / (total * (alpha / size) + k) ** beta


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Lay out the windows that a convolution sees: (n, c, h, w) -> (n, c kh kw, number of windows)."""
    require_floating_point("unfold", input, complex_too=True)
    if input.ndim == 3:
        return ops.squeeze(unfold(ops.unsqueeze(input, 0), kernel_size, dilation, padding, stride), 0)
    if input.ndim != 4:
        raise RuntimeError(f"unfold: Expected 3D or 4D (batch mode) tensor, got {list(input.shape)}")
    kernel, spread = pair("unfold", "kernel_size", kernel_size), pair("unfold", "dilation", dilation)
    border, step = pair("unfold", "padding", padding), pair("unfold", "stride", stride)
    if min(*kernel, *spread, *step) < 1 or min(border) < 0:
        raise RuntimeError(
            "unfold: expected kernel_size, dilation and stride greater than zero and padding of at least 0, got "
            f"{kernel}, {spread}, {step} and {border}"
        )
    padded = ops.pad(input, (border[1], border[1], border[0], border[0]))
    n, c, h, w = padded.shape
    rows = window_positions(padded.array, h, kernel[0], spread[0], step[0])  # (kh, oh)
    columns = window_positions(padded.array, w, kernel[1], spread[1], step[1])  # (kw, ow)
    pixels = rows[:, None, :, None] * w + columns[None, :, None, :]  # (kh, kw, oh, ow)
    windows = ops.reshape(padded, (n, c, h * w))[:, :, pixels]  # (n, c, kh, kw, oh, ow)
    return ops.reshape(windows, (n, c * kernel[0] * kernel[1], pixels.shape[2] * pixels.shape[3]))


def window_positions(like: Array, size: int, kernel: int, dilation: int, stride: int) -> Array:
    """Return where the elements of all windows along one dimension lie: (kernel, number of windows)."""
    span = dilation * (kernel - 1) + 1
    if size < span:
        raise RuntimeError(f"unfold: expected windows of {span} to fit into the padded input, got {size}")
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
