"""Datasets of images: what ``torchvision.datasets`` is to PyTorch."""

from __future__ import annotations

from tinygrad_edu.vision.datasets.cifar import CIFAR10, CIFAR100
from tinygrad_edu.vision.datasets.download import DownloadError
from tinygrad_edu.vision.datasets.emnist import EMNIST
from tinygrad_edu.vision.datasets.fakedata import FakeData
from tinygrad_edu.vision.datasets.folder import DatasetFolder, ImageFolder
from tinygrad_edu.vision.datasets.idx import IdxFormatError
from tinygrad_edu.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST, MNISTSmall
from tinygrad_edu.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "KMNIST",
    "DatasetFolder",
    "MNIST",
    "DownloadError",
    "FakeData",
    "FashionMNIST",
    "IdxFormatError",
    "ImageFolder",
    "MNISTSmall",
    "VisionDataset",
]
