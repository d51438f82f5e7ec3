"""Datasets of images: what ``torchvision.datasets`` is to PyTorch."""

from __future__ import annotations

from tinygrad_edu.vision.datasets.download import DownloadError
from tinygrad_edu.vision.datasets.idx import IdxFormatError
from tinygrad_edu.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST, MNISTSmall
from tinygrad_edu.vision.datasets.vision import VisionDataset

__all__ = [
    "KMNIST",
    "MNIST",
    "DownloadError",
    "FashionMNIST",
    "IdxFormatError",
    "MNISTSmall",
    "VisionDataset",
]
