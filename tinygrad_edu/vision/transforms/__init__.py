"""Transforms of images: what ``torchvision.transforms`` is to PyTorch.

They take NumPy arrays (H, W) or (H, W, C) and Tensors (C, H, W); :class:`Transform` says how they work on
whole batches.
"""

from __future__ import annotations

from tinygrad_edu.vision.transforms import functional
from tinygrad_edu.vision.transforms.conversion import ConvertImageDtype, Normalize, ToTensor
from tinygrad_edu.vision.transforms.geometric import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)
from tinygrad_edu.vision.transforms.transform import Compose, Lambda, Transform, supports_batches

__all__ = [
    "CenterCrop",
    "Compose",
    "ConvertImageDtype",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "ToTensor",
    "Transform",
    "functional",
    "supports_batches",
]
