"""MNIST and the datasets that are published in its format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.utils.data.fast_path import IndexArray
from tinygrad_edu.vision.datasets.download import download_file
from tinygrad_edu.vision.datasets.idx import IdxFormatError, read_idx
from tinygrad_edu.vision.datasets.vision import VisionDataset
from tinygrad_edu.vision.transforms.transform import Transform, supports_batches


class MNIST(VisionDataset):
    """The MNIST handwritten digits: 60,000 training and 10,000 test images of 28 x 28 grey pixels.

    ``dataset[i]`` is a pair (image, label): the image a NumPy array of bytes, of shape (28, 28), 0 black to
    255 white, or what ``transform`` makes of it; the label an int from 0 to 9.

    Parameters
    ----------
    root : str or path-like
        The folder that has (or gets) ``MNIST/raw/`` with the four IDX files, gzip-compressed or not.
    train : bool
        The training set, otherwise the test set.
    transform : callable, optional
        A function of the image, such as ``transforms.ToTensor()``.
    target_transform : callable, optional
        A function of the label.
    download : bool
        Download the files that are not there.

    Attributes
    ----------
    data : Tensor
        All images, of shape (N, 28, 28), uint8.
    targets : Tensor
        All labels, of shape (N,), int64.
    classes : list of str
        The names of the classes.

    Raises
    ------
    RuntimeError
        If the files are not there, or cannot be downloaded.
    IdxFormatError
        If a file is damaged, or if images and labels do not belong together.

    Notes
    -----
    torchvision gives the untransformed image as a Pillow image. The transforms here take the array, so that
    Pillow is not needed.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner: "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998.
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]
    # Names and MD5 sums of the files on the mirrors
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes: ClassVar[list[str]] = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

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
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError(
                "Dataset not found. You can use download=True to download it "
                f"({self.raw_folder} lacks {', '.join(self._missing_files())}, compressed or not)"
            )
        self.data, self.targets = self._load_data()

    # ---- samples and batches -------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return the pair (image, label) number ``index``."""
        image: Any = self.data.numpy()[index].copy()  # a copy: a transform may change it in place
        target: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def get_collated_batch(self, indices: IndexArray) -> Any:
        """Return many samples at once: their transformed images, and their labels.

        The DataLoader calls this instead of reading single samples and stacking them.

        Parameters
        ----------
        indices : numpy.ndarray
            The numbers of the samples, of shape (N,).

        Returns
        -------
        list of Tensor, or NotImplemented
            The images, of shape (N, 1, 28, 28) and float32 with ``ToTensor``, (N, 28, 28) and uint8 without a
            transform; and the labels, of shape (N,), int64. NotImplemented if there is a ``target_transform``
            or a transform that knows single images only.
        """
        if self.target_transform is not None or not supports_batches(self.transform):
            return NotImplemented
        images: Any = self.data.numpy()[indices]  # a copy: indexing with an array always makes one
        if isinstance(self.transform, Transform):
            images = self.transform.on_batch(images)
        labels = torch.from_numpy(self.targets.numpy()[indices])
        return [images if isinstance(images, Tensor) else torch.from_numpy(images), labels]

    # ---- names and files -----------------------------------------------------------------------------

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class name."""
        return {name: label for label, name in enumerate(self.classes)}

    @property
    def raw_folder(self) -> str:
        """The folder of the IDX files."""
        return os.path.join(str(self.root), type(self).__name__, "raw")

    def extra_repr(self) -> str:
        """Return the line of ``repr`` that names the split."""
        return f"Split: {'Train' if self.train else 'Test'}"

    def download(self) -> None:
        """Download the files that are not there; those that are there are left alone."""
        for filename, md5 in self.resources:
            if self._find(filename) is None:
                download_file(filename, self.mirrors, self.raw_folder, md5)

    def _check_exists(self) -> bool:
        return not self._missing_files()

    def _missing_files(self) -> list[str]:
        return [
            filename.removesuffix(".gz") for filename, _ in self.resources if self._find(filename) is None
        ]

    def _find(self, filename: str) -> Path | None:
        """Return where a file lies, uncompressed or compressed."""
        compressed = Path(self.raw_folder, filename)
        for path in (compressed.with_suffix(""), compressed):
            if path.is_file():
                return path
        return None

    def _load_data(self) -> tuple[Tensor, Tensor]:
        split = "train" if self.train else "t10k"
        return self._load_pair(f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz")

    def _load_pair(self, images_file: str, labels_file: str) -> tuple[Tensor, Tensor]:
        """Read the images and the labels."""
        images_path, labels_path = self._find(images_file), self._find(labels_file)
        if images_path is None or labels_path is None:  # deleted since _check_exists
            raise RuntimeError(
                f"Dataset not found: {self.raw_folder} lacks {images_file} or {labels_file}, compressed or not"
            )
        try:
            images, labels = _read_pair(images_path, labels_path, len(self.classes))
        except IdxFormatError as error:
            raise IdxFormatError(
                f"{error}. Delete the file and use download=True to fetch it anew."
            ) from error
        return torch.from_numpy(images), torch.from_numpy(labels)


def _read_pair(images_path: Path, labels_path: Path, class_count: int) -> tuple[Any, Any]:
    """Read images (N, H, W) and labels (N,), and check that they belong together."""
    images = read_idx(images_path, expected_ndim=3)
    labels = read_idx(labels_path, expected_ndim=1)
    for path, array in ((images_path, images), (labels_path, labels)):
        if array.dtype != np.uint8:
            raise IdxFormatError(f"{path}: expected unsigned bytes (uint8), got {array.dtype}")
    if len(labels) != len(images):
        raise IdxFormatError(
            f"{labels_path}: expected {len(images)} labels, one for each image in {images_path}, "
            f"got {len(labels)}"
        )
    wrong = np.flatnonzero(labels >= class_count)
    if wrong.size > 0:
        raise IdxFormatError(
            f"{labels_path}: expected labels from 0 to {class_count - 1}, "
            f"got {labels[wrong[0]]} at index {wrong[0]}"
        )
    return images, labels.astype(np.int64)


class FashionMNIST(MNIST):
    """Fashion-MNIST: 60,000 + 10,000 images of articles of clothing, 28 x 28 grey pixels, 10 classes.

    Its parameters and attributes are those of :class:`MNIST`.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf: "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", arXiv:1708.07747, 2017.
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.FashionMNIST.html
    """

    mirrors: ClassVar[list[str]] = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes: ClassVar[list[str]] = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """Kuzushiji-MNIST: 60,000 + 10,000 images of cursive Japanese characters, 28 x 28 grey, 10 classes.

    Its parameters and attributes are those of :class:`MNIST`.

    References
    ----------
    T. Clanuwat et al.: "Deep learning for classical Japanese literature", arXiv:1812.01718, 2018.
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.KMNIST.html
    """

    mirrors: ClassVar[list[str]] = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class MNISTSmall(MNIST):
    """The first 10,000 training and the first 2,000 test images of MNIST, which come with this package.

    It needs neither a folder nor a network. torchvision has no such class.

    Parameters
    ----------
    train : bool
        The training set, otherwise the test set.
    transform, target_transform : callable, optional
        As for :class:`MNIST`.

    Notes
    -----
    MNIST is by Y. LeCun, C. Cortes and C. Burges, under the licence CC BY-SA 3.0.

    Examples
    --------
    >>> from tinygrad_edu.vision import datasets
    >>> digits = datasets.MNISTSmall(train=False)
    >>> digits
    Dataset MNISTSmall
        Number of datapoints: 2000
        Split: Test
    >>> image, label = digits[0]
    >>> image.shape, label, digits.classes[label]
    ((28, 28), 7, '7 - seven')
    """

    mirrors: ClassVar[list[str]] = []

    def __init__(
        self,
        *,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(None, train, transform, target_transform)  # type: ignore[arg-type]

    @property
    def raw_folder(self) -> str:
        """The folder of the IDX files, inside the package."""
        return str(Path(__file__).parent / "mnist_small" / "raw")
