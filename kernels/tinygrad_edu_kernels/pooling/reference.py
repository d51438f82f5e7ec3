"""Pooling, specified: plain loops over windows.

References
----------
.. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
.. [2] https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
.. [3] https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
Pair = tuple[int, int]


def max_pool2d_forward(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> tuple[Array, Array]:
    r"""Take the largest value of each window.

    Parameters
    ----------
    x : (n, c, h, w) array
        The images.
    kernel_size, stride, padding, dilation : pairs of int
        The windows; the padding counts as minus infinity.
    output_size : (oh, ow)
        How many windows there are.

    Returns
    -------
    output : (n, c, oh, ow) array
    indices : (n, c, oh, ow) int32 array
        Where each maximum lies, ``row * w + column``: the first of equals. -1 where no tap of a (dilated)
        window falls on the image; the output is minus infinity there.

    Notes
    -----
    .. math:: y_{i,j} = \max_{k_i,k_j} x_{i s_h - p_h + k_i d_h,\; j s_w - p_w + k_j d_w}

    A NaN beats every number, so a window that holds one gives NaN.

    Examples
    --------
    >>> x = np.array([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 0.0]]]])
    >>> output, indices = max_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (1, 1), (1, 2))
    >>> output.tolist(), indices.tolist()
    ([[[[5.0, 2.0]]]], [[[[1, 2]]]])
    """
    n, c, h, w = x.shape
    output = np.empty((n, c, *output_size), x.dtype)
    indices = np.empty((n, c, *output_size), np.int32)
    for image in range(n):
        for channel in range(c):
            for i in range(output_size[0]):
                rows = _taps(i, h, kernel_size[0], stride[0], padding[0], dilation[0])
                for j in range(output_size[1]):
                    columns = _taps(j, w, kernel_size[1], stride[1], padding[1], dilation[1])
                    value, index = _largest(x[image, channel], rows, columns)
                    output[image, channel, i, j] = value
                    indices[image, channel, i, j] = index
    return output, indices


def max_pool2d_backward(grad_output: Array, indices: Array, input_shape: tuple[int, ...]) -> Array:
    """Send each gradient to the pixel that won its window.

    Serves `max_pool2d_forward` and `adaptive_max_pool2d_forward`.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
        Gradient of the loss with respect to the output.
    indices : (n, c, oh, ow) int array
        Second result of the forward pass.
    input_shape : (n, c, h, w)
        Shape of the result.

    Returns
    -------
    (n, c, h, w) array
        A pixel that won several windows gets the sum of their gradients.
    """
    n, c, oh, ow = grad_output.shape
    grad_input = np.zeros(input_shape, grad_output.dtype)
    width = input_shape[3]
    for image in range(n):
        for channel in range(c):
            for i in range(oh):
                for j in range(ow):
                    index = indices[image, channel, i, j]
                    if index >= 0:
                        row, column = index // width, index % width
                        grad_input[image, channel, row, column] += grad_output[image, channel, i, j]
    return grad_input


def avg_pool2d_forward(
    x: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    output_size: Pair,
    count_include_pad: bool,
    divisor_override: int,
) -> Array:
    """Take the mean of each window.

    Parameters
    ----------
    x : (n, c, h, w) array
        The images.
    kernel_size, stride, padding : pairs of int
        The windows; the padding counts as zeros.
    output_size : (oh, ow)
        How many windows there are.
    count_include_pad : bool
        Whether the sum is divided by the window's cells on the padded image, or by those on the image alone.
        Cells beyond the padding (``ceil_mode``) never count.
    divisor_override : int
        Divide by this instead; 0 for none.

    Returns
    -------
    (n, c, oh, ow) array
    """
    n, c, h, w = x.shape
    output = np.zeros((n, c, *output_size), x.dtype)
    all_rows = _counted_taps(output_size[0], h, kernel_size[0], stride[0], padding[0], count_include_pad)
    all_columns = _counted_taps(output_size[1], w, kernel_size[1], stride[1], padding[1], count_include_pad)
    for image in range(n):
        for channel in range(c):
            for i, (rows, height) in enumerate(all_rows):
                for j, (columns, width) in enumerate(all_columns):
                    if len(rows) > 0 and len(columns) > 0:
                        divisor = divisor_override or height * width
                        output[image, channel, i, j] = _sum(x[image, channel], rows, columns) / divisor
    return output


def avg_pool2d_backward(
    grad_output: Array,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int,
) -> Array:
    """Share each gradient out evenly over its window.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
        Gradient of the loss with respect to the output.
    input_shape : (n, c, h, w)
        Shape of the result.
    kernel_size, stride, padding, count_include_pad, divisor_override
        As in `avg_pool2d_forward`.

    Returns
    -------
    (n, c, h, w) array
    """
    n, c, oh, ow = grad_output.shape
    h, w = input_shape[2:]
    grad_input = np.zeros(input_shape, grad_output.dtype)
    all_rows = _counted_taps(oh, h, kernel_size[0], stride[0], padding[0], count_include_pad)
    all_columns = _counted_taps(ow, w, kernel_size[1], stride[1], padding[1], count_include_pad)
    for image in range(n):
        for channel in range(c):
            for i, (rows, height) in enumerate(all_rows):
                for j, (columns, width) in enumerate(all_columns):
                    for row in rows:
                        for column in columns:
                            divisor = divisor_override or height * width
                            grad_input[image, channel, row, column] += (
                                grad_output[image, channel, i, j] / divisor
                            )
    return grad_input


def adaptive_avg_pool2d_forward(x: Array, output_size: Pair) -> Array:
    r"""Take means over windows that split the image into output_size parts.

    Parameters
    ----------
    x : (n, c, h, w) array
        The images.
    output_size : (oh, ow)
        How many windows there are.

    Returns
    -------
    (n, c, oh, ow) array

    Notes
    -----
    Window i covers the rows from :math:`\lfloor i h / o_h \rfloor` up to, not including,
    :math:`\lceil (i + 1) h / o_h \rceil`: neighbours overlap by a row where the division leaves a rest.
    """
    n, c, h, w = x.shape
    output = np.empty((n, c, *output_size), x.dtype)
    for image in range(n):
        for channel in range(c):
            for i in range(output_size[0]):
                rows = _share(i, h, output_size[0])
                for j in range(output_size[1]):
                    columns = _share(j, w, output_size[1])
                    mean = _sum(x[image, channel], rows, columns) / (len(rows) * len(columns))
                    output[image, channel, i, j] = mean
    return output


def adaptive_avg_pool2d_backward(grad_output: Array, input_shape: tuple[int, ...]) -> Array:
    """Share each gradient out evenly over its window.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
        Gradient of the loss with respect to the output.
    input_shape : (n, c, h, w)
        Shape of the result.

    Returns
    -------
    (n, c, h, w) array
    """
    n, c, oh, ow = grad_output.shape
    grad_input = np.zeros(input_shape, grad_output.dtype)
    for image in range(n):
        for channel in range(c):
            for i in range(oh):
                rows = _share(i, input_shape[2], oh)
                for j in range(ow):
                    columns = _share(j, input_shape[3], ow)
                    share = grad_output[image, channel, i, j] / (len(rows) * len(columns))
                    for row in rows:
                        for column in columns:
                            grad_input[image, channel, row, column] += share
    return grad_input


def adaptive_max_pool2d_forward(x: Array, output_size: Pair) -> tuple[Array, Array]:
    """Take maxima over the windows of `adaptive_avg_pool2d_forward`.

    Parameters
    ----------
    x : (n, c, h, w) array
        The images.
    output_size : (oh, ow)
        How many windows there are.

    Returns
    -------
    output : (n, c, oh, ow) array
    indices : (n, c, oh, ow) int32 array
        Where each maximum lies, ``row * w + column``: the first of equals.
    """
    n, c, h, w = x.shape
    output = np.empty((n, c, *output_size), x.dtype)
    indices = np.empty((n, c, *output_size), np.int32)
    for image in range(n):
        for channel in range(c):
            for i in range(output_size[0]):
                rows = _share(i, h, output_size[0])
                for j in range(output_size[1]):
                    columns = _share(j, w, output_size[1])
                    value, index = _largest(x[image, channel], rows, columns)
                    output[image, channel, i, j] = value
                    indices[image, channel, i, j] = index
    return output, indices


def _taps(position: int, size: int, kernel: int, stride: int, padding: int, dilation: int) -> list[int]:
    """Return the pixels, along one axis, that a window's taps fall on; those on padding are left out."""
    taps = [position * stride - padding + k * dilation for k in range(kernel)]
    return [tap for tap in taps if 0 <= tap < size]


def _counted_taps(
    windows: int, size: int, kernel: int, stride: int, padding: int, count_include_pad: bool
) -> list[tuple[list[int], int]]:
    """Return, for each window along one axis, its pixels and how many cells it counts as."""
    result = []
    for position in range(windows):
        taps = _taps(position, size, kernel, stride, padding, 1)
        start = position * stride - padding
        padded_length = min(start + kernel, size + padding) - start
        result.append((taps, padded_length if count_include_pad else len(taps)))
    return result


def _share(position: int, size: int, parts: int) -> range:
    """Return the pixels of one of the overlapping parts that an axis is split into."""
    return range(position * size // parts, -(-(position + 1) * size // parts))


def _sum(image: Array, rows: list[int] | range, columns: list[int] | range) -> Any:
    """Add up a window."""
    total = image.dtype.type(0)
    for row in rows:
        for column in columns:
            total += image[row, column]
    return total


def _largest(image: Array, rows: list[int] | range, columns: list[int] | range) -> tuple[Any, int]:
    """Return the largest value of a window and its position: the first of equals, but NaN takes over."""
    width = image.shape[1]
    if len(rows) == 0 or len(columns) == 0:
        return -np.inf, -1
    largest, index = -np.inf, rows[0] * width + columns[0]
    for row in rows:
        for column in columns:
            value = image[row, column]
            if value > largest or np.isnan(value):
                largest, index = value, row * width + column
    return largest, index
