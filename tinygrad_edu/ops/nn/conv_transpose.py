"""Transposed convolution: the gradient of a convolution with respect to its input, used as a forward.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.op import check_same_device
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import is_gpu_in_use
from tinygrad_edu.ops.common import check_not_empty, pair, raw, require_tensors
from tinygrad_edu.ops.kernel_dtypes import in_kernel_dtype
from tinygrad_edu.ops.nn.conv import Conv2dGradInput, Geometry, check_kernel_size, check_one_dtype
from tinygrad_edu.ops.shape.layout import reshape, squeeze, unsqueeze
from tinygrad_edu.ops.shape.pad import pad
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Transpose of conv2d: the gradient of conv2d with respect to its input, used as a forward.

    Parameters
    ----------
    input : Tensor
        (n, in_channels, h, w), or (in_channels, h, w) for one image.
    weight : Tensor
        (in_channels, out_channels / groups, kh, kw).
    bias : Tensor, optional
        (out_channels,).
    stride, padding, dilation, groups
        Those of the convolution that this one turns round; padding takes pixels away.
    output_padding : int or (int, int)
        Pixels added at the bottom and on the right, to choose between the sizes that a strided convolution
        maps to one; less than the stride or the dilation.

    Returns
    -------
    Tensor
        (n, out_channels, oh, ow) with oh = (h - 1) s - 2 p + d (kh - 1) + output_padding + 1.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> pixels = torch.tensor([[[1.0, 10.0]]])
    >>> torch.nn.functional.conv_transpose2d(pixels, torch.ones(1, 1, 2, 2), stride=2)
    tensor([[[ 1.,  1., 10., 10.],
             [ 1.,  1., 10., 10.]]])
    """
    name = "conv_transpose2d"
    require_tensors(name, input=input, weight=weight, bias=bias)
    if input.ndim == 3:
        options = (stride, padding, output_padding, groups, dilation)
        return squeeze(conv_transpose2d(unsqueeze(input, 0), weight, bias, *options), 0)
    if input.ndim != 4 or weight.ndim != 4 or input.shape[1] != weight.shape[0]:
        raise RuntimeError(
            f"{name}: expected input (n, c, h, w) and weight (c, out_channels / groups, kh, kw), got "
            f"{list(input.shape)} and {list(weight.shape)}"
        )
    check_kernel_size(name, weight)
    check_not_empty(name, input, 2)
    check_one_dtype(name, raw(input), raw(weight), raw(bias))
    if raw(input).dtype not in COMPILED_DTYPES:
        options = (stride, padding, output_padding, groups, dilation)
        return in_kernel_dtype(_conv_transpose2d, name, input, weight, bias, *options)
    if is_gpu_in_use():
        check_same_device(name, (input, weight, bias))
    groups = as_int(name, "groups", groups)
    if groups < 1 or input.shape[1] % groups:
        raise RuntimeError(
            f"{name}: expected {input.shape[1]} channels to be divisible by groups, got {groups}"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[1] * groups,):
        raise RuntimeError(
            f"{name}: expected bias with {weight.shape[1] * groups} elements, got {list(bias.shape)}"
        )
    geometry = Geometry(
        pair(name, "stride", stride),
        pair(name, "padding", padding),
        pair(name, "dilation", dilation),
        groups,
    )
    extra = pair(name, "output_padding", output_padding)
    if min(extra) < 0 or min(geometry.padding) < 0:
        raise RuntimeError(
            f"{name}: expected padding and output_padding of at least 0, got {geometry.padding} and {extra}"
        )
    if min(*geometry.stride, *geometry.dilation) < 1:
        raise RuntimeError(f"{name}: expected stride and dilation of at least 1, got {geometry}")
    if any(e >= max(s, d) for e, s, d in zip(extra, geometry.stride, geometry.dilation, strict=True)):
        raise RuntimeError(
            f"{name}: output padding must be smaller than either stride or dilation, but got "
            f"output_padding={extra}, stride={geometry.stride}, dilation={geometry.dilation}"
        )
    sizes = [
        (size - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for size, s, p, d, k, e in zip(input.shape[2:], *geometry[:3], weight.shape[2:], extra, strict=True)
    ]
    if min(sizes) < 1:
        raise RuntimeError(f"{name}: Output size is too small: got {sizes} for {list(input.shape)}")
    # Where the dilation is larger than the stride, the rows added may be those of a longer input, whose end is 0.
    rows, columns = [e // s for e, s in zip(extra, geometry.stride, strict=True)]
    if rows or columns:
        input = pad(input, (0, columns, 0, rows))
    shape = (input.shape[0], weight.shape[1] * groups, *sizes)
    output = Conv2dGradInput.apply(input, weight, shape=shape, geometry=geometry)
    return output if bias is None else output + reshape(bias, (-1, 1, 1))


def _conv_transpose2d(name: str, *arguments: Any) -> Tensor:
    return conv_transpose2d(*arguments)
