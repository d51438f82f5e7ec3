"""Transposed convolution: the gradient of a convolution with respect to its input, used as a forward.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import check_same_device
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, is_gpu_in_use
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import check_not_empty, optional_tensors, pair, raw, require_tensors
from tinygrad_edu.ops.indexing.along_dim import index_add, narrow
from tinygrad_edu.ops.kernel_dtypes import in_kernel_dtype
from tinygrad_edu.ops.nn.conv import Conv2dGradInput, Geometry
from tinygrad_edu.ops.nn.conv_checks import check_kernel_size, check_one_dtype
from tinygrad_edu.ops.shape.layout import contiguous, movedim, reshape, squeeze, unsqueeze
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
    if this_thread.mode.autocast:
        return under_autocast(
            conv_transpose2d, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    name = "conv_transpose2d"
    require_tensors(name, input=input, weight=weight)
    optional_tensors(name, bias=bias)
    options = (stride, padding, output_padding, groups, dilation)
    if input.ndim == 3:
        return squeeze(conv_transpose2d(unsqueeze(input, 0), weight, bias, *options), 0)
    _check_inputs(name, input, weight, bias, 2)
    if raw(input).dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_conv_transpose2d, name, input, weight, bias, *options)
    geometry, extra, sizes = _checked_geometry(name, input, weight, bias, *options)
    # Where the dilation is larger than the stride, the rows added may be those of a longer input, whose end is 0.
    rows, columns = [e // s for e, s in zip(extra, geometry.stride, strict=True)]
    if rows or columns:
        input = pad(input, (0, columns, 0, rows))
    shape = (input.shape[0], weight.shape[1] * geometry.groups, *sizes)
    output = Conv2dGradInput.apply(input, weight, shape=shape, geometry=geometry)
    return output if bias is None else output + reshape(bias, (-1, 1, 1))


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Transpose of conv3d, on (n, c, d, h, w) or (c, d, h, w); see :func:`conv_transpose2d`.

    Every slice is transposed by all slices of the kernel at once, and what comes out is added up along d.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> voxels = torch.tensor([1.0, 10.0]).reshape(1, 2, 1, 1)
    >>> torch.nn.functional.conv_transpose3d(voxels, torch.ones(1, 1, 2, 1, 1)).flatten()
    tensor([ 1., 11., 10.])
    """
    if this_thread.mode.autocast:
        return under_autocast(
            conv_transpose3d, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    name = "conv_transpose3d"
    require_tensors(name, input=input, weight=weight)
    optional_tensors(name, bias=bias)
    options = (stride, padding, output_padding, groups, dilation)
    if input.ndim == 4:
        return squeeze(conv_transpose3d(unsqueeze(input, 0), weight, bias, *options), 0)
    _check_inputs(name, input, weight, bias, 3)
    if raw(input).dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_conv_transpose3d, name, input, weight, bias, *options)
    geometry, extra, sizes = _checked_geometry(name, input, weight, bias, *options)
    output = _transposed_slices(input, weight, geometry, extra, sizes)
    return output if bias is None else output + reshape(bias, (-1, 1, 1, 1))


def _transposed_slices(
    x: Array, weight: Array, geometry: Geometry, extra: tuple[int, ...], sizes: list[int]
) -> Array:
    n, c, depth, h, w = x.shape
    k, channels = weight.shape[2], weight.shape[1] * geometry.groups
    images = reshape(movedim(x, 2, 1), (n * depth, c, h, w))
    kernels = reshape(weight, (c, weight.shape[1] * k, *weight.shape[3:]))
    (s, *stride), (p, *padding), (d, *dilation), groups = geometry
    output = conv_transpose2d(images, kernels, None, stride, padding, extra[1:], groups, dilation)
    parts = movedim(reshape(output, (n, depth, channels, k, *sizes[1:])), 3, 2)  # (n, depth, k, out, oh, ow)
    xp = array_module(raw(x))
    places = (xp.arange(depth)[:, None] * s + xp.arange(k) * d).reshape(-1)
    nothing = tensor_from_array(xp.zeros((n, sizes[0] + 2 * p, channels, *sizes[1:]), raw(x).dtype))
    parts = reshape(parts, (n, depth * k, channels, *sizes[1:]))
    total = index_add(nothing, 1, tensor_from_array(places), parts)
    return contiguous(movedim(narrow(total, 1, p, sizes[0]), 1, 2))


def _check_inputs(name: str, input: Array, weight: Array, bias: Any, dims: int) -> None:
    if input.ndim != dims + 2 or weight.ndim != dims + 2 or input.shape[1] != weight.shape[0]:
        sizes = "h, w" if dims == 2 else "d, h, w"
        raise explained(
            RuntimeError(
                f"{name}: expected input (n, c, {sizes}) and weight (c, out_channels / groups, *kernel_size), got "
                f"{list(input.shape)} and {list(weight.shape)}"
            )
        )
    check_kernel_size(name, weight)
    check_not_empty(name, input, dims)
    check_one_dtype(name, raw(input), raw(weight), raw(bias))
    if is_gpu_in_use():
        check_same_device(name, (input, weight, bias))


def _checked_groups(name: str, input: Array, weight: Array, bias: Any, groups: int) -> int:
    groups = as_int(name, "groups", groups)
    if groups < 1 or input.shape[1] % groups:
        raise explained(
            RuntimeError(
                f"{name}: expected {input.shape[1]} channels to be divisible by groups, got {groups}"
            )
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[1] * groups,):
        raise explained(
            RuntimeError(
                f"{name}: expected bias with {weight.shape[1] * groups} elements, got {list(bias.shape)}"
            )
        )
    return groups


def _checked_geometry(
    name: str,
    input: Array,
    weight: Array,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> tuple[Geometry, tuple[int, ...], list[int]]:
    """Return the geometry, the output padding, and the sizes of the output."""
    dims = input.ndim - 2
    groups = _checked_groups(name, input, weight, bias, groups)
    geometry = Geometry(
        pair(name, "stride", stride, dims),
        pair(name, "padding", padding, dims),
        pair(name, "dilation", dilation, dims),
        groups,
    )
    extra = pair(name, "output_padding", output_padding, dims)
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
        raise explained(
            RuntimeError(f"{name}: Output size is too small: got {sizes} for {list(input.shape)}")
        )
    return geometry, extra, sizes


def _conv_transpose2d(name: str, *arguments: Any) -> Tensor:
    return conv_transpose2d(*arguments)


def _conv_transpose3d(name: str, *arguments: Any) -> Tensor:
    return conv_transpose3d(*arguments)
