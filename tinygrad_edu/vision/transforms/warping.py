"""Pixels moved by a matrix (rotation, shear, ...), blur, and erasing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import pillow
from tinygrad_edu.vision.transforms.basic import get_dimensions, through_tensor
from tinygrad_edu.vision.transforms.pillow import is_pil_image
from tinygrad_edu.vision.transforms.resizing import (
    PILLOW_NUMBERS,
    InterpolationMode,
    as_interpolation,
    output_size_of_rotation,
)

Fill = float | Sequence[float] | None


def inverse_affine_matrix(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    r"""Return the matrix of 2 x 3, row by row, that says from where each pixel of the result comes.

    Notes
    -----
    Forward, a point moves by :math:`T C R C^{-1}`: from the centre, by rotation, scale and shear R, back to the
    centre, and by the translation. With s the shear,

    .. math::
        R = \text{scale} \begin{pmatrix} \cos(a - s_y) / \cos s_y & -\cos(a - s_y) \tan s_x / \cos s_y - \sin a \\
        \sin(a - s_y) / \cos s_y & -\sin(a - s_y) \tan s_x / \cos s_y + \cos a \end{pmatrix}

    and the determinant of the matrix is 1, so that its inverse is written down at once.
    """
    rotation, shear_x, shear_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(rotation - shear_y) / math.cos(shear_y)
    b = -a * math.tan(shear_x) - math.sin(rotation)
    c = math.sin(rotation - shear_y) / math.cos(shear_y)
    d = -c * math.tan(shear_x) + math.cos(rotation)
    x, y = center[0] + translate[0], center[1] + translate[1]
    a, b, c, d = d / scale, -b / scale, -c / scale, a / scale
    return [a, b, center[0] - a * x - b * y, c, d, center[1] - c * x - d * y]


def affine(
    img: Any,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    fill: Fill = None,
    center: Sequence[int] | None = None,
) -> Any:
    """Rotate, move, scale and shear an image.

    Parameters
    ----------
    img : array, Tensor or image of Pillow
        The image.
    angle : float
        In degrees, clockwise.
    translate : sequence of int
        By how many pixels it is moved: to the right, and down.
    scale : float
        Positive.
    shear : float or sequence of float
        Angles in degrees, parallel to the x axis and to the y axis.
    interpolation : InterpolationMode
        NEAREST or BILINEAR.
    fill : float or sequence of float, optional
        The colour of what comes from outside the image.
    center : sequence of int, optional
        The point (x, y) that stays; the middle if left out.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.affine.html
    """
    mode = as_interpolation(interpolation)
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    shears = [shear, 0.0] if isinstance(shear, int | float) else list(shear)
    if len(shears) == 1:
        shears *= 2
    if len(shears) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    _, height, width = get_dimensions(img)
    if is_pil_image(img):
        middle = [width * 0.5, height * 0.5] if center is None else center
        matrix = inverse_affine_matrix(middle, angle, translate, scale, shears)
        return pillow.transform(img, matrix, PILLOW_NUMBERS[mode], fill)
    matrix = inverse_affine_matrix(_from_middle(center, height, width), angle, translate, scale, shears)
    return through_tensor("affine", _warp, img, matrix, (height, width), mode, fill)


def rotate(
    img: Any,
    angle: float,
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[int] | None = None,
    fill: Fill = None,
) -> Any:
    """Turn an image by an angle in degrees, counter-clockwise; with ``expand`` it grows until nothing is cut off.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.rotate.html
    """
    mode = as_interpolation(interpolation)
    if not isinstance(angle, int | float):
        raise TypeError("Argument angle should be int or float")
    if is_pil_image(img):
        return pillow.rotate(img, angle, PILLOW_NUMBERS[mode], expand, center, fill)
    _, height, width = get_dimensions(img)
    matrix = inverse_affine_matrix(_from_middle(center, height, width), -angle, [0, 0], 1.0, [0.0, 0.0])
    size = output_size_of_rotation(matrix, height, width) if expand else (height, width)
    return through_tensor("rotate", _warp, img, matrix, size, mode, fill)


def _from_middle(center: Sequence[int] | None, height: int, width: int) -> list[float]:
    """Return the point that stays, seen from the middle of the image."""
    return [0.0, 0.0] if center is None else [center[0] - width * 0.5, center[1] - height * 0.5]


def _warp(
    img: Tensor, matrix: Sequence[float], size: tuple[int, int], mode: InterpolationMode, fill: Fill
) -> Tensor:
    """Fetch each pixel of the result from where the matrix says, by ``grid_sample``."""
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"Interpolation mode '{mode.value}' is unsupported with Tensor input")
    images = img.reshape(-1, *img.shape[-3:]) if img.ndim != 3 else img[None]
    if not img.dtype.is_floating_point:
        images = images.to(torch.float32)
    grid = _sampling_grid(matrix, size, images).expand(len(images), -1, -1, -1)
    options = {"mode": mode.value, "padding_mode": "zeros", "align_corners": False}
    warped = torch.nn.functional.grid_sample(images, grid, **options)
    if fill is not None:
        inside = torch.nn.functional.grid_sample(torch.ones_like(images[:, :1]), grid, **options)
        colour = torch.tensor(fill if isinstance(fill, Sequence) else [fill], dtype=images.dtype)
        colour = colour.to(images.device).reshape(1, -1, 1, 1).expand_as(warped)
        if mode is InterpolationMode.NEAREST:
            warped = torch.where(inside < 0.5, colour, warped)
        else:
            warped = warped * inside + (1.0 - inside) * colour
    if not img.dtype.is_floating_point:
        warped = warped.round().to(img.dtype)
    return warped.reshape(*img.shape[:-2], *size)


def _sampling_grid(matrix: Sequence[float], size: tuple[int, int], images: Tensor) -> Tensor:
    """Return for each pixel of the result a point of the image, from (-1, -1) to (1, 1): (1, H, W, 2)."""
    height, width = images.shape[-2:]
    options: dict[str, Any] = {"dtype": images.dtype, "device": images.device}
    y, x = (torch.linspace(-n * 0.5 + 0.5, n * 0.5 - 0.5, n, **options) for n in size)
    points = torch.ones(*size, 3, **options)  # (x, y, 1), seen from the middle
    points[..., 0] = x
    points[..., 1] = y[:, None]
    theta = torch.tensor(matrix, **options).reshape(2, 3).T
    theta = theta / torch.tensor([0.5 * width, 0.5 * height], **options)
    return (points.reshape(-1, 3) @ theta).reshape(1, *size, 2)


def gaussian_blur(
    img: Any, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None
) -> Any:
    """Blur with a Gaussian kernel; at the edges the image is mirrored.

    Parameters
    ----------
    img : array, Tensor or image of Pillow
        The image.
    kernel_size : int or sequence of int
        Odd: width and height of the kernel.
    sigma : float or sequence of float, optional
        Standard deviations in pixels; ``0.15 * kernel_size + 0.35`` if left out.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.gaussian_blur.html
    """
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    if any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        sigma = [size * 0.15 + 0.35 for size in sizes]
    sigmas = [float(sigma)] * 2 if isinstance(sigma, int | float) else list(sigma)
    if len(sigmas) == 1:
        sigmas *= 2
    if len(sigmas) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigmas)}")
    if min(sigmas) <= 0.0:
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    if is_pil_image(img):
        return pillow.to_pil_image(_blur(pillow.pil_to_tensor(img), sizes, sigmas), mode=img.mode)
    return through_tensor("gaussian_blur", _blur, img, sizes, sigmas)


def _blur(img: Tensor, sizes: Sequence[int], sigmas: Sequence[float]) -> Tensor:
    planes = img.reshape(-1, 1, *img.shape[-2:])  # each channel is blurred by itself
    if not img.dtype.is_floating_point:
        planes = planes.to(torch.float32)
    across, down = (_gaussian(size, sigma, planes) for size, sigma in zip(sizes, sigmas, strict=True))
    kernel = (down[:, None] * across).reshape(1, 1, sizes[1], sizes[0])
    border = (sizes[0] // 2, sizes[0] // 2, sizes[1] // 2, sizes[1] // 2)
    planes = torch.nn.functional.pad(planes, border, mode="reflect")
    blurred = torch.nn.functional.conv2d(planes, kernel).reshape(img.shape)
    return blurred if img.dtype.is_floating_point else blurred.round().to(img.dtype)


def _gaussian(size: int, sigma: float, like: Tensor) -> Tensor:
    """Return ``exp(-x^2 / (2 sigma^2))`` at the pixels around the middle, summing to 1."""
    half = (size - 1) * 0.5
    x = torch.linspace(-half, half, size, dtype=like.dtype, device=like.device)
    density = torch.exp(-0.5 * (x / sigma) ** 2)
    return density / density.sum()


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """Write ``v`` into the window with the upper left corner (i, j), height h and width w.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.erase.html
    """
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor. Got {type(img).__name__}")
    erased = img if inplace else img.clone()
    erased[..., i : i + h, j : j + w] = v.to(img.dtype)
    return erased
