"""Convolution, compiled: per image, im2col into a small buffer and then a matrix product.

With the windows of one image laid out as columns, a convolution is a product of two matrices:

    out (o, oh * ow) = weight (o, c * kh * kw) @ columns (c * kh * kw, oh * ow)

One image at a time, the columns stay in the cache; the columns of a whole batch would not.

How the columns are filled quickly
----------------------------------
A channel is first copied into a *plane*: rows of ``pitch`` numbers with zeros for the padding. The first
number that the tap (ki, kj) sees is ``ki * dh * pitch + kj * dw`` of the plane; for output (i, j) it sees the
one ``i * sh * pitch + j * sw`` further on.

- If stride is 1 and the output is as wide as the input (3x3 with padding 1, 1x1 ...), then ``pitch`` is that
  width: the rows of the plane touch, and a whole column row is one straight copy. Taps that stick out on the
  left or right have then read the neighbouring row, and are set to zero afterwards.
- Otherwise ``pitch`` is the padded width, and the copy goes row by row.
- Without padding the image itself is the plane.

Numbers of rows and columns are written k = c / groups * kh * kw and g = groups.

The images are cut into parts, which threads share.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.convolution import direct
from tinygrad_edu_kernels.convolution.reference import output_size
from tinygrad_edu_kernels.kernel_cache import njit

Array = Any
Pair = tuple[int, int]
# h, w, oh, ow, kh, kw: sizes of image, output and kernel; sh, sw: stride; ph, pw: padding; dh, dw: dilation.
Geometry = tuple[int, ...]

NANOSECONDS = 0.02  # for a multiply-add, on one thread


def im2col(x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """Lay every window out as a column: (n, c, h, w) -> (n, c * kh * kw, oh * ow); see the reference."""
    n, c, h, w = x.shape
    geometry = _geometry(h, w, kernel_size, stride, padding, dilation)
    oh, ow = geometry[2:4]
    columns = np.empty((n, c * kernel_size[0] * kernel_size[1], oh * ow), x.dtype)
    if x.size:
        _im2col_images(_flat_channels(x), columns, geometry)
    else:
        columns[...] = 0
    return columns


def col2im(
    columns: Array,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """Add every column back to the pixels of its window: (n, c * kh * kw, oh * ow) -> (n, c, h, w)."""
    n, c, h, w = input_shape
    x = np.zeros((n, c, h * w), columns.dtype)
    if columns.size and x.size:
        geometry = _geometry(h, w, kernel_size, stride, padding, dilation)
        # A copy: the columns are worked on in place.
        _col2im_images(np.array(columns, order="C"), x, geometry)
    return x.reshape(n, c, h, w)


def conv2d_forward(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """Convolve: x (n, c, h, w), weight (o, c / groups, kh, kw), bias (o,) or None -> (n, o, oh, ow)."""
    n, _, h, w = x.shape
    out_channels = weight.shape[0]
    geometry = _geometry(h, w, weight.shape[2:], stride, padding, dilation)
    oh, ow = geometry[2:4]
    if x.size and direct.suits(x.dtype, math.prod(weight.shape[1:]), out_channels // groups):
        return direct.conv2d_forward(x, weight, bias, geometry, groups)
    bias = np.zeros(out_channels, x.dtype) if bias is None else np.ascontiguousarray(bias)
    out = np.empty((n, out_channels, oh * ow), x.dtype)
    if x.size and weight.size and out.size:
        filters = np.ascontiguousarray(weight).reshape(groups, out_channels // groups, -1)  # (g, o/g, k)
        arrays = _flat_channels(x), filters, bias, out
        _run(_forward_images, n, out.size * filters.shape[2], *arrays, geometry)
    else:
        out[...] = bias[:, None]
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
    out_channels = weight.shape[0]
    geometry = (h, w, *grad_output.shape[2:], *weight.shape[2:], *stride, *padding, *dilation)
    if _can_go_backwards(geometry) and grad_output.size:
        taps = out_channels // groups * weight.shape[2] * weight.shape[3]
        if direct.suits(grad_output.dtype, taps, c // groups):
            return direct.conv2d_grad_input(grad_output, weight, geometry, groups)
    grad_input = np.zeros((n, c, h * w), grad_output.dtype)
    if grad_output.size and grad_input.size:
        filters = weight.reshape(groups, out_channels // groups, -1)
        filters = np.ascontiguousarray(filters.swapaxes(1, 2))  # (g, k, o/g), k = c/g * kh * kw
        arrays = _flat_channels(grad_output), filters, grad_input
        _run(_grad_input_images, n, grad_output.size * filters.shape[1], *arrays, geometry)
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
    """Gradient with respect to the filters: grad_output (n, o, oh, ow), x (n, c, h, w) -> weight_shape."""
    n, _, h, w = x.shape
    out_channels, group_in, kh, kw = weight_shape
    geometry = (h, w, *grad_output.shape[2:], kh, kw, *stride, *padding, *dilation)
    k = group_in * kh * kw
    if grad_output.size and direct.suits(x.dtype, k, out_channels // groups):
        return direct.conv2d_grad_weight(grad_output, x, weight_shape, geometry, groups)
    # Sums over some of the images, transposed (BLAS is faster so): (sums, g, c/g * kh * kw, o/g).
    sums = threads.number_of_sums(n, NANOSECONDS * grad_output.size * k, k * out_channels)
    partial = np.zeros((sums, groups, k, out_channels // groups))  # in float64
    if grad_output.size and x.size and partial.size:
        arrays = _flat_channels(grad_output), _flat_channels(x), partial
        _run(_grad_weight_images, sums, grad_output.size * k, *arrays, geometry)
    total = partial.sum(axis=0)
    return np.ascontiguousarray(total.swapaxes(1, 2), x.dtype).reshape(weight_shape)


def _geometry(h: int, w: int, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Geometry:
    """Return everything the kernels must know about sizes."""
    oh = output_size(h, kernel_size[0], stride[0], padding[0], dilation[0])
    ow = output_size(w, kernel_size[1], stride[1], padding[1], dilation[1])
    return (h, w, oh, ow, *kernel_size, *stride, *padding, *dilation)


def _can_go_backwards(geometry: Geometry) -> bool:
    """Tell whether the gradient of the images is a convolution itself: stride 1, not too much padding."""
    _, _, _, _, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    return sh == sw == 1 and ph <= dh * (kh - 1) and pw <= dw * (kw - 1)


def _flat_channels(x: Array) -> Array:
    """View (or, if it is not contiguous, copy) (n, c, h, w) as (n, c, h * w)."""
    n, c, h, w = x.shape
    return np.ascontiguousarray(x).reshape(n, c, h * w)


def _run(kernel: Any, count: int, multiply_adds: int, *arguments: Any) -> None:
    """Run a kernel over all images or sums."""
    threads.use_single_blas_thread()
    threads.run_over(count, NANOSECONDS * multiply_adds, kernel, *arguments, threads.small_product_limit())


@njit(cache=True, error_model="numpy", nogil=True)
def _plane_layout(geometry):
    """Return (pitch, start of the first pixel, length of a plane, whether the image itself is the plane)."""
    h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    rows_touch = sh == 1 and sw == 1 and ow == w
    pitch = w if rows_touch else w + 2 * pw
    return pitch, ph * pitch + pw, (h + 2 * ph) * pitch + 2 * pw, ph == 0 and pw == 0


@njit(cache=True, error_model="numpy", nogil=True)
def _into_planes(image, planes, geometry):
    """Copy an image (c, h * w) to the inside of its planes."""
    h, w = geometry[:2]
    pitch, start, _, _ = _plane_layout(geometry)
    for channel in range(image.shape[0]):
        for i in range(h):
            pixels = image[channel, i * w : (i + 1) * w]
            row = planes[channel, start + i * pitch :]
            for j in range(pixels.size):
                row[j] = pixels[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _out_of_planes(planes, image, geometry):
    """Copy the inside of planes to an image (c, h * w)."""
    h, w = geometry[:2]
    pitch, start, _, _ = _plane_layout(geometry)
    for channel in range(image.shape[0]):
        for i in range(h):
            pixels = image[channel, i * w : (i + 1) * w]
            row = planes[channel, start + i * pitch :]
            for j in range(pixels.size):
                pixels[j] = row[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _zero_outside(columns, r, oh, ow, shift):
    """Zero what a tap, ``shift`` pixels to the right, read from beyond the ends of the rows."""
    first, last = (max(ow - shift, 0), ow) if shift > 0 else (0, min(-shift, ow))
    for j in range(first, last):
        for i in range(oh):
            columns[r, i * ow + j] = 0


@njit(cache=True, error_model="numpy", nogil=True)
def _fill_columns(planes, columns, geometry):
    """im2col of one image: planes (c, plane) -> columns (c * kh * kw, oh * ow)."""
    h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    pitch = _plane_layout(geometry)[0]
    one_run = sh == 1 and sw == 1 and pitch == ow
    for channel in range(planes.shape[0]):
        for ki in range(kh):
            for kj in range(kw):
                r = (channel * kh + ki) * kw + kj
                tap = planes[channel, ki * dh * pitch + kj * dw :]
                row = columns[r]
                if one_run:
                    for q in range(row.size):
                        row[q] = tap[q]
                    _zero_outside(columns, r, oh, ow, kj * dw - pw)
                    continue
                for i in range(oh):
                    source = tap[i * sh * pitch :]
                    target = row[i * ow : (i + 1) * ow]
                    if sw == 1:
                        for j in range(target.size):
                            target[j] = source[j]
                    else:
                        for j in range(target.size):
                            target[j] = source[j * sw]


@njit(cache=True, error_model="numpy", nogil=True)
def _add_columns(columns, planes, geometry):
    """col2im of one image, added to planes (c, plane); what a tap read from outside is zeroed in columns.

    A processor waits when it reads what it has only just written, at an address a little off. Hence all the
    zeros are written first, and hence the channels are in the inner loop: neighbouring taps write to the same
    pixels.
    """
    h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    pitch = _plane_layout(geometry)[0]
    one_run = sh == 1 and sw == 1 and pitch == ow
    if one_run:
        for r in range(columns.shape[0]):
            _zero_outside(columns, r, oh, ow, r % kw * dw - pw)
    for ki in range(kh):
        for kj in range(kw):
            for channel in range(planes.shape[0]):
                tap = planes[channel, ki * dh * pitch + kj * dw :]
                row = columns[(channel * kh + ki) * kw + kj]
                if one_run:
                    for q in range(row.size):
                        tap[q] += row[q]
                    continue
                for i in range(oh):
                    source = row[i * ow : (i + 1) * ow]
                    target = tap[i * sh * pitch :]
                    if sw == 1:
                        for j in range(source.size):
                            target[j] += source[j]
                    else:
                        for j in range(source.size):
                            target[j * sw] += source[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _image_columns(image, planes, columns, geometry):
    """Return the columns of one image (c, h * w): the image itself if a window is a pixel, else `columns`."""
    h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    unpadded = _plane_layout(geometry)[3]
    if unpadded and kh == kw == sh == sw == 1:
        return image
    if unpadded:
        _fill_columns(image, columns, geometry)
    else:
        _into_planes(image, planes, geometry)
        _fill_columns(planes, columns, geometry)
    return columns


@njit(cache=True, error_model="numpy", nogil=True)
def _rows_per_product(rows, row_size, step, small_product):
    """Return how many rows, a multiple of step, keep a product small; all if those would be too few."""
    block = small_product // row_size // step * step
    return min(rows, block) if block >= 8 else rows


@njit(cache=True, error_model="numpy", nogil=True)
def _forward_images(x, filters, bias, out, geometry, small_product, first, last):
    """Convolve images first..last: x (n, c, h * w), filters (g, o/g, k) -> out (n, o, oh * ow)."""
    groups, group_out, k = filters.shape
    planes = np.zeros((x.shape[1], _plane_layout(geometry)[2]), x.dtype)
    buffer = np.empty((groups * k, out.shape[2]), x.dtype)
    block = _rows_per_product(group_out, k * out.shape[2], 16, small_product)
    for image in range(first, last):
        columns = _image_columns(x[image], planes, buffer, geometry)
        for group in range(groups):
            group_columns = columns[group * k : (group + 1) * k]
            for o in range(0, group_out, block):
                stop = min(o + block, group_out)
                result = out[image, group * group_out + o : group * group_out + stop]
                np.dot(filters[group, o:stop], group_columns, result)
        for o in range(bias.size):
            shift = bias[o]
            for q in range(out.shape[2]):
                out[image, o, q] += shift


@njit(cache=True, error_model="numpy", nogil=True)
def _grad_input_images(grad_output, filters, grad_input, geometry, small_product, first, last):
    """Gradient of images first..last; filters (g, c/g * kh * kw, o/g); grad_input arrives as zeros."""
    groups, k, group_out = filters.shape
    taps = geometry[4] * geometry[5]
    _, _, length, unpadded = _plane_layout(geometry)
    one_pixel = unpadded and taps == geometry[6] * geometry[7] == 1
    block = _rows_per_product(k, group_out * grad_output.shape[2], taps, small_product)  # whole channels
    buffer = np.empty((block, grad_output.shape[2]), grad_output.dtype)
    planes = np.empty((block // taps, length), grad_output.dtype)
    for image in range(first, last):
        for group in range(groups):
            group_grad = grad_output[image, group * group_out : (group + 1) * group_out]
            for r in range(0, k, block):
                rows = min(block, k - r)
                channel = (group * k + r) // taps
                target = grad_input[image, channel : channel + rows // taps]
                columns = target if one_pixel else buffer[:rows]
                np.dot(filters[group, r : r + rows], group_grad, columns)
                if one_pixel:
                    continue
                if unpadded:
                    _add_columns(columns, target, geometry)
                else:
                    planes[:] = 0
                    _add_columns(columns, planes[: rows // taps], geometry)
                    _out_of_planes(planes, target, geometry)


@njit(cache=True, error_model="numpy", nogil=True)
def _grad_weight_images(grad_output, x, partial, geometry, _small_product, first, last):
    """Add up sums first..last of partial (sums, g, c/g * kh * kw, o/g), the gradient of some images each."""
    sums, groups, k, group_out = partial.shape
    planes = np.zeros((x.shape[1], _plane_layout(geometry)[2]), x.dtype)
    buffer = np.empty((groups * k, grad_output.shape[2]), x.dtype)
    product = np.empty((k, group_out), x.dtype)
    for number in range(first, last):
        for image in range(number * len(x) // sums, (number + 1) * len(x) // sums):
            columns = _image_columns(x[image], planes, buffer, geometry)
            for group in range(groups):
                group_grad = grad_output[image, group * group_out : (group + 1) * group_out]
                np.dot(columns[group * k : (group + 1) * k], group_grad.T, product)
                for r in range(k):
                    for o in range(group_out):
                        partial[number, group, r, o] += product[r, o]


@njit(cache=True, error_model="numpy", nogil=True)
def _im2col_images(x, out, geometry):
    """Columns of all images: x (n, c, h * w) -> out (n, c * kh * kw, oh * ow)."""
    planes = np.zeros((x.shape[1], _plane_layout(geometry)[2]), x.dtype)
    for image in range(x.shape[0]):
        columns = _image_columns(x[image], planes, out[image], geometry)
        if geometry[4] * geometry[5] == 1:
            out[image] = columns  # it may be the image itself


@njit(cache=True, error_model="numpy", nogil=True)
def _col2im_images(columns, x, geometry):
    """Sum of all columns: columns (n, c * kh * kw, oh * ow) -> x (n, c, h * w)."""
    planes = np.empty((x.shape[1], _plane_layout(geometry)[2]), x.dtype)
    for image in range(x.shape[0]):
        planes[:] = 0
        _add_columns(columns[image], planes, geometry)
        _out_of_planes(planes, x[image], geometry)
