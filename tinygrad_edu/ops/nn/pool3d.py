"""Pooling of volumes, (n, c, d, h, w): that of images twice, over (h, w) and then over d.

A window of a volume is a stack of windows of images, so its largest element is the largest of theirs, and its sum
the sum of their sums. The two steps are the operations and kernels of ``pool`` and ``adaptive_pool``.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import check_not_empty, raw
from tinygrad_edu.ops.half import in_float32
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.kernel_dtypes import in_kernel_dtype
from tinygrad_edu.ops.nn.adaptive_pool import AdaptiveAvgPool2d, adaptive_size, as_images_larger_than
from tinygrad_edu.ops.nn.pool import (
    AvgPool2d,
    MaxPool2d,
    Windows,
    as_given,
    as_images,
    maxima_as_given,
    place_windows,
)
from tinygrad_edu.ops.shape.layout import reshape
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES

INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


def as_slices(volumes: Array) -> Array:
    """Return (n, c, d, h, w) as images whose channels are the slices: (n c, d, h, w)."""
    n, c, *size = volumes.shape
    return reshape(volumes, (n * c, *size))


def as_columns(slices: Array) -> Array:
    """Return (n c, d, h, w) as images whose columns go through the slices: (n c, 1, d, h w)."""
    rows, d, h, w = slices.shape
    return reshape(slices, (rows, 1, d, h * w))


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of a volume, (n, c, d, h, w) or (c, d, h, w).

    The options are those of :func:`max_pool2d`, an int or three; positions are those in the flattened volume.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool3d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> volume = torch.arange(16.0).reshape(1, 4, 2, 2)
    >>> torch.nn.functional.max_pool3d(volume, 2).flatten()
    tensor([ 7., 15.])
    """
    if this_thread.mode.autocast:
        return under_autocast(
            max_pool3d, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
        )
    windows = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool3d("max_pool3d", input, windows, return_indices)


def _max_pool3d(name: str, x: Array, windows: tuple[Any, ...], return_indices: bool) -> Any:
    volumes = as_images(name, x, 3, INTEGERS)
    if raw(x).dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_max_pool3d, name, x, windows, return_indices)
    placed = place_windows(name, x, 3, *windows)
    of_slices, of_columns = split_windows(placed)
    result = _largest(volumes, placed.output_size, "max_pool2d_forward", tuple(of_slices), tuple(of_columns))
    return maxima_as_given(result, return_indices, x, 3)


def split_windows(w: Windows) -> tuple[Windows, Windows]:
    """Return the windows of the slices, and those of the columns through what they give."""
    slices = Windows(*[values[1:] for values in w])
    plane = math.prod(slices.output_size)
    columns = Windows(
        (w.kernel_size[0], 1),
        (w.stride[0], 1),
        (w.padding[0], 0),
        (w.dilation[0], 1),
        (w.output_size[0], plane),
    )
    return slices, columns


def _largest(
    volumes: Array,
    size: tuple[int, ...],
    kernel: str,
    of_slices: tuple[Any, ...],
    of_columns: tuple[Any, ...],
) -> tuple[Array, Array]:
    """Return the largest elements of the windows, and their positions in the flattened volumes."""
    n, c, d, h, w = volumes.shape
    in_slices, places = MaxPool2d.apply(as_slices(volumes), kernel=kernel, arguments=of_slices)
    output, columns = MaxPool2d.apply(as_columns(in_slices), kernel=kernel, arguments=of_columns)
    plane = size[1] * size[2]
    columns = reshape(columns.long(), (n * c, size[0] * plane))  # slice * plane + place in the pooled slice
    in_plane = gather(reshape(places.long(), (n * c, d * plane)), 1, columns)
    positions = columns // max(plane, 1) * (h * w) + in_plane
    return reshape(output, (n, c, *size)), reshape(positions, (n, c, *size))


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of every window of a volume, (n, c, d, h, w) or (c, d, h, w).

    The options are those of :func:`avg_pool2d`, an int or three.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool3d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> volume = torch.arange(16.0).reshape(1, 4, 2, 2)
    >>> torch.nn.functional.avg_pool3d(volume, 2).flatten()
    tensor([ 3.5000, 11.5000])
    """
    if this_thread.mode.autocast:
        return under_autocast(
            avg_pool3d, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        )
    if divisor_override == 0:
        raise RuntimeError("avg_pool3d: divisor must be not zero, expected divisor_override != 0, got 0")
    windows = (kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool3d("avg_pool3d", input, windows, count_include_pad, divisor_override)


def _avg_pool3d(
    name: str, x: Array, windows: tuple[Any, ...], count_include_pad: bool, divisor: int | None
) -> Array:
    require_bools(name, count_include_pad=count_include_pad)
    volumes = as_images(name, x, 3, ("int64",))
    if raw(x).dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_avg_pool3d, name, x, windows, count_include_pad, divisor)
    placed = place_windows(name, x, 3, *windows)
    sums = as_slices(volumes)
    for part, arrange in zip(split_windows(placed), (as_slices_are, as_columns), strict=True):
        window = (part.kernel_size, part.stride, part.padding, True, 1)  # divided by 1: the sum
        sums = AvgPool2d.apply(arrange(sums), output_size=part.output_size, window=window)
    output = reshape(sums, (*volumes.shape[:2], *placed.output_size))
    if divisor is None:
        counts = window_counts(array_module(raw(x)), x.shape[-3:], placed, count_include_pad)
        output = output / tensor_from_array(counts.astype(raw(x).dtype))
    else:
        output = output / divisor
    return as_given(output, x, 3)


def as_slices_are(slices: Array) -> Array:
    """Return them as they are."""
    return slices


def window_counts(xp: Any, size: tuple[int, ...], w: Windows, count_include_pad: bool) -> Array:
    """Return how many elements every window has: (od, oh, ow)."""
    counts = xp.ones((1, 1, 1))
    for dim in range(3):
        starts = xp.arange(w.output_size[dim]) * w.stride[dim] - w.padding[dim]
        ends = xp.minimum(starts + w.kernel_size[dim], size[dim] + w.padding[dim])
        if not count_include_pad:
            starts, ends = starts.clip(0, None), ends.clip(None, size[dim])
        shape = [1, 1, 1]
        shape[dim] = -1
        counts = counts * (ends - starts).reshape(shape)
    return counts


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Return means of a volume, (n, c, d, h, w), over windows chosen so that the output has a given size.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool3d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> volume = torch.arange(16.0).reshape(1, 4, 2, 2)
    >>> torch.nn.functional.adaptive_avg_pool3d(volume, (2, 1, 1)).flatten()
    tensor([ 3.5000, 11.5000])
    """
    if this_thread.mode.autocast:
        return under_autocast(adaptive_avg_pool3d, input, output_size)
    volumes = as_images_larger_than(output_size, "adaptive_avg_pool3d", input, 3)
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(adaptive_avg_pool3d, input, output_size)
    size = adaptive_size("adaptive_avg_pool3d", output_size, input, 3)
    in_slices = AdaptiveAvgPool2d.apply(as_slices(volumes), output_size=size[1:])
    output = AdaptiveAvgPool2d.apply(as_columns(in_slices), output_size=(size[0], size[1] * size[2]))
    return as_given(reshape(output, (*volumes.shape[:2], *size)), input, 3)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return maxima of a volume, (n, c, d, h, w), over windows chosen so that the output has a given size.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool3d.html
    """
    if this_thread.mode.autocast:
        return under_autocast(adaptive_max_pool3d, input, output_size, return_indices)
    name = "adaptive_max_pool3d"
    volumes = as_images_larger_than(output_size, name, input, 3)
    check_not_empty(name, input, input.ndim - 2)
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(adaptive_max_pool3d, input, output_size, return_indices)
    size = adaptive_size(name, output_size, input, 3)
    kernel = "adaptive_max_pool2d_forward"
    result = _largest(volumes, size, kernel, (size[1:],), ((size[0], size[1] * size[2]),))
    return maxima_as_given(result, return_indices, input, 3)
