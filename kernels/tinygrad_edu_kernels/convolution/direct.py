"""Convolution without im2col: the columns are never written down, only looked up.

Every number of ``columns`` (see ``cpu.py``) lies somewhere in the padded image. Where, is the sum of a number
that depends on the row and one that depends on the column:

    columns[k, p] = planes[taps[k] + pixels[p]]

``taps[k]`` is where a filter's k-th weight looks, ``pixels[p]`` where the window of the p-th output pixel
begins. With these two small tables the three products of a convolution are

    out[p, o]         = sum over k of planes[pixels[p] + taps[k]] * filters[k, o]
    grad_filters[k, o] = sum over p of planes[taps[k] + pixels[p]] * grad_output[p, o]

and, for stride 1, the gradient of the input is the first one once more: grad_output convolved with the filters
turned round. Both are the same loop, ``micro_kernel``, with the two tables changing places.

See ``micro_kernel.py`` for that loop. Everything it cannot do (float64, other processors) goes by im2col, which
also is what the tests compare this file with.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.kernel_cache import inlined, njit
from tinygrad_edu_kernels.micro_kernel import (
    LANES,
    PANEL,
    ROWS,
    aligned_rows,
    aligned_zeros,
    fill_with_zeros,
    is_available,
    micro_kernel,
    pad,
    round_up,
    transpose,
)

Array = Any
# h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw: see ``cpu.py``.
Geometry = tuple[int, ...]

NANOSECONDS = 0.015  # for a multiply-add, on one thread
LEAST_TAPS = 9

# So many pixels, or up to twice as many, are added up one after the other in float32 for a weight's gradient, and these
# sums in float64.
PIXELS_AT_ONCE = 512


def suits(dtype: Any, taps: int, out_channels: int) -> bool:
    """Tell whether this way is the faster one, for so many taps and output channels in a group.

    With few taps the time goes into writing the result, with few channels the vectors are half empty.
    """
    return is_available() and dtype == np.float32 and taps >= LEAST_TAPS and out_channels >= LANES


def conv2d_forward(x: Array, weight: Array, bias: Array | None, geometry: Geometry, groups: int) -> Array:
    """Convolve: x (n, c, h, w), weight (o, c / groups, kh, kw), bias (o,) or None -> (n, o, oh, ow)."""
    n, c, h, w = x.shape
    out_channels, oh, ow = len(weight), geometry[2], geometry[3]
    taps, pixels, plane = _tables(c // groups, geometry)
    group_out, padded = out_channels // groups, round_up(out_channels // groups, PANEL)
    filters = aligned_zeros((groups, taps.size, padded))
    filters[:, :, :group_out] = weight.reshape(groups, group_out, taps.size).swapaxes(1, 2)
    shift = aligned_zeros((groups, padded))
    if bias is not None:
        shift[:, :group_out] = bias.reshape(groups, group_out)
    out = np.empty((n, out_channels, oh * ow), np.float32)
    images = np.ascontiguousarray(x).reshape(n, c, h * w)
    tables = taps, pad(pixels, ROWS), geometry, plane
    nanoseconds = NANOSECONDS * out.size * taps.size
    threads.run_over(n, nanoseconds, _forward_images, images, filters, shift, out, *tables)
    return out.reshape(n, out_channels, oh, ow)


def conv2d_grad_input(grad_output: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Gradient with respect to the images, for stride 1: the filters, turned round, go over grad_output."""
    h, w, oh, ow, kh, kw, _, _, ph, pw, dh, dw = geometry
    out_channels, group_in = weight.shape[:2]
    turned = weight.reshape(groups, out_channels // groups, group_in, kh, kw)[..., ::-1, ::-1].swapaxes(1, 2)
    turned = turned.reshape(groups * group_in, out_channels // groups, kh, kw)
    backwards = (oh, ow, h, w, kh, kw, 1, 1, dh * (kh - 1) - ph, dw * (kw - 1) - pw, dh, dw)
    return conv2d_forward(grad_output, turned, None, backwards, groups)


def conv2d_grad_weight(
    grad_output: Array, x: Array, weight_shape: tuple[int, ...], geometry: Geometry, groups: int
) -> Array:
    """Gradient with respect to the filters: grad_output (n, o, oh, ow), x (n, c, h, w) -> weight_shape."""
    n, c, h, w = x.shape
    taps, pixels, plane = _tables(c // groups, geometry)
    group_out = weight_shape[0] // groups
    padded = round_up(group_out, PANEL)
    nanoseconds = NANOSECONDS * grad_output.size * taps.size
    tables = pad(taps, ROWS), pixels, geometry, plane
    sums = threads.number_of_sums(n, nanoseconds, groups * tables[0].size * padded)
    partial = np.zeros((sums, groups, tables[0].size, padded))  # of filters that are transposed, in float64
    grads = np.ascontiguousarray(grad_output).reshape(n, weight_shape[0], pixels.size)
    images = np.ascontiguousarray(x).reshape(n, c, h * w)
    threads.run_over(sums, nanoseconds, _grad_weight_images, grads, images, partial, *tables)
    total = partial.sum(axis=0)[:, : taps.size, :group_out]
    return np.ascontiguousarray(total.swapaxes(1, 2), x.dtype).reshape(weight_shape)


@functools.lru_cache(maxsize=256)
def _tables(group_in: int, geometry: Geometry) -> tuple[Array, Array, int]:
    """Return the table of taps (c / groups * kh * kw,), that of pixels (oh * ow,), and the size of a plane."""
    h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    pitch = w + 2 * pw
    plane = (h + 2 * ph) * pitch
    channel, ki, kj = np.ogrid[:group_in, :kh, :kw]
    i, j = np.ogrid[:oh, :ow]
    taps = channel * plane + ki * dh * pitch + kj * dw
    pixels = i * sh * pitch + j * sw
    return taps.astype(np.int64).reshape(-1), pixels.astype(np.int64).reshape(-1), plane


# ---- kernels -----------------------------------------------------------------------------------------------


@inlined
def _into_planes(image, planes, geometry):
    """Copy an image (c, h * w) to the inside of its planes (c, plane), whose borders are zero."""
    h, w, ph, pw = geometry[0], geometry[1], geometry[8], geometry[9]
    pitch = w + 2 * pw
    for channel in range(image.shape[0]):
        for i in range(h):
            source = image[channel, i * w : (i + 1) * w]
            target = planes[channel, (i + ph) * pitch + pw :]
            for j in range(source.size):
                target[j] = source[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _forward_images(x, filters, bias, out, taps, pixels, geometry, plane, first, last):
    """x (n, c, h * w), filters (g, k, o/g padded), bias (g, o/g padded) -> out (n, o, p), images first..last."""
    groups, k, padded = filters.shape
    group_in, group_out = x.shape[1] // groups, out.shape[1] // groups
    planes = np.zeros((x.shape[1], plane), x.dtype)
    result = aligned_rows(x, pixels.size, padded)
    for image in range(first, last):
        _into_planes(x[image], planes, geometry)
        for g in range(groups):
            window, weights, shift = planes[g * group_in :], filters[g], bias[g]
            for o in range(0, padded, PANEL):
                for p in range(0, pixels.size, ROWS):
                    micro_kernel(
                        window, pixels, p, taps, k, weights, o, padded, shift, o, 0,
                        result, p * padded + o, padded,
                    )  # fmt: skip
            transpose(result, out[image, g * group_out : (g + 1) * group_out])


@njit(cache=True, error_model="numpy", nogil=True)
def _grad_weight_images(grad_output, x, partial, taps, pixels, geometry, plane, first, last):
    """Add up sums first..last of partial (sums, g, k padded, o/g padded), the gradient of some images each."""
    sums, groups, _, padded = partial.shape
    count = grad_output.shape[2]
    group_in, group_out = x.shape[1] // groups, grad_output.shape[1] // groups
    planes = np.zeros((x.shape[1], plane), x.dtype)
    grads = aligned_rows(x, count, padded)
    fill_with_zeros(grads)  # what is beyond group_out stays zero
    held = aligned_rows(x, groups * taps.size, padded)
    fill_with_zeros(held)
    part = -(-count // max(count // PIXELS_AT_ONCE, 1))
    for number in range(first, last):
        added = 0  # pixels that are in held
        for image in range(number * len(x) // sums, (number + 1) * len(x) // sums):
            _into_planes(x[image], planes, geometry)
            for g in range(groups):
                window, total = planes[g * group_in :], held[g * taps.size : (g + 1) * taps.size]
                transpose(grad_output[image, g * group_out : (g + 1) * group_out], grads)
                for p in range(0, count, part):
                    at_once = pixels[p : p + part]
                    for o in range(0, padded, PANEL):
                        for q in range(0, taps.size, ROWS):
                            at = q * padded + o
                            micro_kernel(
                                window, taps, q, at_once, at_once.size, grads, p * padded + o, padded,
                                total, at, padded, total, at, padded,
                            )  # fmt: skip
                    if added + p + at_once.size >= PIXELS_AT_ONCE:
                        _hand_over(total, partial[number, g])
            added = added + count if added + count < PIXELS_AT_ONCE else 0
        for g in range(groups):
            _hand_over(held[g * taps.size : (g + 1) * taps.size], partial[number, g])


@njit(cache=True, error_model="numpy", nogil=True, no_cpython_wrapper=True)
def _hand_over(held, total):
    """total += held, which is zero afterwards."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += held[i, j]
            held[i, j] = 0
