"""Transforms that resize, crop, rotate, shear, blur and erase. A DataLoader calls them image by image.

The random ones draw from the global generator, which ``torch.manual_seed`` seeds; each has a ``get_params`` that draws
what its function of ``functional`` needs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu.vision.transforms import functional
from tinygrad_edu.vision.transforms.functional import InterpolationMode
from tinygrad_edu.vision.transforms.resizing import as_interpolation


def uniform(low: float, high: float) -> float:
    """Draw a number between two others."""
    return float(torch.empty(1).uniform_(float(low), float(high)).item())


class Resize:
    """Make an image larger or smaller; the arguments are those of :func:`functional.resize`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Resize.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.Resize(4)(torch.zeros(3, 8, 12)).shape
    torch.Size([3, 4, 6])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        if not isinstance(size, int | Sequence):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size = size
        self.interpolation = as_interpolation(interpolation)
        self.max_size = max_size
        self.antialias = antialias

    def __call__(self, img: Any) -> Any:
        """Return the resized image."""
        return functional.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


def check_ranges(scale: Sequence[float], ratio: Sequence[float]) -> None:
    """Raise or warn unless scale and ratio are pairs (min, max)."""
    for name, value in (("Scale", scale), ("Ratio", ratio)):
        if not isinstance(value, Sequence):
            raise TypeError(f"{name} should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)


def draw_area(area: float, scale: Sequence[float], ratio: Sequence[float]) -> tuple[float, float]:
    """Draw a part of an area and a ratio of its sides; the ratio's logarithm is evenly distributed."""
    part = area * uniform(scale[0], scale[1])
    return part, math.exp(uniform(math.log(ratio[0]), math.log(ratio[1])))


class RandomResizedCrop:
    """Cut out a window of random area and ratio of its sides, and bring it to one size.

    Parameters
    ----------
    size : int or sequence of int
        Height and width of the result.
    scale : (float, float)
        Bounds of the window's area, as a part of the image's.
    ratio : (float, float)
        Bounds of the window's width divided by its height.
    interpolation, antialias
        As for :class:`Resize`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomResizedCrop.html
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        self.size = functional.as_size(size)
        check_ranges(scale, ratio)
        self.scale = scale
        self.ratio = ratio
        self.interpolation = as_interpolation(interpolation)
        self.antialias = antialias

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Draw a window: return (top, left, height, width); the middle if ten draws did not fit."""
        _, height, width = functional.get_dimensions(img)
        for _ in range(10):
            area, aspect = draw_area(height * width, scale, ratio)
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                top = int(torch.randint(0, height - h + 1, size=(1,)).item())
                left = int(torch.randint(0, width - w + 1, size=(1,)).item())
                return top, left, h, w
        aspect = min(max(width / height, min(ratio)), max(ratio))
        w, h = (width, round(width / aspect)) if width / height < aspect else (round(height * aspect), height)
        return (height - h) // 2, (width - w) // 2, h, w

    def __call__(self, img: Any) -> Any:
        """Return a random window, resized."""
        window = self.get_params(img, self.scale, self.ratio)
        return functional.resized_crop(img, *window, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(x, 4) for x in values) for values in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


class FiveCrop:
    """Cut out the four corners and the middle: a tuple of five images.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.FiveCrop.html
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = functional.as_size(size)

    def __call__(self, img: Any) -> tuple[Any, ...]:
        """Return the five crops."""
        return functional.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class TenCrop:
    """Cut out the corners and the middle of the image and of the mirrored image: a tuple of ten.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.TenCrop.html
    """

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        self.size = functional.as_size(size)
        self.vertical_flip = vertical_flip

    def __call__(self, img: Any) -> tuple[Any, ...]:
        """Return the ten crops."""
        return functional.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"


def _as_angles(name: str, value: float | Sequence[float], lengths: tuple[int, ...]) -> list[float]:
    """Return (min, max) from one number, or a sequence of an allowed length."""
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        value = [-value, value]
    _check_length(name, value, lengths)
    return [float(x) for x in value]


def _check_length(name: str, value: Any, lengths: tuple[int, ...]) -> None:
    wanted = " or ".join(str(length) for length in lengths)
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a sequence of length {wanted}.")
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {wanted}.")


class RandomRotation:
    """Turn an image by a random angle.

    Parameters
    ----------
    degrees : float or (float, float)
        Bounds of the angle; one number d stands for (-d, d).
    interpolation, expand, center, fill
        As for :func:`functional.rotate`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomRotation.html
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[int] | None = None,
        fill: float | Sequence[float] | None = 0,
    ) -> None:
        self.degrees = _as_angles("degrees", degrees, (2,))
        if center is not None:
            _check_length("center", center, (2,))
        self.interpolation = as_interpolation(interpolation)
        self.expand = expand
        self.center = center
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle."""
        return uniform(degrees[0], degrees[1])

    def __call__(self, img: Any) -> Any:
        """Return the turned image."""
        angle = self.get_params(self.degrees)
        return functional.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, "
            f"expand={self.expand}{center}, fill={self.fill})"
        )


class RandomAffine:
    """Turn, move, scale and shear an image at random; its middle stays unless it is moved.

    Parameters
    ----------
    degrees : float or (float, float)
        Bounds of the angle; one number d stands for (-d, d).
    translate : (float, float), optional
        The largest moves, as parts of width and height.
    scale : (float, float), optional
        Bounds of the scale.
    shear : float or sequence of float, optional
        Bounds of the shear along x, and if there are four numbers, along y.
    interpolation, fill, center
        As for :func:`functional.affine`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomAffine.html
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: float | Sequence[float] | None = 0,
        center: Sequence[int] | None = None,
    ) -> None:
        self.degrees = _as_angles("degrees", degrees, (2,))
        if translate is not None:
            _check_length("translate", translate, (2,))
            if not all(0.0 <= part <= 1.0 for part in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            _check_length("scale", scale, (2,))
            if min(scale) <= 0:
                raise ValueError("scale values should be positive")
        if center is not None:
            _check_length("center", center, (2,))
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else _as_angles("shear", shear, (2, 4))
        self.interpolation = as_interpolation(interpolation)
        self.fill = 0 if fill is None else fill
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw angle, translation, scale and shear for an image of size (width, height)."""
        angle = uniform(degrees[0], degrees[1])
        dx = dy = 0
        if translate is not None:
            largest_x, largest_y = translate[0] * img_size[0], translate[1] * img_size[1]
            dx, dy = round(uniform(-largest_x, largest_x)), round(uniform(-largest_y, largest_y))
        scale = 1.0 if scale_ranges is None else uniform(scale_ranges[0], scale_ranges[1])
        shear_x = 0.0 if shears is None else uniform(shears[0], shears[1])
        shear_y = 0.0 if shears is None or len(shears) < 4 else uniform(shears[2], shears[3])
        return angle, (dx, dy), scale, (shear_x, shear_y)

    def __call__(self, img: Any) -> Any:
        """Return the moved image."""
        size = functional.get_image_size(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, size)
        return functional.affine(img, *drawn, self.interpolation, self.fill, self.center)

    def __repr__(self) -> str:
        options = [("translate", self.translate), ("scale", self.scale), ("shear", self.shear)]
        text = f"degrees={self.degrees}"
        text += "".join(f", {name}={value}" for name, value in options if value is not None)
        if self.interpolation is not InterpolationMode.NEAREST:
            text += f", interpolation={self.interpolation.value}"
        text += "" if self.fill == 0 else f", fill={self.fill}"
        text += "" if self.center is None else f", center={self.center}"
        return f"{type(self).__name__}({text})"


class GaussianBlur:
    """Blur with a Gaussian kernel of random width.

    Parameters
    ----------
    kernel_size : int or sequence of int
        Odd: width and height of the kernel.
    sigma : float or (float, float)
        The standard deviation in pixels, or its bounds.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.GaussianBlur.html
    """

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        self.kernel_size = functional.as_size(kernel_size)
        if any(size % 2 == 0 for size in self.kernel_size):
            raise ValueError(f"Kernel size value should be an odd and positive number, got {kernel_size}")
        bounds = (sigma, sigma) if isinstance(sigma, int | float) else sigma
        if not isinstance(bounds, Sequence) or len(bounds) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        if not 0.0 < bounds[0] <= bounds[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max), got {sigma}")
        self.sigma = bounds

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """Draw a standard deviation."""
        return uniform(sigma_min, sigma_max)

    def __call__(self, img: Any) -> Any:
        """Return the blurred image."""
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return functional.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"
