"""Sampling of images and volumes at given places: what a spatial transformer network does.

The value at a place is a weighted mean of the pixels round it, and each weight is a product of one weight a dimension,
which depends on the place's coordinate there. It is composed of operations, so the gradients by the
image and by the places, and their second ones, come from those.

References
----------
Jaderberg et al., "Spatial Transformer Networks", 2015, equations 1 to 5;
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
"""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.arguments import as_int, as_ints, require_bools
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.backend import Array, array_module, check_numel
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import raw, require_dtype_of, require_floating_point, require_tensors
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.interpolate import cubic_kernel

MODES = ("bilinear", "nearest", "bicubic")
PADDING_MODES = ("zeros", "border", "reflection")


class Neighbour(NamedTuple):
    """A pixel beside each place, along one dimension."""

    index: Array  # int64; 0 where it is outside
    inside: Array  # bool
    weight: Tensor


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Take the values of images, or volumes, at the places that a grid names.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (n, c, d, h, w).
    grid : Tensor
        (n, oh, ow, 2): the x and the y of each place; or (n, od, oh, ow, 3): x, y and z. The image reaches from -1
        to 1 in each of them.
    mode : {"bilinear", "nearest", "bicubic"}
        Weigh the two pixels beside the place in each dimension, take the nearest, or weigh four (images only).
    padding_mode : {"zeros", "border", "reflection"}
        What is outside of the image: 0, its outermost pixels, or its mirror image.
    align_corners : bool
        Whether -1 and 1 are the centres of the outermost pixels, or (by default, with a warning) their outer edges.

    Returns
    -------
    Tensor
        (n, c, oh, ow) or (n, c, od, oh, ow).

    Raises
    ------
    ValueError
        If a mode is not known.
    RuntimeError
        If sizes or dtypes do not go together.

    Notes
    -----
    In a dimension of size s, the place g is at the pixel x = ((g + 1) s - 1) / 2, or (g + 1) (s - 1) / 2 with
    ``align_corners``. At a distance t behind pixel k, the bilinear weights of k and k + 1 are 1 - t and t. With v for
    the values and w for the weights in the other dimension, dy/dx is the sum of w_j (v[k + 1, j] - v[k, j]).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> image = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> places = torch.tensor([[[[0.0, 0.0], [1.0, -1.0]]]])  # the middle; at the right and top
    >>> torch.nn.functional.grid_sample(image, places, align_corners=True)
    tensor([[[[1.5000, 1.0000]]]])
    """
    if this_thread.mode.autocast:
        return under_autocast(grid_sample, input, grid, mode, padding_mode, align_corners)
    for given, known, argument in ((mode, MODES, "mode"), (padding_mode, PADDING_MODES, "padding_mode")):
        if given not in known:
            raise ValueError(
                f"nn.functional.grid_sample(): expected {argument} to be one of {known}, but got: '{given}'"
            )
    return grid_sampler(
        input,
        grid,
        MODES.index(mode),
        PADDING_MODES.index(padding_mode),
        _is_aligned("grid_sample", align_corners),
    )


def _is_aligned(name: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please "
            "specify align_corners=True if the old behavior is desired.",
            stacklevel=3,
        )
        return False
    require_bools(name, align_corners=align_corners)
    return align_corners


@rounded_once
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """Do what :func:`grid_sample` does; the modes are given by their numbers in ``MODES`` and ``PADDING_MODES``."""
    _check(input, grid)
    modes = as_int("grid_sampler", "interpolation_mode", interpolation_mode)
    paddings = as_int("grid_sampler", "padding_mode", padding_mode)
    require_bools("grid_sampler", align_corners=align_corners)
    if not 0 <= modes < 3 or not 0 <= paddings < 3:
        raise RuntimeError(f"grid_sampler(): expected modes from 0 to 2, got {modes} and {paddings}")
    mode, padding, dims = MODES[modes], PADDING_MODES[paddings], input.ndim - 2
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input, got 5D")
    sides = []
    for i in range(dims):  # the grid's x is for the last dimension
        size = input.shape[2 + i]
        x = _scaled(grid[..., dims - 1 - i], size, align_corners)
        sides.append(_neighbours(x, size, mode, padding, align_corners))
    n = input.shape[0]
    images = array_module(raw(input)).arange(n).reshape(n, *[1] * dims)
    total: Any = None
    for corner in itertools.product(*sides):
        indices = [tensor_from_array(side.index) for side in corner]
        values = input[(tensor_from_array(images), slice(None), *indices)]  # (n, oh, ow, c)
        inside, weight = corner[0].inside, corner[0].weight
        for side in corner[1:]:
            inside, weight = inside & side.inside, weight * side.weight
        values = ops.masked_fill(values, tensor_from_array(~inside[..., None]), 0.0)
        part = values * weight[..., None]
        total = part if total is None else total + part
    return ops.movedim(total, -1, 1)


def _check(input: Tensor, grid: Tensor) -> None:
    name = "grid_sampler()"
    require_tensors("grid_sampler", input=input, grid=grid)
    require_floating_point("grid_sampler", input)
    require_dtype_of("grid_sampler", input, grid=grid)
    sizes = f"got input {list(input.shape)} and grid {list(grid.shape)}"
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            f"{name}: expected 4D or 5D input and grid with same number of dimensions, {sizes}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"{name}: expected grid and input to have same batch size, {sizes}")
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(f"{name}: expected grid to have size {input.ndim - 2} in last dimension, {sizes}")
    if 0 in input.shape[2:]:
        raise RuntimeError(f"{name}: expected input to have non-empty spatial dimensions, {sizes}")
    check_numel("grid_sample", (*input.shape[:2], *grid.shape[1:-1]))


def _scaled(places: Tensor, size: int, align_corners: bool) -> Tensor:
    """Return places, from -1 to 1, counted in pixels."""
    if align_corners:
        return (places + 1) / 2 * (size - 1)
    return ((places + 1) * size - 1) / 2


def _padded(x: Tensor, size: int, padding: str, align_corners: bool) -> Tensor:
    """Return where inside the image the pixel is that stands for one outside; its gradient is 0 where it is fixed."""
    if padding == "zeros":
        return x
    if padding == "reflection":
        x = _reflected(x, size, align_corners)
    xp, last = array_module(raw(x)), size - 1
    is_free = (raw(x) > 0) & (raw(x) < last)
    ends = xp.where(raw(x) > 0, raw(x).dtype.type(last), raw(x).dtype.type(0))
    return ops.where(tensor_from_array(is_free), x, tensor_from_array(ends))


def _reflected(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """Return places mirrored at the first and last pixel, or at their outer edges, as often as it takes."""
    low, span = (0.0, size - 1) if align_corners else (-0.5, size)
    if span == 0:
        return x * 0
    distance = ops.absolute(x - low)
    rest = ops.fmod(distance, span)
    is_mirrored = ops.fmod(distance.detach(), 2 * span) >= span
    return ops.where(is_mirrored, span - rest, rest) + low


def _neighbours(x: Tensor, size: int, mode: str, padding: str, align_corners: bool) -> list[Neighbour]:
    """Return the pixels along one dimension that have a weight at a place, and their weights."""
    if mode == "bicubic":
        first = ops.floor(x).detach()
        weights = cubic_kernel(x - first)
        pixels = [_padded(first + step, size, padding, align_corners) for step in (-1, 0, 1, 2)]
        return [_neighbour(pixel, size, weight) for pixel, weight in zip(pixels, weights, strict=True)]
    # Beyond the pixels next to the image everything is 0 alike, and infinity would make NaN of a weight.
    x = ops.clamp(_padded(x, size, padding, align_corners), -2, size + 1)
    if mode == "nearest":
        nearest = ops.round(x)  # whose gradient is 0
        return [_neighbour(nearest, size, 1 - (nearest - nearest.detach()))]
    first = ops.floor(x).detach()
    t = x - first
    return [_neighbour(first, size, 1 - t), _neighbour(first + 1, size, t)]


def _neighbour(pixel: Tensor, size: int, weight: Tensor) -> Neighbour:
    places = raw(pixel)
    xp = array_module(places)
    inside = (places >= 0) & (places < size)
    return Neighbour(xp.where(inside, places, 0).astype(np.int64), inside, weight)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Return the grid, for :func:`grid_sample`, at whose places affine maps put the pixels of the output.

    Parameters
    ----------
    theta : Tensor
        (n, 2, 3) for images, (n, 3, 4) for volumes: a matrix, and a shift in its last column.
    size : tuple of int
        (n, c, oh, ow) or (n, c, od, oh, ow): the size of the output.
    align_corners : bool
        As in :func:`grid_sample`.

    Returns
    -------
    Tensor
        (n, oh, ow, 2) or (n, od, oh, ow, 3): theta times (x, y, 1) or (x, y, z, 1) of each pixel.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> mirror = torch.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> torch.nn.functional.affine_grid(mirror, (1, 1, 1, 3), align_corners=False)[0, 0, :, 0]
    tensor([ 0.6667,  0.0000, -0.6667])
    """
    is_aligned = _is_aligned("affine_grid", align_corners)
    require_floating_point("affine_grid", theta, error=ValueError)
    size = as_ints("affine_grid", "size", size)
    if len(size) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    dims = len(size) - 2
    if theta.ndim != 3 or theta.shape[1:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. Got "
            f"{theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(f"affine_grid: expected {size[0]} matrices for size {size}, got {theta.shape[0]}")
    places = _pixel_places(raw(theta), size[2:], is_aligned)
    grid = tensor_from_array(places) @ ops.transpose(theta, 1, 2)  # (n, pixels, dims)
    return ops.reshape(grid, (size[0], *size[2:], dims))


def _pixel_places(like: Array, sizes: tuple[int, ...], align_corners: bool) -> Array:
    """Return (x, y, 1) or (x, y, z, 1) of every pixel: (pixels, dims + 1)."""
    xp = array_module(like)
    lines = []
    for size in sizes:
        ends = (size - 1) / (1 if align_corners else size)
        steps = xp.arange(size) * 2 - (size - 1)  # from -(size - 1) to size - 1
        lines.append(steps / (size - 1) * (1 if align_corners else ends) if size > 1 else steps * 0.0)
    x_first = xp.meshgrid(*lines, indexing="ij")[::-1]
    columns = [line.reshape(-1) for line in x_first] + [xp.ones(math.prod(sizes))]
    return xp.stack(columns, 1).astype(like.dtype)
