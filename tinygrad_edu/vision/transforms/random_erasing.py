"""Random erasing, a regularisation: the network learns not to lean on one part of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import functional
from tinygrad_edu.vision.transforms.random_warping import check_ranges, draw_area


class RandomErasing:
    """Write over a random window of a Tensor with probability ``p``.

    Parameters
    ----------
    p : float
        The probability.
    scale : (float, float)
        Bounds of the window's area, as a part of the image's.
    ratio : (float, float)
        Bounds of the ratio of the window's sides.
    value : float, sequence of float or "random"
        What is written: one number, one a channel, or normally distributed numbers.
    inplace : bool
        Change the Tensor itself.

    References
    ----------
    Z. Zhong et al.: "Random Erasing Data Augmentation", arXiv:1708.04896, algorithm 1.
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomErasing.html
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str | Sequence[float] = 0,
        inplace: bool = False,
    ) -> None:
        if not isinstance(value, int | float | str | tuple | list):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if not 0 <= p <= 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """Draw a window: return (top, left, height, width, what is written); the image itself if none fits."""
        channels, height, width = img.shape[-3:]
        for _ in range(10):
            area, aspect = draw_area(height * width, scale, ratio)
            h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if h >= height or w >= width:
                continue
            written = torch.randn(channels, h, w) if value is None else torch.tensor(value)[:, None, None]
            top = int(torch.randint(0, height - h + 1, size=(1,)).item())
            left = int(torch.randint(0, width - w + 1, size=(1,)).item())
            return top, left, h, w, written.to(img.device)
        return 0, 0, height, width, img

    def __call__(self, img: Tensor) -> Tensor:
        """Return the image, with or without a window that is written over."""
        if float(torch.rand(1)) >= self.p:
            return img
        value: list[float] | None = None
        if not isinstance(self.value, str):
            values = self.value if isinstance(self.value, Sequence) else [self.value]
            value = [float(x) for x in values]
            if len(value) not in (1, img.shape[-3]):
                raise ValueError(
                    "If value is a sequence, it should have either a single value or "
                    f"{img.shape[-3]} (number of input channels)"
                )
        return functional.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
            f"value={self.value}, inplace={self.inplace})"
        )
