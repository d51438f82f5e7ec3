"""Transforms of images: what ``torchvision.transforms`` is to PyTorch.

They take NumPy arrays (H, W) or (H, W, C), Tensors (C, H, W) and images of Pillow; :class:`Transform` says how some of
them work on whole batches.
"""

from __future__ import annotations

from tinygrad_edu.vision.transforms import functional, v2
from tinygrad_edu.vision.transforms.choosing import (
    PILToTensor,
    RandomApply,
    RandomChoice,
    RandomOrder,
    ToPILImage,
)
from tinygrad_edu.vision.transforms.conversion import ConvertImageDtype, Normalize, ToTensor
from tinygrad_edu.vision.transforms.functional import InterpolationMode
from tinygrad_edu.vision.transforms.geometric import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)
from tinygrad_edu.vision.transforms.random_colour import (
    ColorJitter,
    Grayscale,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from tinygrad_edu.vision.transforms.random_erasing import RandomErasing
from tinygrad_edu.vision.transforms.random_warping import (
    FiveCrop,
    GaussianBlur,
    RandomAffine,
    RandomResizedCrop,
    RandomRotation,
    Resize,
    TenCrop,
)
from tinygrad_edu.vision.transforms.transform import Compose, Lambda, Transform, supports_batches

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "FiveCrop",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomApply",
    "RandomAutocontrast",
    "RandomChoice",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomOrder",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSolarize",
    "RandomVerticalFlip",
    "Resize",
    "TenCrop",
    "ToPILImage",
    "ToTensor",
    "Transform",
    "functional",
    "supports_batches",
    "v2",
]
