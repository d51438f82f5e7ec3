"""The table of operations: convolution and pooling in three dimensions, and interpolation."""

from __future__ import annotations

import functools
import math

import numpy as np

import tests.ops.numpy_reference as reference
from tests.ops.samples import Entry, S, real

CONVOLUTIONS = [
    Entry("conv3d", reference.conv, [
        S(real(2, 2, 3, 4, 3), real(3, 2, 2, 3, 2), real(3)), S(real(2, 3, 3, 2), real(1, 2, 2, 1, 2)),
        S(real(1, 2, 5, 3, 4), real(2, 2, 2, 3, 2), stride=(2, 1, 1), padding=(1, 0, 2)),
        S(real(1, 1, 5, 4, 3), real(1, 1, 2, 2, 2), dilation=(3, 2, 1)),
        S(real(1, 4, 2, 3, 2), real(4, 2, 2, 2, 1), real(4), groups=2),
        S(real(1, 1, 4, 3, 3), real(1, 1, 2, 3, 2), padding="same"),
        S(real(0, 1, 2, 2, 2), real(1, 1, 2, 2, 2), real(1))],
        kernels=True),
    Entry("conv_transpose3d", reference.conv_transpose, [
        S(real(2, 2, 2, 3, 2, low=-0.5, high=0.5), real(2, 3, 2, 2, 1), real(3)),  # PyTorch rounds every sum of float16
        S(real(1, 2, 2, 2, 3), real(2, 1, 3, 3, 2), stride=2, padding=1, output_padding=(1, 0, 1)),
        S(real(1, 4, 2, 1, 2), real(4, 2, 2, 1, 2), groups=2),
        S(real(1, 1, 2, 2, 2), real(1, 1, 2, 2, 2), dilation=2, stride=(1, 2, 3))], kernels=True),
]  # fmt: skip

POOLING = [
    Entry("max_pool3d", functools.partial(reference.max_pool, 3), [
        S(real(2, 2, 4, 4, 4), 2), S(real(2, 5, 4, 3), (3, 2, 1), stride=1), S(real(1, 1, 5, 4, 5), 3, 2, 1),
        S(real(1, 2, 5, 4, 3), 2, ceil_mode=True), S(real(1, 1, 4, 5, 6), 2, 1, dilation=(1, 2, 3)),
        S(real(1, 2, 4, 4, 5), 3, 2, 1, return_indices=True), S(real(0, 1, 2, 2, 2), 2)], kernels=True),
    Entry("avg_pool3d", functools.partial(reference.avg_pool, 3), [
        S(real(2, 2, 4, 4, 4), 2), S(real(2, 5, 4, 3), (3, 2, 1), stride=1), S(real(1, 1, 5, 4, 5), 3, 2, 1),
        S(real(1, 1, 4, 3, 4), 3, 1, 1, count_include_pad=False), S(real(1, 1, 4, 2, 2), 2, divisor_override=3),
        S(real(1, 1, 5, 4, 3), 2, 2, 1, True, False), S(real(1, 1, 5, 4, 3), 2, 2, 1, True)], kernels=True),
    Entry("adaptive_avg_pool3d", functools.partial(reference.adaptive_pool, 3, np.mean), [
        S(real(2, 1, 5, 4, 3), (2, 3, 2)), S(real(1, 4, 3, 4), 1), S(real(1, 1, 5, 3, 2), (None, 2, 3))], kernels=True),
    Entry("adaptive_max_pool3d", functools.partial(reference.adaptive_pool, 3, np.max), [
        S(real(2, 1, 5, 4, 3), (2, 3, 2)), S(real(1, 4, 3, 4), 1), S(real(1, 1, 5, 3, 2), (None, 2, 3))], kernels=True),
]  # fmt: skip


def cubic(distance, a=-0.75):
    """The kernel of cubic convolution."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def between(line, place, mode):
    """Return the value of a line of numbers at a place between them."""
    last = len(line) - 1
    if mode == "bicubic":
        first = math.floor(place)
        return sum(line[min(max(k, 0), last)] * cubic(place - k) for k in range(first - 1, first + 3))
    return np.interp(place, np.arange(len(line)), line)


def resized(line, out, factor, mode, align_corners):
    """Return a line of numbers with ``out`` of them."""
    size, scale = len(line), 1 / factor if factor else len(line) / out
    if mode == "nearest":
        return [line[min(int(i * scale), size - 1)] for i in range(out)]
    if mode == "nearest-exact":
        return [line[min(int((i + 0.5) * scale), size - 1)] for i in range(out)]
    if align_corners:
        return [between(line, i * (size - 1) / max(out - 1, 1), mode) for i in range(out)]
    return [between(line, (i + 0.5) * scale - 0.5, mode) for i in range(out)]


KERNELS = {
    "bilinear": lambda d: max(0, 1 - abs(d)),
    "bicubic": lambda d: cubic(d, -0.5),
    "lanczos": lambda d: np.sinc(d) * np.sinc(d / 3) if abs(d) < 3 else 0,
}


def antialiased(line, out, factor, mode, align_corners):
    """Return a line of numbers with ``out`` of them, each a mean weighted by a kernel round its centre."""
    size, scale = len(line), 1 / factor if factor else len(line) / out
    if size == out:
        return line
    if align_corners:
        scale = (size - 1) / max(out - 1, 1)
    means = []
    for i in range(out):
        distances = (np.arange(size) + 0.5 - (i + 0.5) * scale) / max(scale, 1)
        means.append(np.average(line, weights=[KERNELS[mode](d) for d in distances]))
    return means


def interpolate(
    x,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    dims = x.ndim - 2
    as_list = lambda value: list(value) if isinstance(value, tuple) else [value] * dims  # noqa: E731
    factors = as_list(scale_factor)
    if size is None:
        size = tuple(int(have * factor) for have, factor in zip(x.shape[2:], factors, strict=True))
    if mode == "area":
        return reference.adaptive_pool(dims, np.mean, x, size)
    for i, out in enumerate(as_list(size)):
        factor = None if recompute_scale_factor else factors[i]
        x = np.apply_along_axis(
            antialiased if antialias else resized, i + 2, x, out, factor, mode, align_corners
        )
    return x


INTERPOLATION = [
    Entry("interpolate", interpolate, [
        S(real(1, 2, 3), 7), S(real(2, 1, 5), scale_factor=0.5), S(real(1, 1, 3, 2), scale_factor=(2.0, 1.5)),
        S(real(1, 1, 2, 2, 3), (3, 1, 5)), S(real(1, 2, 5), 3, mode="nearest-exact"),
        S(real(1, 1, 3, 2), scale_factor=2.3, mode="nearest-exact"),
        *[S(real(1, 2, 4), out, mode="linear", align_corners=a) for out in (1, 3, 9) for a in (True, False)],
        S(real(1, 1, 3, 4), (5, 2), mode="bilinear"), S(real(1, 2, 3, 2), (4, 4), mode="bilinear", align_corners=True),
        S(real(1, 1, 3, 3), scale_factor=1.7, mode="bilinear"),
        S(real(1, 1, 3, 3), scale_factor=1.7, mode="bilinear", recompute_scale_factor=True),
        S(real(1, 1, 3, 4), (5, 2), mode="bicubic"), S(real(1, 2, 3, 2), (4, 4), mode="bicubic", align_corners=True),
        S(real(1, 2, 7, 5), (3, 2), mode="bilinear", antialias=True),
        S(real(1, 1, 4, 4), (4, 7), mode="bicubic", antialias=True),
        S(real(1, 1, 7, 6), scale_factor=(0.4, 0.6), mode="bicubic", align_corners=False, antialias=True),
        S(real(1, 1, 9, 4), (4, 6), mode="lanczos", antialias=True),
        S(real(1, 1, 6, 5), (4, 3), mode="bilinear", align_corners=True, antialias=True),
        S(real(1, 1, 2, 2, 2), (3, 3, 1), mode="trilinear"),
        S(real(1, 1, 2, 3, 2), scale_factor=2, mode="trilinear", align_corners=True),
        S(real(1, 2, 5, 4), (2, 3), mode="area"), S(real(1, 1, 3, 4, 2), scale_factor=0.5, mode="area")]),
]  # fmt: skip

ENTRIES = [*CONVOLUTIONS, *POOLING, *INTERPOLATION]
