"""Convolution on the GPU: windows as columns (im2col), then CuPy's matrix product, which cuBLAS computes.

    out (o, oh * ow) = weight (o, c * kh * kw) @ columns (c * kh * kw, oh * ow)

for many images at once: as many as have room for their columns in ``COLUMN_BYTES`` of memory. The gradient of
the images goes the other way: a product gives the gradient of the columns, and col2im adds it up. In col2im the
thread of a pixel *gathers* what the windows over it hold; so no two threads write to one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba import cuda

from tinygrad_edu_kernels.convolution.reference import output_size
from tinygrad_edu_kernels.cuda_launch import array_module_of, launch

Array = Any
Pair = tuple[int, int]
# kh, kw, sh, sw, ph, pw, dh, dw, oh, ow: sizes of kernel, stride, padding, dilation and output.
Geometry = tuple[int, ...]

# How much memory the columns of the images that are worked on together may take.
COLUMN_BYTES = 256 * 2**20


def im2col(x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """Lay every window out as a column: (n, c, h, w) -> (n, c * kh * kw, oh * ow); see the reference."""
    return _columns_of(x, _geometry(x.shape[2:], kernel_size, stride, padding, dilation))


def col2im(
    columns: Array,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """Add every column back to the pixels of its window: (n, c * kh * kw, oh * ow) -> (n, c, h, w)."""
    x = array_module_of(columns).empty(input_shape, columns.dtype)
    _add_columns(columns, x, _geometry(input_shape[2:], kernel_size, stride, padding, dilation))
    return x


def conv2d_forward(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """Convolve: x (n, c, h, w), weight (o, c / groups, kh, kw), bias (o,) or None -> (n, o, oh, ow)."""
    xp = array_module_of(x)
    geometry = _geometry(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    filters = weight.reshape(groups, len(weight) // groups, -1) if weight.size else weight  # (g, o/g, k)
    out = xp.zeros((len(x), len(weight), *geometry[-2:]), x.dtype)
    if x.size and weight.size and out.size:
        for images in _chunks(len(x), _column_bytes(x, geometry)):
            columns = _by_group(_columns_of(x[images], geometry), groups)  # (images, g, k, oh * ow)
            products = _by_group(out[images], groups)  # (images, g, o/g, oh * ow)
            xp.matmul(filters, columns, out=products)
    if bias is not None:
        out += bias.reshape(-1, 1, 1)
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
    """Gradient with respect to the images: grad_output (n, o, oh, ow) -> (n, c, h, w)."""
    xp = array_module_of(grad_output)
    geometry = _geometry(input_shape[2:], weight.shape[2:], stride, padding, dilation)
    geometry = (
        *geometry[:-2],
        *grad_output.shape[2:],
    )  # a transposed convolution may have left some windows out
    grad_input = xp.zeros(input_shape, grad_output.dtype)
    if grad_output.size and grad_input.size:
        filters = weight.reshape(groups, len(weight) // groups, -1).swapaxes(1, 2)  # (g, k, o/g)
        grad_output = xp.ascontiguousarray(grad_output)
        for images in _chunks(input_shape[0], _column_bytes(grad_input, geometry)):
            columns = xp.matmul(filters, _by_group(grad_output[images], groups))  # (images, g, k, oh * ow)
            _add_columns(columns, grad_input[images], geometry)
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
    """Gradient with respect to the filters: grad_output (n, o, oh, ow), x (n, c, h, w) -> weight_shape."""
    xp = array_module_of(grad_output)
    geometry = _geometry(x.shape[2:], weight_shape[2:], stride, padding, dilation)
    geometry = (
        *geometry[:-2],
        *grad_output.shape[2:],
    )  # a transposed convolution may have left some windows out
    group_out = weight_shape[0] // groups
    k = weight_shape[1] * weight_shape[2] * weight_shape[3]
    total = xp.zeros((groups, k, group_out), grad_output.dtype)
    if grad_output.size and x.size and total.size:
        grad_output = xp.ascontiguousarray(grad_output)
        # Every image has a product of its own, of the size of the filters, before they are added up.
        for images in _chunks(len(x), _column_bytes(x, geometry) + total.nbytes):
            columns = _by_group(_columns_of(x[images], geometry), groups)  # (images, g, k, oh * ow)
            # The gradient is turned round, not the columns: CuPy copies what is turned, and the columns are more.
            turned = _by_group(grad_output[images], groups).swapaxes(2, 3)  # (images, g, oh * ow, o/g)
            total += xp.matmul(columns, turned).sum(axis=0)  # (images, g, k, o/g) -> (g, k, o/g)
    return xp.ascontiguousarray(total.swapaxes(1, 2)).reshape(weight_shape)


# ---- launchers ----------------------------------------------------------------------------------------------


def _geometry(
    size: tuple[int, ...], kernel_size: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair
) -> Geometry:
    """Return everything the kernels must know about windows."""
    windows = (kernel_size, stride, padding, dilation)
    outputs = [output_size(size[a], *[option[a] for option in windows]) for a in (0, 1)]
    return (*kernel_size, *stride, *padding, *dilation, *outputs)


def _column_bytes(x: Array, geometry: Geometry) -> int:
    """Return how much memory the columns of one image of x (n, c, h, w) take."""
    kh, kw, *_, oh, ow = geometry
    return x.shape[1] * kh * kw * oh * ow * x.itemsize


def _chunks(images: int, image_bytes: int) -> Iterator[slice]:
    """Split the batch so that the columns of a part fit into the memory that they may take."""
    step = max(1, COLUMN_BYTES // image_bytes)
    for first in range(0, images, step):
        yield slice(first, min(first + step, images))


def _by_group(x: Array, groups: int) -> Array:
    """View (n, channels, ...) as (n, groups, channels / groups, everything else)."""
    n, channels = x.shape[:2]
    return x.reshape(n, groups, channels // groups, -1)


def _columns_of(x: Array, geometry: Geometry) -> Array:
    """Return the columns (n, c * kh * kw, oh * ow) of images (n, c, h, w)."""
    xp = array_module_of(x)
    kh, kw, *_, oh, ow = geometry
    columns = xp.empty((len(x), x.shape[1] * kh * kw, oh * ow), x.dtype)
    launch(_im2col_kernel, columns.size, xp.ascontiguousarray(x), columns, geometry)
    return columns


def _add_columns(columns: Array, x: Array, geometry: Geometry) -> None:
    """Set every pixel of images (n, c, h, w) to the sum of its entries in the columns."""
    kh, kw, *_, oh, ow = geometry
    columns = array_module_of(x).ascontiguousarray(columns).reshape(len(x), x.shape[1] * kh * kw, oh * ow)
    launch(_col2im_kernel, x.size, columns, x, geometry)


# ---- kernels ------------------------------------------------------------------------------------------------


@cuda.jit
def _im2col_kernel(x, columns, geometry):
    """Copy, for each entry of the columns, the pixel that its tap sees, or 0 for padding."""
    kh, kw, sh, sw, ph, pw, dh, dw, oh, ow = geometry
    for element in range(cuda.grid(1), columns.size, cuda.gridsize(1)):
        row, q = element // (oh * ow), element % (oh * ow)  # row: (image, channel, ki, kj)
        plane, tap = row // (kh * kw), row % (kh * kw)
        image, channel = plane // x.shape[1], plane % x.shape[1]
        i = q // ow * sh - ph + tap // kw * dh
        j = q % ow * sw - pw + tap % kw * dw
        value = x.dtype.type(0)
        if 0 <= i < x.shape[2] and 0 <= j < x.shape[3]:
            value = x[image, channel, i, j]
        columns[image, channel * kh * kw + tap, q] = value


@cuda.jit
def _col2im_kernel(columns, x, geometry):
    """Add up, for each pixel, the entries of the taps that see it."""
    kh, kw, sh, sw, ph, pw, dh, dw, oh, ow = geometry
    h, w = x.shape[2], x.shape[3]
    for element in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        line, column = element // w, element % w
        plane, row = line // h, line % h
        image, channel = plane // x.shape[1], plane % x.shape[1]
        total = x.dtype.type(0)
        for ki in range(kh):
            top = row + ph - ki * dh  # of the window, on the padded image, whose tap ki sees this pixel
            i = top // sh
            if top % sh == 0 and 0 <= i < oh:
                for kj in range(kw):
                    left = column + pw - kj * dw
                    j = left // sw
                    if left % sw == 0 and 0 <= j < ow:
                        total += columns[image, (channel * kh + ki) * kw + kj, i * ow + j]
        x[image, channel, row, column] = total
