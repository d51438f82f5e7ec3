"""Pooling, compiled.

The windows along each axis are worked out first, as a small table of (first pixel, end), so that sliding and adaptive
windows run through the same loops; only averages over sliding windows have others, those of ``sliding.py``. The work is
split over the planes (one channel of one image).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.kernel_cache import njit
from tinygrad_edu_kernels.pooling import sliding

Array = Any
Pair = tuple[int, int]

NANOSECONDS = 1.0  # for a pixel, on one thread
LANES = 32  # numbers in one round of a vectorised loop: LLVM makes none of 16 for some processors


def max_pool2d_forward(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> tuple[Array, Array]:
    """Take the largest value of each window: x (n, c, h, w) -> output, int32 indices, both (n, c, oh, ow)."""
    h, w = x.shape[2:]
    halves = (kernel_size, stride, padding, dilation) == ((2, 2), (2, 2), (0, 0), (1, 1))
    if halves and 2 * output_size[0] <= h and 2 * output_size[1] <= w:
        return _largest_of_windows(x, output_size, _max_2x2_planes)
    rows = _sliding_windows(h, kernel_size[0], stride[0], padding[0], dilation[0], output_size[0])
    columns = _sliding_windows(w, kernel_size[1], stride[1], padding[1], dilation[1], output_size[1])
    return _largest_of_windows(x, output_size, _max_planes, rows, columns, *dilation)


def max_pool2d_backward(grad_output: Array, indices: Array, input_shape: tuple[int, ...]) -> Array:
    """Send each gradient to the pixel that won its window: (n, c, oh, ow) -> input_shape."""
    n, c, h, w = input_shape
    grad_input = np.empty((n * c, h * w), grad_output.dtype)
    outputs = (n * c, grad_output.shape[2] * grad_output.shape[3])
    grad_output = np.ascontiguousarray(grad_output).reshape(outputs)
    indices = np.ascontiguousarray(indices, np.int32).reshape(outputs)
    _run(_max_backward_planes, grad_input.size, (grad_output, indices, grad_input))
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
    options = (kernel_size, stride, padding, count_include_pad, divisor_override)
    rows, columns, *lengths = _mean_windows(x.shape[2:], output_size, *options)
    if output_size[1] == 1:  # one window is as long as a row: its own loop fills vectors
        return _mean_forward(x, output_size, _mean_planes, (rows, columns, *lengths))
    sizes = kernel_size[1], stride[1], padding[1]
    return _mean_forward(x, output_size, sliding.mean_planes, (rows, *lengths), *sizes)


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
    options = (kernel_size, stride, padding, count_include_pad, divisor_override)
    rows, columns, *lengths = _mean_windows(input_shape[2:], grad_output.shape[2:], *options)
    if grad_output.shape[3] == 1:
        return _mean_backward(grad_output, input_shape, _mean_backward_planes, (rows, columns, *lengths))
    sizes = kernel_size[1], stride[1], padding[1]
    return _mean_backward(grad_output, input_shape, sliding.mean_backward_planes, (rows, *lengths), *sizes)


def adaptive_avg_pool2d_forward(x: Array, output_size: Pair) -> Array:
    """Take means over windows that split the image into (oh, ow) parts: (n, c, h, w) -> (n, c, oh, ow)."""
    return _mean_forward(x, output_size, _mean_planes, _adaptive_mean_windows(x.shape[2:], output_size))


def adaptive_avg_pool2d_backward(grad_output: Array, input_shape: tuple[int, ...]) -> Array:
    """Share each gradient out evenly over its window: (n, c, oh, ow) -> input_shape."""
    windows = _adaptive_mean_windows(input_shape[2:], grad_output.shape[2:])
    return _mean_backward(grad_output, input_shape, _mean_backward_planes, windows)


def adaptive_max_pool2d_forward(x: Array, output_size: Pair) -> tuple[Array, Array]:
    """Take maxima over the windows of adaptive_avg_pool2d: -> output, int32 indices, both (n, c, oh, ow)."""
    rows = _adaptive_windows(x.shape[2], output_size[0])
    columns = _adaptive_windows(x.shape[3], output_size[1])
    return _largest_of_windows(x, output_size, _max_planes, rows, columns, 1, 1)


# ---- windows along one axis --------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _sliding_windows(size: int, kernel: int, stride: int, padding: int, dilation: int, windows: int) -> Array:
    """Return (windows, 2): each window's first tap that falls on the image, and the window's end."""
    start = np.arange(windows) * stride - padding
    stop = np.minimum(start + (kernel - 1) * dilation + 1, size)
    skipped = -(np.minimum(start, 0) // dilation)  # taps on the padding before the image
    return _read_only(np.stack([start + skipped * dilation, stop], axis=1))


@functools.lru_cache(maxsize=256)
def _adaptive_windows(size: int, windows: int) -> Array:
    """Return (windows, 2): start and end of the overlapping parts that an axis is split into."""
    position = np.arange(windows)
    start = position * size // max(windows, 1)
    stop = -(-(position + 1) * size // max(windows, 1))
    return _read_only(np.stack([start, stop], axis=1))


@functools.lru_cache(maxsize=256)
def _padded_lengths(size: int, kernel: int, stride: int, padding: int, windows: int) -> Array:
    """Return (windows,): how many cells of each window lie on the padded image."""
    start = np.arange(windows) * stride - padding
    return _read_only(np.minimum(start + kernel, size + padding) - start)


def _read_only(table: Array) -> Array:
    """Freeze a table, for the caches hand the same array to every caller."""
    table.flags.writeable = False
    return table


def _mean_windows(
    size: tuple[int, ...],
    windows: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int,
) -> tuple[Array, Array, Array, Array]:
    """Return the windows along both axes, and their lengths: two of them multiplied are a divisor."""
    tables, lengths = [], []
    for axis in (0, 1):
        window = (size[axis], kernel_size[axis], stride[axis], padding[axis])
        tables.append(_sliding_windows(*window, 1, windows[axis]))
        lengths.append(
            _padded_lengths(*window, windows[axis]) if count_include_pad else np.diff(tables[axis])[:, 0]
        )
    if divisor_override:
        lengths = [np.full(windows[0], divisor_override), np.ones(windows[1], np.int64)]
    return tables[0], tables[1], lengths[0], lengths[1]


def _adaptive_mean_windows(size: tuple[int, ...], windows: Pair) -> tuple[Array, Array, Array, Array]:
    """Return the windows along both axes and their lengths."""
    rows, columns = _adaptive_windows(size[0], windows[0]), _adaptive_windows(size[1], windows[1])
    return rows, columns, np.diff(rows)[:, 0], np.diff(columns)[:, 0]


# ---- launchers: make the outputs, cut the work into parts ---------------------------------------------------


def _run(kernel: Any, pixels: int, planes: tuple[Array, ...], *windows: Any) -> None:
    """Run a kernel over all planes."""
    threads.run_over(len(planes[0]), NANOSECONDS * pixels, kernel, *planes, *windows)


def _largest_of_windows(x: Array, output_size: Pair, kernel: Any, *windows: Any) -> tuple[Array, Array]:
    n, c, h, w = x.shape
    output = np.empty((n * c, *output_size), x.dtype)
    indices = np.empty((n * c, *output_size), np.int32)
    planes = np.ascontiguousarray(x).reshape(n * c, h, w)
    _run(kernel, x.size, (planes, output, indices), *windows)
    shape = (n, c, *output_size)
    return output.reshape(shape), indices.reshape(shape)


def _mean_forward(
    x: Array, output_size: Pair, kernel: Any, windows: tuple[Array, ...], *columns: int
) -> Array:
    """Run a kernel over windows, of which the last two tables are the lengths."""
    n, c, h, w = x.shape
    output = np.empty((n * c, *output_size), x.dtype)
    lengths = [_divisors(length, x.dtype) for length in windows[-2:]]
    planes = np.ascontiguousarray(x).reshape(n * c, h, w)
    _run(kernel, x.size, (planes, output), *windows[:-2], *lengths, *columns)
    return output.reshape(n, c, *output_size)


def _mean_backward(
    grad_output: Array,
    input_shape: tuple[int, ...],
    kernel: Any,
    windows: tuple[Array, ...],
    *columns: int,
) -> Array:
    n, c, h, w = input_shape
    grad_input = np.empty((n * c, h, w), grad_output.dtype)
    lengths = [_divisors(length, grad_output.dtype) for length in windows[-2:]]
    planes = np.ascontiguousarray(grad_output).reshape(n * c, *grad_output.shape[2:])
    _run(kernel, grad_input.size, (planes, grad_input), *windows[:-2], *lengths, *columns)
    return grad_input.reshape(input_shape)


def _divisors(lengths: Array, dtype: Any) -> Array:
    """Return lengths as floats; 1 where a window is empty, for its sum of nothing is to stay zero."""
    return np.where(lengths == 0, 1, lengths).astype(dtype)


# ---- kernels: they do planes first..last -------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _max_planes(x, output, indices, rows, columns, row_step, column_step, first, last):
    """Largest value of each window and where it lies: the first of equals, but a NaN always takes over."""
    width = x.shape[2]
    for plane in range(first, last):
        for i in range(rows.shape[0]):
            top, bottom = rows[i, 0], rows[i, 1]
            for j in range(columns.shape[0]):
                left, right = columns[j, 0], columns[j, 1]
                largest, index, nan_index = x.dtype.type(-np.inf), -1, -1
                if top < bottom and left < right:
                    index = top * width + left
                for row in range(top, bottom, row_step):
                    line = x[plane, row]
                    for column in range(left, right, column_step):
                        value = line[np.uintp(column)]  # unsigned: no check for a negative index
                        better = value > largest
                        largest = (
                            value if better else largest
                        )  # selects instead of a branch that is hard to guess
                        index = row * width + column if better else index
                        if value != value:
                            nan_index = row * width + column
                if nan_index >= 0:
                    largest, index = np.nan, nan_index
                output[plane, i, j] = largest
                indices[plane, i, j] = index


@njit(cache=True, error_model="numpy", nogil=True)
def _max_2x2_planes(x, output, indices, first, last):
    """_max_planes for the commonest window, 2x2 with stride 2, in two passes that the compiler vectorises.

    The first pass takes the larger of two pixels one above the other, in every column; the second, the larger of two
    neighbours of these. Of equal numbers the first one wins, in reading order, and of several NaN the last.

    Where more rows follow, a row is filled up to whole vectors: what is left over would go number by number, and take
    longer. What is written too much belongs to the next row, and is written again with it.
    """
    _, rows, columns = output.shape
    height, width = x.shape[1:]
    pixels, maxima, places = x.reshape(-1), output.reshape(-1), indices.reshape(-1)
    used, size = 2 * columns, rows * columns
    whole, end = (used + LANES - 1) // LANES * LANES, last * height * width
    larger, place = np.empty(used * rows + LANES, x.dtype), np.empty(used * rows + LANES, np.int32)
    for plane in range(first, last):
        for i in range(rows):
            at = (plane * height + 2 * i) * width
            n = whole if at + width + whole <= end else used
            upper, lower = pixels[at : at + n], pixels[at + width : at + width + n]
            larger_row, place_row = larger[i * used : i * used + n], place[i * used : i * used + n]
            corner, below = np.int32(2 * i * width), np.int32((2 * i + 1) * width)
            for j in range(n):
                a, b = upper[j], lower[j]
                take_b = (b > a) | (b != b)
                larger_row[j] = b if take_b else a
                place_row[j] = np.int32(j) + (below if take_b else corner)
        largest, index = maxima[plane * size : (plane + 1) * size], places[plane * size : (plane + 1) * size]
        for k in range(size):
            left = np.uintp(2 * k)
            right = left + np.uintp(1)
            a, b, p, q = larger[left], larger[right], place[left], place[right]
            take_b = (b > a) | ((b == a) & (q < p)) | ((b != b) & ((a == a) | (q > p)))
            largest[k] = b if take_b else a
            index[k] = q if take_b else p


@njit(cache=True, error_model="numpy", nogil=True)
def _max_backward_planes(grad_output, indices, grad_input, first, last):
    """Add each gradient to the pixel that won its window."""
    for plane in range(first, last):
        for pixel in range(grad_input.shape[1]):  # grad_input[plane] = 0 takes longer to compile
            grad_input[plane, pixel] = 0
        for position in range(grad_output.shape[1]):
            index = indices[plane, position]
            if index >= 0:
                grad_input[plane, index] += grad_output[plane, position]


# fastmath: "reassoc" lets the sum of a long row be vectorised; NaN and infinity come through as without it.
@njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc"})
def _mean_planes(x, output, rows, columns, heights, widths, first, last):
    """Sum of each window, in float64, over its divisor."""
    for plane in range(first, last):
        for i in range(rows.shape[0]):
            for j in range(columns.shape[0]):
                total = 0.0
                for row in range(rows[i, 0], rows[i, 1]):
                    line = x[plane, row]
                    for column in range(columns[j, 0], columns[j, 1]):
                        total += line[np.uintp(column)]
                output[plane, i, j] = total / (heights[i] * widths[j])


@njit(cache=True, error_model="numpy", nogil=True)
def _mean_backward_planes(grad_output, grad_input, rows, columns, heights, widths, first, last):
    """Give each pixel of a window the gradient over the divisor."""
    for plane in range(first, last):
        grad_input[plane] = 0
        for i in range(rows.shape[0]):
            for j in range(columns.shape[0]):
                share = grad_output[plane, i, j] / (heights[i] * widths[j])
                for row in range(rows[i, 0], rows[i, 1]):
                    line = grad_input[plane, row]
                    for column in range(columns[j, 0], columns[j, 1]):
                        line[np.uintp(column)] += share
