"""Functions of ``nn.functional`` behind layers: those of ``ops`` with PyTorch's arguments, and some more.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, require_bools, require_numbers
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import (
    optional_tensors,
    pair,
    require_dtype_of,
    require_floating_point,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.norm import check_channels, update_running


@rounded_once
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = input1^T W_k input2 + b_k."""
    require_tensor("bilinear", input1, "input1")
    require_tensors("bilinear", input1=input1, input2=input2, weight=weight)
    optional_tensors("bilinear", bias=bias)
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
    if this_thread.mode.autocast:
        return under_autocast(
            conv_transpose1d, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    name = "conv_transpose1d"
    (s,), (p,), (e,), (d,) = (
        pair(name, "stride", stride, 1),
        pair(name, "padding", padding, 1),
        pair(name, "output_padding", output_padding, 1),
        pair(name, "dilation", dilation, 1),
    )
    require_tensors(name, input=input, weight=weight)
    optional_tensors(name, bias=bias)
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
