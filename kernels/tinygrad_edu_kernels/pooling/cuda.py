"""Pooling on the GPU: one thread an output, or an input pixel where gradients are shared out.

The gradient of a mean is gathered: the thread of a pixel adds up the windows that cover it, so no two threads
write to one place. The gradient of a maximum goes to the pixel that the index names; two windows may name the
same one, so there it is added atomically, and the order of the additions may differ from run to run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from tinygrad_edu_kernels.cuda_launch import array_module_of, launch

Array = Any
Pair = tuple[int, int]


def max_pool2d_forward(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> tuple[Array, Array]:
    """Take the largest value of each window: x (n, c, h, w) -> output, int32 indices, both (n, c, oh, ow)."""
    windows = (tuple(kernel_size), tuple(stride), tuple(padding), tuple(dilation))
    return _largest_of_windows(x, output_size, _max_kernel, *windows)


def max_pool2d_backward(grad_output: Array, indices: Array, input_shape: tuple[int, ...]) -> Array:
    """Send each gradient to the pixel that won its window: (n, c, oh, ow) -> input_shape."""
    n, c, h, w = input_shape
    xp = array_module_of(grad_output)
    grad_input = xp.zeros((n * c, h * w), grad_output.dtype)
    outputs = (n * c, grad_output.shape[2] * grad_output.shape[3])
    grad_output = xp.ascontiguousarray(grad_output).reshape(outputs)
    indices = xp.ascontiguousarray(indices, np.int32).reshape(outputs)
    launch(_max_backward_kernel, grad_output.size, grad_output, indices, grad_input)
    return grad_input.reshape(input_shape)


def avg_pool2d_forward(
    x: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    output_size: Pair,
    count_include_pad: bool,
    divisor_override: int,
) -> Array:
    """Take the mean of each window: (n, c, h, w) -> (n, c, oh, ow)."""
    windows = (tuple(kernel_size), tuple(stride), tuple(padding), bool(count_include_pad), divisor_override)
    output = array_module_of(x).empty((*x.shape[:2], *output_size), x.dtype)
    launch(_mean_kernel, output.size, _planes(x), _planes(output), *windows)
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
    """Share each gradient out evenly over its window: (n, c, oh, ow) -> input_shape."""
    windows = (tuple(kernel_size), tuple(stride), tuple(padding), bool(count_include_pad), divisor_override)
    grad_input = array_module_of(grad_output).empty(input_shape, grad_output.dtype)
    launch(_mean_backward_kernel, grad_input.size, _planes(grad_output), _planes(grad_input), *windows)
    return grad_input


def adaptive_avg_pool2d_forward(x: Array, output_size: Pair) -> Array:
    """Take means over windows that split the image into (oh, ow) parts: (n, c, h, w) -> (n, c, oh, ow)."""
    output = array_module_of(x).empty((*x.shape[:2], *output_size), x.dtype)
    launch(_adaptive_mean_kernel, output.size, _planes(x), _planes(output))
    return output


def adaptive_avg_pool2d_backward(grad_output: Array, input_shape: tuple[int, ...]) -> Array:
    """Share each gradient out evenly over its window: (n, c, oh, ow) -> input_shape."""
    grad_input = array_module_of(grad_output).empty(input_shape, grad_output.dtype)
    arrays = _planes(grad_output), _planes(grad_input)
    launch(_adaptive_mean_backward_kernel, grad_input.size, *arrays)
    return grad_input


def adaptive_max_pool2d_forward(x: Array, output_size: Pair) -> tuple[Array, Array]:
    """Take maxima over the windows of adaptive_avg_pool2d: -> output, int32 indices, both (n, c, oh, ow)."""
    return _largest_of_windows(x, output_size, _adaptive_max_kernel)


def _largest_of_windows(x: Array, output_size: Pair, kernel: Any, *windows: Any) -> tuple[Array, Array]:
    xp = array_module_of(x)
    output = xp.empty((*x.shape[:2], *output_size), x.dtype)
    indices = xp.empty(output.shape, np.int32)
    launch(kernel, output.size, _planes(x), _planes(output), _planes(indices), *windows)
    return output, indices


def _planes(x: Array) -> Array:
    """View (or, if it is not contiguous, copy) (n, c, h, w) as (n * c, h, w)."""
    n, c, h, w = x.shape
    return array_module_of(x).ascontiguousarray(x).reshape(n * c, h, w)


# ---- where things are ---------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _position(element, shape):
    """Return (plane, row, column) of an element of an array (planes, rows, columns) in C order."""
    line, column = element // shape[2], element % shape[2]
    return line // shape[1], line % shape[1], column


@cuda.jit(device=True)
def _window(position, size, kernel, stride, padding, dilation):
    """Return a window's first tap that falls on the image, and the window's end, along one axis."""
    start = position * stride - padding
    stop = min(start + (kernel - 1) * dilation + 1, size)
    if start < 0:  # skip the taps on the padding before the image
        start += (-start + dilation - 1) // dilation * dilation
    return start, stop


@cuda.jit(device=True)
def _share(position, size, parts):
    """Return start and end of one of the overlapping parts that an axis is split into."""
    return position * size // parts, ((position + 1) * size + parts - 1) // parts


@cuda.jit(device=True)
def _counted_cells(position, size, kernel, stride, padding, count_include_pad):
    """Return how many cells a window of a mean counts as along one axis."""
    start = position * stride - padding
    if count_include_pad:
        return min(start + kernel, size + padding) - start
    return min(start + kernel, size) - max(start, 0)


@cuda.jit(device=True)
def _covering_windows(pixel, windows, kernel, stride, padding):
    """Return the first window that covers a pixel, and the end of those that do, along one axis."""
    reach = pixel + padding - kernel + 1
    first = (reach + stride - 1) // stride if reach > 0 else 0
    return first, min((pixel + padding) // stride + 1, windows)


# ---- kernels ------------------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _largest(x, plane, rows, columns, dilation):
    """Return the largest value of a window and where it lies: the first of equals, but a NaN takes over."""
    width = x.shape[2]
    largest, index = x.dtype.type(-math.inf), -1
    if rows[0] < rows[1] and columns[0] < columns[1]:
        index = rows[0] * width + columns[0]
    for row in range(rows[0], rows[1], dilation[0]):
        for column in range(columns[0], columns[1], dilation[1]):
            value = x[plane, row, column]
            if value > largest or value != value:
                largest, index = value, row * width + column
    return largest, index


@cuda.jit
def _max_kernel(x, output, indices, kernel_size, stride, padding, dilation):
    """Largest value of each window, and where it lies."""
    for element in range(cuda.grid(1), output.size, cuda.gridsize(1)):
        plane, i, j = _position(element, output.shape)
        rows = _window(i, x.shape[1], kernel_size[0], stride[0], padding[0], dilation[0])
        columns = _window(j, x.shape[2], kernel_size[1], stride[1], padding[1], dilation[1])
        value, index = _largest(x, plane, rows, columns, dilation)
        output[plane, i, j] = value
        indices[plane, i, j] = index


@cuda.jit
def _adaptive_max_kernel(x, output, indices):
    """Largest value of each part of the image, and where it lies."""
    for element in range(cuda.grid(1), output.size, cuda.gridsize(1)):
        plane, i, j = _position(element, output.shape)
        rows = _share(i, x.shape[1], output.shape[1])
        columns = _share(j, x.shape[2], output.shape[2])
        value, index = _largest(x, plane, rows, columns, (1, 1))
        output[plane, i, j] = value
        indices[plane, i, j] = index


@cuda.jit
def _max_backward_kernel(grad_output, indices, grad_input):
    """Add each gradient to the pixel that won its window; grad_input arrives as zeros."""
    windows = grad_output.shape[1]
    for element in range(cuda.grid(1), grad_output.size, cuda.gridsize(1)):
        plane, position = element // windows, element % windows
        index = indices[plane, position]
        if index >= 0:
            cuda.atomic.add(grad_input, (plane, index), grad_output[plane, position])


@cuda.jit(device=True)
def _sum(x, plane, rows, columns):
    """Add up a window."""
    total = x.dtype.type(0)
    for row in range(rows[0], rows[1]):
        for column in range(columns[0], columns[1]):
            total += x[plane, row, column]
    return total


@cuda.jit
def _mean_kernel(x, output, kernel_size, stride, padding, count_include_pad, divisor_override):
    """Sum of each window over its divisor; zero where no tap of a window falls on the image."""
    number = output.dtype.type
    for element in range(cuda.grid(1), output.size, cuda.gridsize(1)):
        plane, i, j = _position(element, output.shape)
        rows = _window(i, x.shape[1], kernel_size[0], stride[0], padding[0], 1)
        columns = _window(j, x.shape[2], kernel_size[1], stride[1], padding[1], 1)
        mean = number(0)
        if rows[0] < rows[1] and columns[0] < columns[1]:
            divisor = divisor_override
            if divisor == 0:
                divisor = _counted_cells(
                    i, x.shape[1], kernel_size[0], stride[0], padding[0], count_include_pad
                ) * _counted_cells(j, x.shape[2], kernel_size[1], stride[1], padding[1], count_include_pad)
            mean = _sum(x, plane, rows, columns) / number(divisor)
        output[plane, i, j] = mean


@cuda.jit
def _mean_backward_kernel(
    grad_output, grad_input, kernel_size, stride, padding, count_include_pad, divisor_override
):
    """Gather, for each pixel, gradient over divisor of the windows that cover it."""
    number = grad_input.dtype.type
    h, w = grad_input.shape[1:]
    for element in range(cuda.grid(1), grad_input.size, cuda.gridsize(1)):
        plane, row, column = _position(element, grad_input.shape)
        rows = _covering_windows(row, grad_output.shape[1], kernel_size[0], stride[0], padding[0])
        columns = _covering_windows(column, grad_output.shape[2], kernel_size[1], stride[1], padding[1])
        total = number(0)
        for i in range(rows[0], rows[1]):
            height = _counted_cells(i, h, kernel_size[0], stride[0], padding[0], count_include_pad)
            for j in range(columns[0], columns[1]):
                divisor = divisor_override
                if divisor == 0:
                    divisor = height * _counted_cells(
                        j, w, kernel_size[1], stride[1], padding[1], count_include_pad
                    )
                total += grad_output[plane, i, j] / number(divisor)
        grad_input[plane, row, column] = total


@cuda.jit
def _adaptive_mean_kernel(x, output):
    """Mean of each part of the image."""
    for element in range(cuda.grid(1), output.size, cuda.gridsize(1)):
        plane, i, j = _position(element, output.shape)
        rows = _share(i, x.shape[1], output.shape[1])
        columns = _share(j, x.shape[2], output.shape[2])
        divisor = (rows[1] - rows[0]) * (columns[1] - columns[0])
        output[plane, i, j] = _sum(x, plane, rows, columns) / output.dtype.type(divisor)


@cuda.jit
def _adaptive_mean_backward_kernel(grad_output, grad_input):
    """Gather, for each pixel, gradient over divisor of the parts that cover it.

    Those are again a share: with windows and pixels exchanged, `_share` says which windows a pixel is in.
    """
    number = grad_input.dtype.type
    h, w = grad_input.shape[1:]
    for element in range(cuda.grid(1), grad_input.size, cuda.gridsize(1)):
        plane, row, column = _position(element, grad_input.shape)
        rows = _share(row, grad_output.shape[1], h)
        columns = _share(column, grad_output.shape[2], w)
        total = number(0)
        for i in range(rows[0], rows[1]):
            top, bottom = _share(i, h, grad_output.shape[1])
            for j in range(columns[0], columns[1]):
                left, right = _share(j, w, grad_output.shape[2])
                total += grad_output[plane, i, j] / number((bottom - top) * (right - left))
        grad_input[plane, row, column] = total
