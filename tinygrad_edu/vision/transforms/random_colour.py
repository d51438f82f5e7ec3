"""Transforms of colours, most of them random. A DataLoader calls them image by image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import functional
from tinygrad_edu.vision.transforms.random_warping import uniform

Range = tuple[float, float]


def _as_range(name: str, value: float | Sequence[float], center: float, bounds: Range) -> Range | None:
    """Return (min, max), or None if nothing would change; one number d stands for center - d to center + d."""
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        low, high = center - value, center + value
        low = max(low, 0.0) if center == 1 else low
    elif isinstance(value, tuple | list) and len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bounds[0] <= low <= high <= bounds[1]:
        raise ValueError(f"{name} values should be between {bounds}, but got {[low, high]}.")
    return None if low == high == center else (float(low), float(high))


class ColorJitter:
    """Change brightness, contrast, saturation and hue at random, in random order.

    Parameters
    ----------
    brightness, contrast, saturation : float or (float, float)
        Bounds of the factor; one number d stands for (1 - d, 1 + d).
    hue : float or (float, float)
        Bounds of the turn, within -0.5 and 0.5; one number d stands for (-d, d).

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ColorJitter.html
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        positive = (0.0, float("inf"))
        self.brightness = _as_range("brightness", brightness, 1, positive)
        self.contrast = _as_range("contrast", contrast, 1, positive)
        self.saturation = _as_range("saturation", saturation, 1, positive)
        self.hue = _as_range("hue", hue, 0, (-0.5, 0.5))

    @staticmethod
    def get_params(
        brightness: Range | None, contrast: Range | None, saturation: Range | None, hue: Range | None
    ) -> tuple[Tensor, float | None, float | None, float | None, float | None]:
        """Draw the order and the four factors; None stays None."""
        order = torch.randperm(4)
        bounds = (brightness, contrast, saturation, hue)
        b, c, s, h = (None if pair is None else uniform(*pair) for pair in bounds)
        return order, b, c, s, h

    def __call__(self, img: Any) -> Any:
        """Return the changed image."""
        adjustments = (
            functional.adjust_brightness,
            functional.adjust_contrast,
            functional.adjust_saturation,
            functional.adjust_hue,
        )
        bounds = (self.brightness, self.contrast, self.saturation, self.hue)
        order, *factors = self.get_params(*bounds)
        for i in order.tolist():
            factor = factors[i]
            if factor is not None:
                img = adjustments[i](img, factor)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )


class Grayscale:
    """Take the colours out.

    Parameters
    ----------
    num_output_channels : {1, 3}
        The channels of the result.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Grayscale.html
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, img: Any) -> Any:
        """Return the image in grey."""
        return functional.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class _WithProbability:
    """What follows does to an image with probability ``p``; a subclass says what in ``change``."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def change(self, img: Any) -> Any:
        """Return the changed image."""
        raise NotImplementedError(f"{type(self).__name__}: expected a change method, got none")

    def __call__(self, img: Any) -> Any:
        """Return the image, changed or not."""
        return self.change(img) if float(torch.rand(1)) < self.p else img

    def __repr__(self) -> str:
        options = {**{name: value for name, value in vars(self).items() if name != "p"}, "p": self.p}
        return f"{type(self).__name__}({','.join(f'{name}={value}' for name, value in options.items())})"


class RandomGrayscale(_WithProbability):
    """Take the colours out with probability ``p``; the number of channels stays."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def change(self, img: Any) -> Any:
        """Return the image in grey."""
        return functional.rgb_to_grayscale(img, functional.get_image_num_channels(img))


class RandomInvert(_WithProbability):
    """Invert the colours with probability ``p``."""

    def change(self, img: Any) -> Any:
        """Return the negative."""
        return functional.invert(img)


class RandomPosterize(_WithProbability):
    """Keep the highest ``bits`` bits of each byte with probability ``p``."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        """Return the image in fewer colours."""
        return functional.posterize(img, self.bits)


class RandomSolarize(_WithProbability):
    """Invert what is not below ``threshold`` with probability ``p``."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        """Return the image, partly inverted."""
        return functional.solarize(img, self.threshold)


class RandomAdjustSharpness(_WithProbability):
    """Change the sharpness with probability ``p``."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        """Return the image, sharper or less sharp."""
        return functional.adjust_sharpness(img, self.sharpness_factor)


class RandomAutocontrast(_WithProbability):
    """Stretch the colours over the whole range with probability ``p``."""

    def change(self, img: Any) -> Any:
        """Return the image with its contrast stretched."""
        return functional.autocontrast(img)


class RandomEqualize(_WithProbability):
    """Make all bytes about equally frequent with probability ``p``."""

    def change(self, img: Any) -> Any:
        """Return the image with its histogram evened out."""
        return functional.equalize(img)
