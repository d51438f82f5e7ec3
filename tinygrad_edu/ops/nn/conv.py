"""Convolution.

conv2d is linear in the input and in the weight, and so are its two gradients. Three operations therefore are
one another's derivatives, to any order: ``Conv2d``, ``Conv2dGradInput`` and ``Conv2dGradWeight``.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import ones, optional_tensors, pair, require_tensors
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.ops.kernel_dtypes import in_kernel_dtype
from tinygrad_edu.ops.nn.conv_checks import check_conv_inputs
from tinygrad_edu.ops.shape.layout import contiguous, movedim, reshape, squeeze, unsqueeze
from tinygrad_edu.ops.shape.pad import pad
from tinygrad_edu.ops.summation import sum_over
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES


class Geometry(NamedTuple):
    """How the kernel moves over the image: (height, width) pairs in pixels, and the number of groups."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


class Conv2d(Op):
    """y[n, o, i, j] = b[o] + sum over c, k, l of w[o, c, k, l] x[n, c, i s + k d - p, j s + l d - p]."""

    def forward(self, x: Array, weight: Array, bias: Array | None, *, geometry: Geometry) -> Array:
        self.geometry, self.shapes = geometry, (x.shape, weight.shape)
        needs_x, needs_weight, _ = self.needs_input_grad
        self.save_for_backward(x if needs_weight else None, weight if needs_x else None)
        kernels = kernel_table.convolution(x)
        return kernels.conv2d_forward(x, weight, bias, *geometry)  # (n, out_channels, oh, ow)

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, weight = self.saved
        shape, weight_shape = self.shapes
        grad_x = grad_weight = grad_bias = None
        if self.needs_input_grad[0]:
            grad_x = Conv2dGradInput.compute(grad_output, weight, shape=shape, geometry=self.geometry)
        if self.needs_input_grad[1]:
            grad_weight = Conv2dGradWeight.compute(grad_output, x, shape=weight_shape, geometry=self.geometry)
        if self.needs_input_grad[2]:
            grad_bias = sum_of_channels(grad_output)  # (out_channels,)
        return grad_x, grad_weight, grad_bias


def sum_of_channels(x: Array) -> Array:
    """Return the sums over (n, h, w) of images (n, c, h, w); if possible as products with ones, by BLAS and quicker."""
    if type(x) is np.ndarray and x.dtype in COMPILED_DTYPES and x.flags.c_contiguous:
        n, c, h, w = x.shape
        return sum_over(x.reshape(n * c, h * w).dot(ones(h * w, x.dtype)).reshape(n, c), (0,))
    return sum_over(x, (0, 2, 3))


class Conv2dGradInput(Op):
    """The gradient of the input: every output element hands its gradient back to the pixels it has seen."""

    def forward(
        self, grad_output: Array, weight: Array, *, shape: tuple[int, ...], geometry: Geometry
    ) -> Array:
        self.geometry = geometry
        self.save_for_backward(grad_output, weight)
        return kernel_table.convolution(weight).conv2d_grad_input(
            grad_output, weight, tuple(shape), *geometry
        )

    def backward(self, grad: Array) -> tuple[Array, Array]:  # grad has the shape of the image
        grad_output, weight = self.saved
        grad_grad_output = cropped(
            Conv2d.compute(grad, weight, None, geometry=self.geometry), grad_output.shape
        )
        grad_weight = Conv2dGradWeight.compute(grad_output, grad, shape=weight.shape, geometry=self.geometry)
        return grad_grad_output, grad_weight


class Conv2dGradWeight(Op):
    """The gradient of the weight: each entry sums, over all positions, gradient times the pixel it met."""

    def forward(self, grad_output: Array, x: Array, *, shape: tuple[int, ...], geometry: Geometry) -> Array:
        self.geometry = geometry
        self.save_for_backward(grad_output, x)
        return kernel_table.convolution(x).conv2d_grad_weight(grad_output, x, tuple(shape), *geometry)

    def backward(self, grad: Array) -> tuple[Array, Array]:  # grad has the shape of the weight
        grad_output, x = self.saved
        grad_grad_output = cropped(Conv2d.compute(x, grad, None, geometry=self.geometry), grad_output.shape)
        grad_x = Conv2dGradInput.compute(grad_output, grad, shape=x.shape, geometry=self.geometry)
        return grad_grad_output, grad_x


def cropped(y: Array, shape: tuple[int, ...]) -> Array:
    """Return the first rows and columns of y: with output padding, the image is larger than was needed."""
    return y if y.shape == shape else y[..., : shape[2], : shape[3]]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """2-d cross-correlation of a batch of images with a bank of kernels.

    Parameters
    ----------
    input : Tensor
        (n, in_channels, h, w), or (in_channels, h, w) for one image.
    weight : Tensor
        (out_channels, in_channels / groups, kh, kw).
    bias : Tensor, optional
        (out_channels,).
    stride, dilation : int or (int, int)
        Step of the kernel, and distance between its elements, in pixels.
    padding : int, (int, int), "valid" or "same"
        Zeros put round the image, in pixels.
    groups : int
        The channels are split into so many groups that do not see each other.

    Returns
    -------
    Tensor
        (n, out_channels, oh, ow) with oh = floor((h + 2 p - d (kh - 1) - 1) / s) + 1.

    Raises
    ------
    RuntimeError
        If shapes, dtypes (all float32 or all float64) or devices do not fit together.

    Notes
    -----
    y[n, o, i, j] = b[o] + sum over c, k, l of w[o, c, k, l] x[n, c, i s + k d - p, j s + l d - p]. Both
    gradients are sums of the same products: dL/dx over the outputs that have seen a pixel, dL/dw over all
    positions.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> torch.nn.functional.conv2d(image, torch.ones(1, 1, 2, 2))
    tensor([[[[ 8., 12.],
              [20., 24.]]]])
    """
    if this_thread.mode.autocast:
        return under_autocast(conv2d, input, weight, bias, stride, padding, dilation, groups)
    return _conv("conv2d", input, weight, bias, stride, padding, dilation, groups, 2)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """1-d cross-correlation: conv2d on images of height 1.

    Parameters
    ----------
    input : Tensor
        (n, in_channels, length), or (in_channels, length).
    weight : Tensor
        (out_channels, in_channels / groups, k).
    bias : Tensor, optional
        (out_channels,).
    stride, dilation : int or (int,)
        Step of the kernel, and distance between its elements, in samples.
    padding : int, (int,), "valid" or "same"
        Zeros put before and after the signal, in samples.
    groups : int
        The channels are split into so many groups that do not see each other.

    Returns
    -------
    Tensor
        (n, out_channels, floor((length + 2 p - d (k - 1) - 1) / s) + 1).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.conv1d(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2.]])
    """
    if this_thread.mode.autocast:
        return under_autocast(conv1d, input, weight, bias, stride, padding, dilation, groups)
    return _conv("conv1d", input, weight, bias, stride, padding, dilation, groups, 1)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """3-d convolution of volumes: (n, c, d, h, w) or (c, d, h, w), with kernels (out, c / groups, kd, kh, kw).

    The options are those of :func:`conv2d`, an int or three.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> F = torch.nn.functional
    >>> F.conv3d(torch.arange(8.0).reshape(1, 2, 2, 2), torch.ones(1, 1, 2, 2, 1))
    tensor([[[[12., 16.]]]])
    """
    if this_thread.mode.autocast:
        return under_autocast(conv3d, input, weight, bias, stride, padding, dilation, groups)
    return _conv("conv3d", input, weight, bias, stride, padding, dilation, groups, 3)


def _conv(
    name: str,
    x: Array,
    weight: Array,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    dims: int,
) -> Array:
    require_tensors(name, input=x, weight=weight)
    optional_tensors(name, bias=bias)
    groups = as_int(name, "groups", groups)
    if x.array.ndim == dims + 1:
        one = _conv(name, unsqueeze(x, 0), weight, bias, stride, padding, dilation, groups, dims)
        return squeeze(one, 0)
    check_conv_inputs(name, x.array, weight.array, None if bias is None else bias.array, groups, dims)
    if x.array.dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_conv, name, x, weight, bias, stride, padding, dilation, groups, dims)
    stride, dilation = pair(name, "stride", stride, dims), pair(name, "dilation", dilation, dims)
    if min(stride) < 1 or min(dilation) < 1:
        raise RuntimeError(f"{name}: expected stride and dilation of at least 1, got {stride} and {dilation}")
    kernel_size = weight.array.shape[2:]
    x, padding = resolve_padding(name, x, padding, kernel_size, stride, dilation)
    for size, k, p, d in zip(x.array.shape[2:], kernel_size, padding, dilation, strict=True):
        if size + 2 * p < d * (k - 1) + 1:
            raise explained(
                RuntimeError(
                    f"{name}: Calculated padded input size per channel: ({size + 2 * p}). Kernel size: "
                    f"({d * (k - 1) + 1}). Kernel size can't be greater than actual input size"
                )
            )
    if dims == 2:
        return Conv2d.apply(x, weight, bias, geometry=Geometry(stride, padding, dilation, groups))
    if dims == 3:
        return _conv_of_slices(x, weight, bias, Geometry(stride, padding, dilation, groups))
    flat = Geometry((1, stride[0]), (0, padding[0]), (1, dilation[0]), groups)
    return squeeze(Conv2d.apply(unsqueeze(x, 2), unsqueeze(weight, 2), bias, geometry=flat), 2)


def _conv_of_slices(x: Array, weight: Array, bias: Any, geometry: Geometry) -> Array:
    """Return the convolution of volumes: for each slice of the kernel one of images, and their sum."""
    (s, *stride), (p, *padding), (d, *dilation), groups = geometry
    in_slices = Geometry(tuple(stride), tuple(padding), tuple(dilation), groups)
    slices = movedim(pad(x, (0, 0, 0, 0, p, p)), 2, 1)  # (n, d, c, h, w)
    n, depth, *size = slices.shape
    k = weight.shape[2]
    count = (depth - d * (k - 1) - 1) // s + 1
    total = None
    for i in range(k):
        seen = getitem(slices, (slice(None), slice(i * d, i * d + (count - 1) * s + 1, s)))
        of_kernel = getitem(weight, (slice(None), slice(None), i))
        images = reshape(seen, (n * count, *size))
        output = Conv2d.apply(images, of_kernel, bias if i == 0 else None, geometry=in_slices)
        total = output if total is None else total + output
    assert total is not None
    return contiguous(movedim(reshape(total, (n, count, *total.shape[1:])), 1, 2))


def resolve_padding(
    name: str,
    x: Array,
    padding: Any,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Array, Any]:
    """Return the input and the padding in pixels; a last pixel that "same" may need is put there here."""
    if not isinstance(padding, str):
        pixels = pair(name, "padding", padding, len(kernel_size))
        if min(pixels) < 0:
            raise RuntimeError(f"{name}: negative padding is not supported, got {pixels}")
        return x, pixels
    if padding == "valid":
        return x, (0,) * len(kernel_size)
    if padding != "same":
        raise ValueError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel_size, strict=True)]
    if any(total % 2 for total in totals):
        x = pad(x, [width for total in reversed(totals) for width in (0, total % 2)])
    return x, tuple([total // 2 for total in totals])
