"""Fractional max pooling: windows at random, but increasing, distances, so that a size shrinks by any factor.

References
----------
Graham, "Fractional Max-Pooling", 2014, section 2 (pseudorandom, overlapping);
https://docs.pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import ops, sampling
from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.arguments import as_number, require_bools
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import pair, raw, require_floating_point, require_tensor


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Take the maxima of windows whose distances are random: (n, c, h, w) -> (n, c, oh, ow).

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w).
    kernel_size : int or (int, int)
        The window, in pixels.
    output_size : int or (int, int), optional
        The output's size.
    output_ratio : float or (float, float), optional
        In place of it, what it is divided by the input's.
    return_indices : bool
        Return also where the maxima lie.
    _random_samples : Tensor, optional
        (n, c, 2), from 0 to 1: where the windows of each image and channel begin, across and down.

    Returns
    -------
    Tensor, or (Tensor, Tensor)

    Notes
    -----
    With a = (h - kernel) / (oh - 1) and a random u, window i begins at floor((i + u) a) - floor(u a), and the last one
    at h - kernel.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.fractional_max_pool2d.html
    """
    arguments = (input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
    return _fractional_max_pool("fractional_max_pool2d", 2, *arguments)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Take the maxima of windows whose distances are random: (n, c, d, h, w) -> (n, c, od, oh, ow).

    The parameters are those of :func:`fractional_max_pool2d`, with three numbers instead of two.
    """
    arguments = (input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
    return _fractional_max_pool("fractional_max_pool3d", 3, *arguments)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Do :func:`fractional_max_pool2d`, and return also where the maxima lie."""
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Do :func:`fractional_max_pool3d`, and return also where the maxima lie."""
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def _fractional_max_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    require_floating_point(name, input)
    require_bools(name, return_indices=return_indices)
    kernel = pair(name, "kernel_size", kernel_size, dims)
    sizes = tuple(input.shape[-dims:])
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor with non-empty channels and sizes, but got: "
            f"{list(input.shape)}"
        )
    out = _output_size(name, dims, sizes, output_size, output_ratio)
    for size, k, o in zip(sizes, kernel, out, strict=True):
        if k < 1 or o < 1 or o + k - 1 > size - (dims == 3):  # PyTorch asks for one more there
            raise RuntimeError(f"{name}(): expected windows {kernel} for output {out} to fit into {sizes}")
    images = input if input.ndim == dims + 2 else ops.unsqueeze(input, 0)
    starts = _starts(name, images, kernel, out, samples)
    flat = ops.reshape(images, (*images.shape[:2], math.prod(sizes)))
    chosen = tensor_from_array(_places_of_maxima(raw(flat), starts, kernel, sizes))  # (n, c, windows)
    shape = (*input.shape[:-dims], *out)
    output = ops.reshape(ops.gather(flat, 2, chosen), shape)
    return (output, ops.reshape(chosen, shape)) if return_indices else output


def _output_size(
    name: str, dims: int, sizes: tuple[int, ...], output_size: Any, output_ratio: Any
) -> tuple[int, ...]:
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is not None:
        return pair(name, "output_size", output_size, dims)
    ratios = output_ratio if isinstance(output_ratio, list | tuple) else [output_ratio] * dims
    if len(ratios) != dims:
        raise ValueError(f"{name}: expected output_ratio to be one number or {dims}, got {output_ratio}")
    return tuple([int(s * as_number(name, "output_ratio", r)) for s, r in zip(sizes, ratios, strict=True)])


def _starts(
    name: str, images: Tensor, kernel: tuple[int, ...], out: tuple[int, ...], samples: Tensor | None
) -> list[Array]:
    """Return where the windows begin in each dimension: (n, c, windows along it)."""
    n, c, *sizes = images.shape
    if samples is None:
        samples = sampling.rand(n, c, len(sizes), dtype=images.dtype, device=images.device)
    require_tensor(name, samples, "_random_samples")
    fits = samples.ndim == 3 and len(samples) >= n and tuple(samples.shape[1:]) == (c, len(sizes))
    if not fits or samples.dtype != images.dtype:
        raise RuntimeError(
            f"{name}: Expect _random_samples of {images.dtype} and {[n, c, len(sizes)]}, got {samples.dtype} and "
            f"{list(samples.shape)}"
        )
    numbers = raw(samples)[:n]
    xp = array_module(numbers)
    starts = []
    for i, (size, k, o) in enumerate(zip(sizes, kernel, out, strict=True)):
        # PyTorch takes the samples of images the other way round: those of the width come first.
        u = numbers[..., 1 - i if len(sizes) == 2 else i][..., None]
        alpha = u.dtype.type((size - k) / (o - 1) if o > 1 else 0)
        begins = ((xp.arange(o).astype(u.dtype) + u) * alpha).astype(np.int64) - (u * alpha).astype(np.int64)
        begins[..., -1] = size - k
        starts.append(begins)
    return starts


def _places_of_maxima(
    flat: Array, starts: list[Array], kernel: tuple[int, ...], sizes: tuple[int, ...]
) -> Array:
    """Return where in the flattened image the maximum of each window lies: (n, c, windows)."""
    xp, dims = array_module(flat), len(kernel)
    places: Any = 0
    for i, (begins, k) in enumerate(zip(starts, kernel, strict=True)):
        line = begins[..., None] + xp.arange(k)  # (n, c, windows along i, k)
        shape = [1] * (2 * dims)
        shape[i], shape[dims + i] = line.shape[2:]
        places = places * sizes[i] + line.reshape(*line.shape[:2], *shape)
    windows = math.prod([begins.shape[-1] for begins in starts])
    places = places.reshape(*flat.shape[:2], windows, math.prod(kernel))
    values = xp.take_along_axis(flat[..., None, :], places, -1)
    return xp.take_along_axis(places, values.argmax(-1)[..., None], -1)[..., 0]
