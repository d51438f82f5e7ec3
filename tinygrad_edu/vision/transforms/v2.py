"""The names of ``torchvision.transforms.v2``, for images alone.

There the transforms also move boxes, masks and key points along with an image, and leave labels alone; here an image
goes in and an image comes out, a Tensor where torchvision has its ``tv_tensors.Image``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import functional as functional
from tinygrad_edu.vision.transforms.choosing import (
    PILToTensor as PILToTensor,
    RandomApply as RandomApply,
    RandomChoice as RandomChoice,
    RandomOrder as RandomOrder,
    ToPILImage as ToPILImage,
)
from tinygrad_edu.vision.transforms.conversion import (
    ConvertImageDtype as ConvertImageDtype,
    Normalize as Normalize,
    ToTensor as ToTensor,
)
from tinygrad_edu.vision.transforms.functional import InterpolationMode as InterpolationMode
from tinygrad_edu.vision.transforms.geometric import (
    CenterCrop as CenterCrop,
    Pad as Pad,
    RandomCrop as RandomCrop,
    RandomHorizontalFlip as RandomHorizontalFlip,
    RandomVerticalFlip as RandomVerticalFlip,
)
from tinygrad_edu.vision.transforms.random_colour import (
    ColorJitter as ColorJitter,
    Grayscale as Grayscale,
    RandomAdjustSharpness as RandomAdjustSharpness,
    RandomAutocontrast as RandomAutocontrast,
    RandomEqualize as RandomEqualize,
    RandomGrayscale as RandomGrayscale,
    RandomInvert as RandomInvert,
    RandomPosterize as RandomPosterize,
    RandomSolarize as RandomSolarize,
)
from tinygrad_edu.vision.transforms.random_erasing import RandomErasing as RandomErasing
from tinygrad_edu.vision.transforms.random_warping import (
    FiveCrop as FiveCrop,
    GaussianBlur as GaussianBlur,
    RandomAffine as RandomAffine,
    RandomResizedCrop as RandomResizedCrop,
    RandomRotation as RandomRotation,
    Resize as Resize,
    TenCrop as TenCrop,
)
from tinygrad_edu.vision.transforms.transform import (
    Compose as Compose,
    Lambda as Lambda,
    Transform as Transform,
)


class Identity:
    """Return the image as it is."""

    def __call__(self, img: Any) -> Any:
        """Return the image."""
        return img

    def __repr__(self) -> str:
        return "Identity()"


class ToImage:
    """Turn an array (H, W) or (H, W, C), or an image of Pillow, into a Tensor (C, H, W) with the same numbers.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.ToImage.html
    """

    def __call__(self, img: Any) -> Tensor:
        """Return the Tensor."""
        if isinstance(img, Tensor):
            return img
        if isinstance(img, np.ndarray):
            array = img[:, :, None] if img.ndim == 2 else img
            return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 0)))
        return functional.pil_to_tensor(img)

    def __repr__(self) -> str:
        return "ToImage()"


class ToDtype:
    """Convert a Tensor to a dtype; with ``scale`` bytes from 0 to 255 become fractions from 0 to 1, and back.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.ToDtype.html
    """

    def __init__(self, dtype: torch.dtype, scale: bool = False) -> None:
        self.dtype = dtype
        self.scale = scale

    def __call__(self, img: Tensor) -> Tensor:
        """Return the Tensor of the wanted dtype."""
        if self.scale:
            return functional.convert_image_dtype(img, self.dtype)
        converted: Tensor = img.to(self.dtype)
        return converted

    def __repr__(self) -> str:
        return f"ToDtype(scale={self.scale})"
