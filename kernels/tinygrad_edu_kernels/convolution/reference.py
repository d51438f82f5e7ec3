"""Convolution, specified: direct loops that read like the formula.

References
----------
.. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
.. [2] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016, relationship 14.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = Any
Pair = tuple[int, int]


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return how many windows fit along one axis."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def im2col(x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """Lay every window of every image out as a column.

    Parameters
    ----------
    x : (n, c, h, w) array
        The images.
    kernel_size, stride, padding, dilation : pairs of int
        The windows.

    Returns
    -------
    (n, c * kh * kw, oh * ow) array
        Row (c, ki, kj) of column (i, j) is the padded pixel (i * sh + ki * dh, j * sw + kj * dw) of channel
        c.

    Examples
    --------
    >>> x = np.arange(9).reshape(1, 1, 3, 3)
    >>> im2col(x, (2, 2), (1, 1), (0, 0), (1, 1))[0]
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    """
    n, c, h, w = x.shape
    kh, kw = kernel_size
    oh = output_size(h, kh, stride[0], padding[0], dilation[0])
    ow = output_size(w, kw, stride[1], padding[1], dilation[1])
    columns = np.zeros((n, c, kh, kw, oh, ow), x.dtype)
    for image in range(n):
        for channel in range(c):
            for i in range(oh):
                for j in range(ow):
                    for ki, kj, row, column in _window(i, j, (h, w), kernel_size, stride, padding, dilation):
                        columns[image, channel, ki, kj, i, j] = x[image, channel, row, column]
    return columns.reshape(n, c * kh * kw, oh * ow)


def col2im(
    columns: Array,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """Add every column back to the pixels its window came from: the transpose of `im2col`.

    Parameters
    ----------
    columns : (n, c * kh * kw, oh * ow) array
        As `im2col` makes them.
    input_shape : (n, c, h, w)
        Shape of the result.
    kernel_size, stride, padding, dilation : pairs of int
        The windows.

    Returns
    -------
    (n, c, h, w) array
        Pixels covered by several windows hold the sum of their entries; pixels covered by none are zero.
    """
    n, c, h, w = input_shape
    kh, kw = kernel_size
    oh = output_size(h, kh, stride[0], padding[0], dilation[0])
    ow = output_size(w, kw, stride[1], padding[1], dilation[1])
    windows = columns.reshape(n, c, kh, kw, oh, ow)
    x = np.zeros((n, c, h, w), columns.dtype)
    for image in range(n):
        for channel in range(c):
            for i in range(oh):
                for j in range(ow):
                    for ki, kj, row, column in _window(i, j, (h, w), kernel_size, stride, padding, dilation):
                        x[image, channel, row, column] += windows[image, channel, ki, kj, i, j]
    return x


def conv2d_forward(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    r"""Slide each filter over the images.

    Parameters
    ----------
    x : (n, c, h, w) array
        The images.
    weight : (o, c / groups, kh, kw) array
        The filters.
    bias : (o,) array or None
        Added to each output channel.
    stride, padding, dilation : pairs of int
        Step of the window, zeros around the image, distance between the taps of a filter.
    groups : int
        Output channel o sees the c / groups input channels of its own group only.

    Returns
    -------
    (n, o, oh, ow) array

    Notes
    -----
    .. math:: y_{n,o,i,j} = b_o + \sum_{c,k_i,k_j} w_{o,c,k_i,k_j}\,
              x_{n,c,\; i s_h - p_h + k_i d_h,\; j s_w - p_w + k_j d_w}
    """
    n, _, h, w = x.shape
    out_channels, group_in, kh, kw = weight.shape
    group_out = out_channels // groups
    oh = output_size(h, kh, stride[0], padding[0], dilation[0])
    ow = output_size(w, kw, stride[1], padding[1], dilation[1])
    out = np.empty((n, out_channels, oh, ow), x.dtype)
    for image in range(n):
        for o in range(out_channels):
            first = o // group_out * group_in  # first input channel of this filter's group
            for i in range(oh):
                for j in range(ow):
                    total = x.dtype.type(0) if bias is None else bias[o]
                    for ki, kj, row, column in _window(i, j, (h, w), (kh, kw), stride, padding, dilation):
                        for c in range(group_in):
                            total += weight[o, c, ki, kj] * x[image, first + c, row, column]
                    out[image, o, i, j] = total
    return out


def conv2d_grad_input(
    grad_output: Array,
    weight: Array,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    r"""Return the gradient with respect to the images (and the forward pass of a transposed convolution).

    Parameters
    ----------
    grad_output : (n, o, oh, ow) array
        Gradient of the loss with respect to the output.
    weight : (o, c / groups, kh, kw) array
        The filters.
    input_shape : (n, c, h, w)
        Shape of the result.
    stride, padding, dilation, groups
        As in `conv2d_forward`.

    Returns
    -------
    (n, c, h, w) array

    Notes
    -----
    Each output handed its filter's weight to each pixel of its window, so it sends its gradient back the same
    way:

    .. math:: \frac{\partial L}{\partial x_{n,c,r,q}} = \sum_{o,i,j,k_i,k_j}
              w_{o,c,k_i,k_j} \frac{\partial L}{\partial y_{n,o,i,j}}
              \quad\text{over } i s_h - p_h + k_i d_h = r,\; j s_w - p_w + k_j d_w = q
    """
    n, out_channels, oh, ow = grad_output.shape
    _, group_in, kh, kw = weight.shape
    group_out = out_channels // groups
    size = input_shape[2:]
    grad_input = np.zeros(input_shape, grad_output.dtype)
    for image in range(n):
        for o in range(out_channels):
            first = o // group_out * group_in
            for i in range(oh):
                for j in range(ow):
                    for ki, kj, row, column in _window(i, j, size, (kh, kw), stride, padding, dilation):
                        for c in range(group_in):
                            term = weight[o, c, ki, kj] * grad_output[image, o, i, j]
                            grad_input[image, first + c, row, column] += term
    return grad_input


def conv2d_grad_weight(
    grad_output: Array,
    x: Array,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    r"""Return the gradient with respect to the filters.

    Parameters
    ----------
    grad_output : (n, o, oh, ow) array
        Gradient of the loss with respect to the output.
    x : (n, c, h, w) array
        The images.
    weight_shape : (o, c / groups, kh, kw)
        Shape of the result.
    stride, padding, dilation, groups
        As in `conv2d_forward`.

    Returns
    -------
    (o, c / groups, kh, kw) array

    Notes
    -----
    .. math:: \frac{\partial L}{\partial w_{o,c,k_i,k_j}} = \sum_{n,i,j}
              \frac{\partial L}{\partial y_{n,o,i,j}}\,
              x_{n,c,\; i s_h - p_h + k_i d_h,\; j s_w - p_w + k_j d_w}
    """
    n, out_channels, oh, ow = grad_output.shape
    _, group_in, kh, kw = weight_shape
    group_out = out_channels // groups
    size = x.shape[2:]
    grad_weight = np.zeros(weight_shape, grad_output.dtype)
    for image in range(n):
        for o in range(out_channels):
            first = o // group_out * group_in
            for i in range(oh):
                for j in range(ow):
                    for ki, kj, row, column in _window(i, j, size, (kh, kw), stride, padding, dilation):
                        for c in range(group_in):
                            term = grad_output[image, o, i, j] * x[image, first + c, row, column]
                            grad_weight[o, c, ki, kj] += term
    return grad_weight


def _window(
    i: int, j: int, size: tuple[int, ...], kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (ki, kj, row, column) for each tap of output (i, j) that falls on a pixel, not on padding."""
    height, width = size
    for ki in range(kernel_size[0]):
        for kj in range(kernel_size[1]):
            row = i * stride[0] - padding[0] + ki * dilation[0]
            column = j * stride[1] - padding[1] + kj * dilation[1]
            if 0 <= row < height and 0 <= column < width:
                yield ki, kj, row, column
