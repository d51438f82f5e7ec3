"""Datasets of images, transforms and networks: what torchvision is to PyTorch.

Examples
--------
>>> import tinygrad_edu as torch
>>> from tinygrad_edu.vision import datasets, transforms
>>> digits = datasets.MNISTSmall(train=False, transform=transforms.ToTensor())
>>> image, label = digits[0]
>>> image.shape, label
(torch.Size([1, 28, 28]), 7)
"""

from __future__ import annotations

from tinygrad_edu.vision import datasets, models, ops, transforms, utils

__all__ = ["datasets", "models", "ops", "transforms", "utils"]
