"""Datasets of files in folders, one folder a class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinygrad_edu.vision.datasets.vision import VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")

Sample = tuple[str, int]


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Tell whether a name ends in one of the extensions, in small or capital letters."""
    return filename.lower().endswith(extensions)


def is_image_file(filename: str) -> bool:
    """Tell whether a name ends as those of images do."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
    """Return the names of the folders in a folder, sorted, and the number of each.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: number for number, name in enumerate(classes)}


def make_dataset(
    directory: str | os.PathLike[str],
    class_to_idx: dict[str, int] | None = None,
    extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[Sample]:
    """Return (path, class) of all files under a folder's class folders, sorted by class and path.

    Parameters
    ----------
    directory : str or path-like
        The folder.
    class_to_idx : dict, optional
        The number of each class; :func:`find_classes` if left out.
    extensions : str or tuple of str, optional
        How the names of the files end.
    is_valid_file : callable, optional
        Instead of ``extensions``: tells whether a path is wanted.
    allow_empty : bool
        Whether a class may have no file.

    Raises
    ------
    ValueError
        If both or neither of ``extensions`` and ``is_valid_file`` are given.
    FileNotFoundError
        If a class has no file.
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    samples: list[Sample] = []
    for name in sorted(class_to_idx):
        for folder, _, filenames in sorted(os.walk(os.path.join(directory, name), followlinks=True)):
            for path in (os.path.join(folder, filename) for filename in sorted(filenames)):
                wanted = (
                    has_file_allowed_extension(path, extensions)
                    if extensions is not None
                    else is_valid_file is not None and is_valid_file(path)
                )
                if wanted:
                    samples.append((path, class_to_idx[name]))
    found = {number for _, number in samples}
    empty = sorted(name for name, number in class_to_idx.items() if number not in found)
    if empty and not allow_empty:
        supported = "" if extensions is None else f"Supported extensions are: {extensions}"
        raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}. {supported}")
    return samples


class DatasetFolder(VisionDataset):
    """Files in folders: ``root/class/.../file``.

    Parameters
    ----------
    root : str or path-like
        The folder of the class folders.
    loader : callable
        Reads a sample from its path.
    extensions, is_valid_file, allow_empty
        Which files are samples; see :func:`make_dataset`.
    transform, target_transform : callable, optional
        Functions of the sample and of its class.

    Attributes
    ----------
    classes : list of str
        The names of the folders, sorted.
    class_to_idx : dict
        The number of each.
    samples : list of (str, int)
        Path and class of each sample.
    targets : list of int
        The class of each sample.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.DatasetFolder.html
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        directory = Path(str(self.root))
        self.classes, self.class_to_idx = self.find_classes(directory)
        self.samples = self.make_dataset(directory, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [target for _, target in self.samples]
        self.loader = loader
        self.extensions = extensions

    def find_classes(self, directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """Return the classes and their numbers; to be redefined where folders mean something else."""
        return find_classes(directory)

    @staticmethod
    def make_dataset(
        directory: str | os.PathLike[str],
        class_to_idx: dict[str, int],
        extensions: tuple[str, ...] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[Sample]:
        """Return path and class of each sample; see :func:`make_dataset`."""
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return the pair (sample, class) number ``index``."""
        path, target = self.samples[index]
        sample, label = self.loader(path), target
        if self.transform is not None:
            sample = self.transform(sample)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return sample, label

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)


def default_loader(path: str) -> Any:
    """Read an image with Pillow (the extra ``vision``), in RGB."""
    from PIL import Image

    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


class ImageFolder(DatasetFolder):
    """Images in folders: ``root/dog/a.png``, ``root/cat/b.jpg``; a sample is an image of Pillow, in RGB.

    Parameters
    ----------
    root, transform, target_transform, is_valid_file, allow_empty
        As for :class:`DatasetFolder`.
    loader : callable
        Reads an image from its path.

    Attributes
    ----------
    imgs : list of (str, int)
        Path and class of each image.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
