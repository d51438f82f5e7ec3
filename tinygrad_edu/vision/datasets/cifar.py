"""CIFAR-10 and CIFAR-100: small colour photographs."""

from __future__ import annotations

import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.utils.data.fast_path import IndexArray
from tinygrad_edu.vision.datasets.download import download_file
from tinygrad_edu.vision.datasets.vision import VisionDataset
from tinygrad_edu.vision.transforms.transform import Transform, supports_batches

# All that the pickled files name: what an array is made of.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _ArrayUnpickler(pickle.Unpickler):
    """Reads arrays, numbers, texts, lists and dictionaries, and refuses a file that wants to run anything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what the file names, if it is allowed."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"expected arrays and lists only, got {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _unpickle(path: Path) -> dict[str, Any]:
    """Read one of the files."""
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file, encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError, IndexError) as error:
        raise RuntimeError(
            f"{path}: expected one of CIFAR's pickled files, got a damaged one ({error})"
        ) from error
    if not isinstance(content, dict):
        raise RuntimeError(f"{path}: expected a dictionary, got {type(content).__name__}")
    return content


class CIFAR10(VisionDataset):
    """CIFAR-10: 50,000 training and 10,000 test images of 32 x 32 pixels in colour, 10 classes.

    ``dataset[i]`` is a pair (image, label): the image a NumPy array of bytes, of shape (32, 32, 3), or what
    ``transform`` makes of it; the label an int.

    Parameters
    ----------
    root : str or path-like
        The folder that has (or gets) the folder ``cifar-10-batches-py`` of the Python version.
    train : bool
        The training set, otherwise the test set.
    transform : callable, optional
        A function of the image, such as ``transforms.ToTensor()``.
    target_transform : callable, optional
        A function of the label.
    download : bool
        Download and unpack the files if they are not there.

    Attributes
    ----------
    data : numpy.ndarray
        All images, of shape (N, 32, 32, 3), uint8.
    targets : list of int
        All labels.
    classes : list of str
        The names of the classes.
    class_to_idx : dict
        The label of each class name.

    Notes
    -----
    torchvision gives the untransformed image as a Pillow image; here it is an array, so that Pillow is not needed.

    References
    ----------
    A. Krizhevsky: "Learning Multiple Layers of Features from Tiny Images", 2009.
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.CIFAR10.html
    """

    base_folder: ClassVar[str] = "cifar-10-batches-py"
    mirrors: ClassVar[list[str]] = ["https://www.cs.toronto.edu/~kriz/"]
    filename: ClassVar[str] = "cifar-10-python.tar.gz"
    tgz_md5: ClassVar[str] = "c58f30108f718f92721af3b95e74349a"
    train_list: ClassVar[list[str]] = [f"data_batch_{i}" for i in range(1, 6)]
    test_list: ClassVar[list[str]] = ["test_batch"]
    meta_file: ClassVar[str] = "batches.meta"
    label_key: ClassVar[str] = "labels"
    names_key: ClassVar[str] = "label_names"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download and self._missing_files():
            self.download()
        missing = self._missing_files()
        if missing:
            raise RuntimeError(
                "Dataset not found or corrupted. You can use download=True to download it "
                f"({self._folder} lacks {', '.join(missing)})"
            )
        self.data, self.targets = self._load_data()
        self.classes: list[str] = _unpickle(self._folder / self.meta_file)[self.names_key]
        self.class_to_idx = {name: label for label, name in enumerate(self.classes)}

    @property
    def _folder(self) -> Path:
        return Path(str(self.root), self.base_folder)

    def _missing_files(self) -> list[str]:
        names = [*self.train_list, *self.test_list, self.meta_file]
        return [name for name in names if not (self._folder / name).is_file()]

    def download(self) -> None:
        """Download the archive and unpack it."""
        archive = download_file(self.filename, self.mirrors, str(self.root), self.tgz_md5)
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(str(self.root), filter="data")

    def _load_data(self) -> tuple[Any, list[int]]:
        batches = [
            _unpickle(self._folder / name) for name in (self.train_list if self.train else self.test_list)
        ]
        planes = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        images = np.ascontiguousarray(np.moveaxis(planes, 1, -1))  # (n, 32, 32, 3)
        labels = [int(label) for batch in batches for label in batch[self.label_key]]
        if len(labels) != len(images):
            raise RuntimeError(f"{self._folder}: expected {len(images)} labels, got {len(labels)}")
        return images, labels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return the pair (image, label) number ``index``."""
        image: Any = self.data[index].copy()  # a copy: a transform may change it in place
        target: Any = self.targets[index]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def get_collated_batch(self, indices: IndexArray) -> Any:
        """Return many samples at once, as :meth:`MNIST.get_collated_batch` does."""
        if self.target_transform is not None or not supports_batches(self.transform):
            return NotImplemented
        images: Any = self.data[indices]
        if isinstance(self.transform, Transform):
            images = self.transform.on_batch(images)
        labels = torch.from_numpy(np.asarray(self.targets, dtype=np.int64)[indices])
        return [images if isinstance(images, Tensor) else torch.from_numpy(images), labels]

    def extra_repr(self) -> str:
        """Return the line of ``repr`` that names the split."""
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """CIFAR-100: as :class:`CIFAR10`, with 100 classes (the fine labels).

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.CIFAR100.html
    """

    base_folder: ClassVar[str] = "cifar-100-python"
    filename: ClassVar[str] = "cifar-100-python.tar.gz"
    tgz_md5: ClassVar[str] = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list: ClassVar[list[str]] = ["train"]
    test_list: ClassVar[list[str]] = ["test"]
    meta_file: ClassVar[str] = "meta"
    label_key: ClassVar[str] = "fine_labels"
    names_key: ClassVar[str] = "fine_label_names"
