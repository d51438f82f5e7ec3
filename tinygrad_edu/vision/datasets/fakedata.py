"""Images of noise, to try a program without files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Generator
from tinygrad_edu.vision.datasets.vision import VisionDataset
from tinygrad_edu.vision.transforms import functional


class FakeData(VisionDataset):
    """Images of Pillow (the extra ``vision``) with random pixels, the same each time for the same index.

    Parameters
    ----------
    size : int
        The number of images.
    image_size : (int, int, int)
        Channels, height and width.
    num_classes : int
        The number of classes.
    transform, target_transform : callable, optional
        Functions of the image and of its class.
    random_offset : int
        Added to the index, which is the seed.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.FakeData.html
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.image_size = image_size
        self.num_classes = num_classes
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return the pair (image, class) number ``index``."""
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = Generator().manual_seed(index + self.random_offset)
        pixels = torch.rand(*self.image_size, generator=generator)
        target: Any = int(torch.randint(0, self.num_classes, (1,), generator=generator).item())
        image = functional.to_pil_image(pixels)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        """Return the number of images."""
        return self.size
