"""Convolution, compiled: per image, im2col into a small buffer and then a matrix product.

With the windows of one image laid out as columns, a convolution is a product of two matrices:

    out (o, oh * ow) = weight (o, c * kh * kw) @ columns (c * kh * kw, oh * ow)

One image at a time, the columns stay in the cache; the columns of a whole batch would not.

How the columns are filled quickly
----------------------------------
A channel is first copied into a *plane*: rows of ``pitch`` numbers with zeros for the padding. Pixel (i, j) of
the tap (ki, kj) then sits at ``i * sh * pitch + j * sw`` from the start of the tap, ``ki * dh * pitch + kj * dw``.

- If stride is 1 and the output is as wide as the input (3x3 with padding 1, 1x1 ...), then ``pitch`` is that
  width: the rows of the plane touch, and a whole column row is one straight copy. Taps that stick out on the left
  or right have then read the neighbouring row, and are set to zero afterwards.
- Otherwise ``pitch`` is the padded width, and the copy goes row by row.
- Without padding the image itself is the plane.

The work is split over images into as many chunks as Numba has threads, always at the same places: for a given
number of threads every run adds in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

from tinygrad_edu_kernels.blas_threads import single_blas_thread
from tinygrad_edu_kernels.convolution.reference import output_size

Array = Any
Pair = tuple[int, int]

# OpenBLAS multiplies small matrices (up to 100^3 multiply-adds, where AVX-512 is there) without repacking them.
SMALL_PRODUCT = 1_000_000
# Fewer multiply-adds than this are done before a second thread has woken up.
PARALLEL_WORK = 1_000_000


def im2col(x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """Lay every window out as a column: (n, c, h, w) -> (n, c * kh * kw, oh * ow); see the reference."""
    n, c, h, w = x.shape
    out_size = _output_sizes((h, w), kernel_size, stride, padding, dilation)
    columns = np.empty((n, c * kernel_size[0] * kernel_size[1], out_size[0] * out_size[1]), x.dtype)
    if columns.size and x.size:
        _im2col_images(_planes(x), columns, (h, w), out_size, kernel_size, stride, padding, dilation)
    return columns


def col2im(
    columns: Array, input_shape: tuple[int, ...], kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """Add every column back to the pixels of its window: (n, c * kh * kw, oh * ow) -> (n, c, h, w)."""
    n, c, h, w = input_shape
    out_size = _output_sizes((h, w), kernel_size, stride, padding, dilation)
    x = np.zeros((n, c, h * w), columns.dtype)
    if columns.size and x.size:
        columns = np.ascontiguousarray(columns).reshape(n, -1, out_size[0] * out_size[1])
        _col2im_images(columns, x, (h, w), out_size, kernel_size, stride, padding, dilation)
    return x.reshape(n, c, h, w)


def conv2d_forward(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """Convolve: x (n, c, h, w), weight (o, c / groups, kh, kw), bias (o,) or None -> (n, o, oh, ow)."""
    n, _, h, w = x.shape
    out_channels, _, kh, kw = weight.shape
    oh, ow = _output_sizes((h, w), (kh, kw), stride, padding, dilation)
    out = np.zeros((n, out_channels, oh * ow), x.dtype) if x.size == 0 else np.empty((n, out_channels, oh * ow), x.dtype)
    bias = np.zeros(out_channels, x.dtype) if bias is None else np.ascontiguousarray(bias)
    if out.size == 0 or x.size == 0:
        out += bias[:, None]
        return out.reshape(n, out_channels, oh, ow)
    filters = np.ascontiguousarray(weight).reshape(groups, out_channels // groups, -1)  # (g, o/g, c/g * kh * kw)
    sizes = ((h, w), (oh, ow), (kh, kw), stride, padding, dilation)
    chunks = _count_chunks(n, out.size * filters.shape[2])
    with single_blas_thread():
        if chunks == 1:
            _forward_images(_planes(x), filters, bias, out, *sizes, 0, n)
        else:
            _forward_parallel(_planes(x), filters, bias, out, *sizes, chunks)
    return out.reshape(n, out_channels, oh, ow)


def conv2d_grad_input(
    grad_output: Array,
    weight: Array,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """Gradient with respect to the images: grad_output (n, o, oh, ow) -> (n, c, h, w)."""
    n, c, h, w = input_shape
    out_channels, _, kh, kw = weight.shape
    grad_input = np.zeros((n, c, h * w), grad_output.dtype)
    if grad_output.size and grad_input.size:
        filters = weight.reshape(groups, out_channels // groups, -1)
        filters = np.ascontiguousarray(filters.swapaxes(1, 2))  # (g, c/g * kh * kw, o/g)
        sizes = ((h, w), grad_output.shape[2:], (kh, kw), stride, padding, dilation)
        chunks = _count_chunks(n, grad_output.size * filters.shape[1])
        with single_blas_thread():
            if chunks == 1:
                _grad_input_images(_planes(grad_output), filters, grad_input, *sizes, 0, n)
            else:
                _grad_input_parallel(_planes(grad_output), filters, grad_input, *sizes, chunks)
    return grad_input.reshape(n, c, h, w)


def conv2d_grad_weight(
    grad_output: Array,
    x: Array,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """Gradient with respect to the filters: grad_output (n, o, oh, ow), x (n, c, h, w) -> (o, c / groups, kh, kw)."""
    n, _, h, w = x.shape
    out_channels, group_in, kh, kw = weight_shape
    group_out = out_channels // groups
    chunks = _count_chunks(n, grad_output.size * group_in * kh * kw)
    partial = np.zeros((chunks, groups, group_in * kh * kw, group_out), x.dtype)  # transposed: BLAS is faster so
    if grad_output.size and x.size:
        sizes = ((h, w), grad_output.shape[2:], (kh, kw), stride, padding, dilation)
        with single_blas_thread():
            if chunks == 1:
                _grad_weight_images(_planes(x), _planes(grad_output), partial[0], *sizes, 0, n)
            else:
                _grad_weight_parallel(_planes(x), _planes(grad_output), partial, *sizes)
    total = partial.sum(axis=0)  # chunk after chunk, in order
    return np.ascontiguousarray(total.swapaxes(1, 2)).reshape(weight_shape)


def _output_sizes(size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """Return (oh, ow)."""
    oh = output_size(size[0], kernel_size[0], stride[0], padding[0], dilation[0])
    ow = output_size(size[1], kernel_size[1], stride[1], padding[1], dilation[1])
    return oh, ow


def _planes(x: Array) -> Array:
    """View or copy (n, c, h, w) as contiguous (n, c, h * w)."""
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], -1)


def _count_chunks(images: int, multiply_adds: int) -> int:
    """Return into how many parts the batch is split: one unless there is work enough for every thread."""
    return min(get_num_threads(), images) if multiply_adds >= PARALLEL_WORK else 1


@njit(cache=True, error_model="numpy")
def _into_planes(image, planes, size, start, pitch):
    """Copy an image (c, h * w) to the inside of its planes."""
    h, w = size
    for channel in range(image.shape[0]):
        for i in range(h):
            pixels = image[channel, i * w : (i + 1) * w]
            row = planes[channel, start + i * pitch :]
            for j in range(pixels.size):
                row[j] = pixels[j]


@njit(cache=True, error_model="numpy")
def _out_of_planes(planes, image, size, start, pitch):
    """Copy the inside of planes to an image (c, h * w)."""
    h, w = size
    for channel in range(image.shape[0]):
        for i in range(h):
            pixels = image[channel, i * w : (i + 1) * w]
            row = planes[channel, start + i * pitch :]
            for j in range(pixels.size):
                pixels[j] = row[j]


@njit(cache=True, error_model="numpy")
def _zero_outside(columns, r, out_size, shift):
    """Zero what a tap ``shift`` pixels right of the output's own pixel read from beyond the ends of the rows."""
    oh, ow = out_size
    first, last = (max(ow - shift, 0), ow) if shift > 0 else (0, min(-shift, ow))
    for j in range(first, last):
        for i in range(oh):
            columns[r, i * ow + j] = 0


@njit(cache=True, error_model="numpy")
def _fill_columns(planes, columns, pitch, out_size, kernel_size, stride, padding, dilation):
    """im2col of one image: planes (c, plane) -> columns (c * kh * kw, oh * ow)."""
    oh, ow = out_size
    one_run = stride[0] == 1 and stride[1] == 1 and pitch == ow
    r = 0
    for channel in range(planes.shape[0]):
        for ki in range(kernel_size[0]):
            for kj in range(kernel_size[1]):
                tap = planes[channel, ki * dilation[0] * pitch + kj * dilation[1] :]
                row = columns[r]
                r += 1
                if one_run:
                    for q in range(row.size):
                        row[q] = tap[q]
                    _zero_outside(columns, r - 1, out_size, kj * dilation[1] - padding[1])
                    continue
                for i in range(oh):
                    target = row[i * ow : (i + 1) * ow]
                    source = tap[i * stride[0] * pitch :]
                    if stride[1] == 1:
                        for j in range(target.size):
                            target[j] = source[j]
                    else:
                        for j in range(target.size):
                            target[j] = source[j * stride[1]]


@njit(cache=True, error_model="numpy")
def _add_columns(columns, planes, pitch, out_size, kernel_size, stride, padding, dilation):
    """col2im of one image, added to planes (c, plane); what a tap read from outside is zeroed in columns."""
    oh, ow = out_size
    one_run = stride[0] == 1 and stride[1] == 1 and pitch == ow
    r = 0
    for channel in range(planes.shape[0]):
        for ki in range(kernel_size[0]):
            for kj in range(kernel_size[1]):
                tap = planes[channel, ki * dilation[0] * pitch + kj * dilation[1] :]
                row = columns[r]
                r += 1
                if one_run:
                    _zero_outside(columns, r - 1, out_size, kj * dilation[1] - padding[1])
                    for q in range(row.size):
                        tap[q] += row[q]
                    continue
                for i in range(oh):
                    source = row[i * ow : (i + 1) * ow]
                    target = tap[i * stride[0] * pitch :]
                    if stride[1] == 1:
                        for j in range(source.size):
                            target[j] += source[j]
                    else:
                        for j in range(source.size):
                            target[j * stride[1]] += source[j]


@njit(cache=True, error_model="numpy")
def _plane_layout(size, out_size, stride, padding):
    """Return (pitch, start of the first pixel, length of a plane, whether the image itself is the plane)."""
    h, w = size
    rows_touch = stride[0] == 1 and stride[1] == 1 and out_size[1] == w
    pitch = w if rows_touch else w + 2 * padding[1]
    start = padding[0] * pitch + padding[1]
    length = (h + 2 * padding[0]) * pitch + 2 * padding[1]
    return pitch, start, length, padding[0] == 0 and padding[1] == 0


@njit(cache=True, error_model="numpy")
def _image_columns(image, planes, columns, size, out_size, kernel_size, stride, padding, dilation):
    """Return the columns of one image (c, h * w): the image itself if each window is one pixel, else `columns`."""
    pitch, start, _, unpadded = _plane_layout(size, out_size, stride, padding)
    if unpadded and kernel_size[0] * kernel_size[1] == 1 and stride[0] * stride[1] == 1:
        return image
    if unpadded:
        _fill_columns(image, columns, pitch, out_size, kernel_size, stride, padding, dilation)
        return columns
    _into_planes(image, planes, size, start, pitch)
    _fill_columns(planes, columns, pitch, out_size, kernel_size, stride, padding, dilation)
    return columns


@njit(cache=True, error_model="numpy")
def _rows_per_product(rows, work_per_row, step):
    """Return how many rows (a multiple of step) keep a matrix product small, or all if only a few would."""
    block = SMALL_PRODUCT // work_per_row // step * step
    return min(rows, block) if block >= 8 else rows


@njit(cache=True, error_model="numpy")
def _forward_images(
    x, filters, bias, out, size, out_size, kernel_size, stride, padding, dilation, first, last
):
    """conv2d_forward of images first..last: x (n, c, h * w), filters (g, o/g, k) -> out (n, o, oh * ow)."""
    groups, group_out, k = filters.shape
    planes = np.zeros((x.shape[1], _plane_layout(size, out_size, stride, padding)[2]), x.dtype)
    buffer = np.empty((groups * k, out.shape[2]), x.dtype)
    block = _rows_per_product(group_out, k * out.shape[2], 16)
    for image in range(first, last):
        columns = _image_columns(
            x[image], planes, buffer, size, out_size, kernel_size, stride, padding, dilation
        )
        for group in range(groups):
            group_columns = columns[group * k : (group + 1) * k]
            for o in range(0, group_out, block):
                stop = min(o + block, group_out)
                result = out[image, group * group_out + o : group * group_out + stop]
                np.dot(filters[group, o:stop], group_columns, result)
        for o in range(bias.size):
            row = out[image, o]
            shift = bias[o]
            for q in range(row.size):
                row[q] += shift


@njit(cache=True, error_model="numpy", parallel=True)
def _forward_parallel(x, filters, bias, out, size, out_size, kernel_size, stride, padding, dilation, chunks):
    n = x.shape[0]
    for chunk in prange(chunks):
        first, last = chunk * n // chunks, (chunk + 1) * n // chunks
        _forward_images(
            x, filters, bias, out, size, out_size, kernel_size, stride, padding, dilation, first, last
        )


@njit(cache=True, error_model="numpy")
def _grad_input_images(
    grad_output, filters, grad_input, size, out_size, kernel_size, stride, padding, dilation, first, last
):
    """conv2d_grad_input of images first..last; filters (g, c/g * kh * kw, o/g); grad_input arrives as zeros."""
    groups, k, group_out = filters.shape
    taps = kernel_size[0] * kernel_size[1]
    pitch, start, length, unpadded = _plane_layout(size, out_size, stride, padding)
    block = _rows_per_product(k, group_out * grad_output.shape[2], taps)  # whole channels
    buffer = np.empty((block, grad_output.shape[2]), grad_output.dtype)
    planes = np.empty((block // taps, length), grad_output.dtype)
    for image in range(first, last):
        for group in range(groups):
            group_grad = grad_output[image, group * group_out : (group + 1) * group_out]
            for r in range(0, k, block):
                rows = min(block, k - r)
                columns = buffer[:rows]
                np.dot(filters[group, r : r + rows], group_grad, columns)
                channel = (group * k + r) // taps
                target = grad_input[image, channel : channel + rows // taps]
                if unpadded:
                    _add_columns(columns, target, pitch, out_size, kernel_size, stride, padding, dilation)
                    continue
                planes[:] = 0
                _add_columns(
                    columns, planes[: rows // taps], pitch, out_size, kernel_size, stride, padding, dilation
                )
                _out_of_planes(planes, target, size, start, pitch)


@njit(cache=True, error_model="numpy", parallel=True)
def _grad_input_parallel(
    grad_output, filters, grad_input, size, out_size, kernel_size, stride, padding, dilation, chunks
):
    n = grad_output.shape[0]
    for chunk in prange(chunks):
        first, last = chunk * n // chunks, (chunk + 1) * n // chunks
        _grad_input_images(
            grad_output, filters, grad_input, size, out_size, kernel_size, stride, padding, dilation, first, last
        )


@njit(cache=True, error_model="numpy")
def _grad_weight_images(
    x, grad_output, total, size, out_size, kernel_size, stride, padding, dilation, first, last
):
    """conv2d_grad_weight of images first..last, added to total (g, c/g * kh * kw, o/g)."""
    groups, k, group_out = total.shape
    planes = np.zeros((x.shape[1], _plane_layout(size, out_size, stride, padding)[2]), x.dtype)
    buffer = np.empty((groups * k, grad_output.shape[2]), x.dtype)
    product = np.empty((k, group_out), x.dtype)
    for image in range(first, last):
        columns = _image_columns(
            x[image], planes, buffer, size, out_size, kernel_size, stride, padding, dilation
        )
        for group in range(groups):
            group_grad = grad_output[image, group * group_out : (group + 1) * group_out]
            np.dot(columns[group * k : (group + 1) * k], group_grad.T, product)
            for r in range(k):
                for o in range(group_out):
                    total[group, r, o] += product[r, o]


@njit(cache=True, error_model="numpy", parallel=True)
def _grad_weight_parallel(
    x, grad_output, partial, size, out_size, kernel_size, stride, padding, dilation
):
    n, chunks = x.shape[0], partial.shape[0]
    for chunk in prange(chunks):
        first, last = chunk * n // chunks, (chunk + 1) * n // chunks
        _grad_weight_images(
            x, grad_output, partial[chunk], size, out_size, kernel_size, stride, padding, dilation, first, last
        )


@njit(cache=True, error_model="numpy")
def _im2col_images(x, out, size, out_size, kernel_size, stride, padding, dilation):
    """im2col of all images: x (n, c, h * w) -> out (n, c * kh * kw, oh * ow)."""
    planes = np.zeros((x.shape[1], _plane_layout(size, out_size, stride, padding)[2]), x.dtype)
    for image in range(x.shape[0]):
        columns = _image_columns(
            x[image], planes, out[image], size, out_size, kernel_size, stride, padding, dilation
        )
        if kernel_size[0] * kernel_size[1] == 1:
            out[image] = columns


@njit(cache=True, error_model="numpy")
def _col2im_images(columns, x, size, out_size, kernel_size, stride, padding, dilation):
    """col2im of all images: columns (n, c * kh * kw, oh * ow), x (n, c, h * w)."""
    pitch, start, length, _ = _plane_layout(size, out_size, stride, padding)
    planes = np.empty((x.shape[1], length), x.dtype)
    for image in range(x.shape[0]):
        planes[:] = 0
        _add_columns(columns[image], planes, pitch, out_size, kernel_size, stride, padding, dilation)
        _out_of_planes(planes, x[image], size, start, pitch)
