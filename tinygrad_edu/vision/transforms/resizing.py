"""Images made larger or smaller, and several crops of one image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms.basic import (
    AnyArray,
    as_size,
    center_crop,
    crop,
    get_dimensions,
    hflip,
    through_tensor,
    vflip,
)
from tinygrad_edu.vision.transforms.pillow import is_pil_image


class InterpolationMode(Enum):
    """How the value between pixels is found.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.InterpolationMode.html
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# Pillow's number of each mode; NEAREST_EXACT is what Pillow calls nearest.
PILLOW_NUMBERS = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}


def as_interpolation(interpolation: Any) -> InterpolationMode:
    """Return a mode from itself or from Pillow's number of it."""
    if isinstance(interpolation, int):
        for mode, number in PILLOW_NUMBERS.items():
            if number == interpolation:
                return mode
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant, "
            f"got {interpolation!r}"
        )
    return interpolation


def resized_size(height: int, width: int, size: int | Sequence[int], max_size: int | None) -> tuple[int, int]:
    """Return (height, width) of a resized image; one number is the length of the shorter side."""
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(sizes)} element")
    if len(sizes) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge"
            )
        return sizes[0], sizes[1]
    short, long = sorted((height, width))
    new_short, new_long = sizes[0], int(sizes[0] * long / short)
    if max_size is not None:
        if max_size <= sizes[0]:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                f"size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Make an image larger or smaller.

    Parameters
    ----------
    img : array, Tensor or image of Pillow
        The image.
    size : int or sequence of int
        Height and width, or the length of the shorter side.
    interpolation : InterpolationMode
        For arrays and Tensors one of the first four.
    max_size : int, optional
        The longest length of the longer side.
    antialias : bool, optional
        With bilinear and bicubic interpolation: average over all pixels that become one. Pillow always does.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.resize.html
    """
    mode = as_interpolation(interpolation)
    _, height, width = get_dimensions(img)
    wanted = resized_size(height, width, size, max_size)
    if wanted == (height, width):
        return img
    if is_pil_image(img):
        return img.resize(wanted[::-1], PILLOW_NUMBERS[mode])
    return through_tensor("resize", _resize, img, wanted, mode, bool(antialias))


def _resize(img: Tensor, size: tuple[int, int], mode: InterpolationMode, antialias: bool) -> Tensor:
    images = img.reshape(1, *img.shape) if img.ndim < 4 else img
    if not img.dtype.is_floating_point:
        images = images.to(torch.float32)
    smooth = mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)
    if smooth and antialias:
        down, across = (_averaging_weights(n, m, mode) for n, m in zip(images.shape[-2:], size, strict=True))
        rows = torch.as_tensor(down, dtype=images.dtype, device=images.device)  # (new height, height)
        columns = torch.as_tensor(across, dtype=images.dtype, device=images.device)  # (new width, width)
        resized = rows @ images @ columns.T
    else:
        corners = False if smooth else None
        resized = torch.nn.functional.interpolate(images, size, mode=mode.value, align_corners=corners)
    if img.dtype is torch.uint8 and mode is InterpolationMode.BICUBIC:
        resized = resized.clamp(0, 255)
    if not img.dtype.is_floating_point:
        resized = resized.round().to(img.dtype)
    return resized[0] if img.ndim < 4 else resized


def _averaging_weights(size: int, new_size: int, mode: InterpolationMode) -> AnyArray:
    """Return the matrix (new_size, size) that makes a line of pixels longer or shorter.

    The kernel lies around each new pixel's centre, and is as many times wider as the line gets shorter.

    References
    ----------
    PyTorch, ``_upsample_bilinear2d_aa``, which follows Pillow's ``Resample.c``. R. Keys: "Cubic Convolution
    Interpolation for Digital Image Processing", 1981, with a = -1/2.
    """
    scale = size / new_size
    stretch = max(scale, 1.0)
    support = stretch * (1 if mode is InterpolationMode.BILINEAR else 2)
    weights = np.zeros((new_size, size))
    for i in range(new_size):
        centre = scale * (i + 0.5)
        first, last = max(int(centre - support + 0.5), 0), min(int(centre + support + 0.5), size)
        distance = np.abs(np.arange(first, last) - centre + 0.5) / stretch
        kernel = np.maximum(1 - distance, 0) if mode is InterpolationMode.BILINEAR else _cubic(distance)
        weights[i, first:last] = kernel / kernel.sum()
    return weights


def _cubic(distance: AnyArray, a: float = -0.5) -> AnyArray:
    """Return Keys' cubic kernel."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """Cut out a window, and make it larger or smaller."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img: Any, size: int | Sequence[int]) -> tuple[Any, ...]:
    """Cut out the four corners (upper left, upper right, lower left, lower right) and the middle."""
    crop_height, crop_width = as_size(size)
    _, height, width = get_dimensions(img)
    if crop_width > width or crop_height > height:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(height, width)}")
    bottom, right = height - crop_height, width - crop_width
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    windows = [crop(img, top, left, crop_height, crop_width) for top, left in corners]
    return (*windows, center_crop(img, (crop_height, crop_width)))


def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Any, ...]:
    """Cut out the corners and the middle of an image and of the mirrored image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def output_size_of_rotation(matrix: Sequence[float], height: int, width: int) -> tuple[int, int]:
    """Return (height, width) of the smallest image into which a rotated one fits."""
    tolerance = 1e-4  # so that what is 1 but for rounding does not become 2
    corners = np.array([[x * width / 2, y * height / 2, 1.0] for x in (-1, 1) for y in (-1, 1)], np.float32)
    moved = corners @ np.asarray(matrix, np.float32).reshape(2, 3).T + np.array(
        [width / 2, height / 2], np.float32
    )
    upper = np.ceil(np.trunc(moved.max(axis=0) / tolerance) * tolerance)
    lower = np.floor(np.trunc(moved.min(axis=0) / tolerance) * tolerance)
    new_width, new_height = (upper - lower).tolist()
    return math.floor(new_height), math.floor(new_width)
