"""EMNIST: letters and digits in MNIST's format."""

from __future__ import annotations

import os
import string
import zipfile
from pathlib import Path
from typing import Any, ClassVar

from tinygrad_edu import Tensor
from tinygrad_edu.vision.datasets.download import download_file
from tinygrad_edu.vision.datasets.mnist import MNIST

# Letters whose capital looks like the small one: some of the splits count both as one class.
_MERGED = set("cijklmopsuvwxyz")
_ALL = set(string.digits + string.ascii_letters)


class EMNIST(MNIST):
    """EMNIST: handwritten digits and letters, 28 x 28 grey pixels.

    Parameters
    ----------
    root : str or path-like
        The folder that has (or gets) ``EMNIST/raw/`` with the IDX files, gzip-compressed or not.
    split : {"byclass", "bymerge", "balanced", "letters", "digits", "mnist"}
        Which of the six datasets.
    train, transform, target_transform, download
        As for :class:`MNIST`.

    Notes
    -----
    The images are transposed, as they are in torchvision.

    References
    ----------
    G. Cohen et al.: "EMNIST: an extension of MNIST to handwritten letters", arXiv:1702.05373, 2017.
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.EMNIST.html
    """

    mirrors: ClassVar[list[str]] = ["https://biometrics.nist.gov/cs_links/EMNIST/"]
    archive: ClassVar[tuple[str, str]] = ("gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e")
    classes_split_dict: ClassVar[dict[str, list[str]]] = {
        "byclass": sorted(_ALL),
        "bymerge": sorted(_ALL - _MERGED),
        "balanced": sorted(_ALL - _MERGED),
        "letters": ["N/A", *string.ascii_lowercase],  # the labels start at 1
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any) -> None:
        if split not in self.classes_split_dict:
            splits = ", ".join(self.classes_split_dict)
            raise ValueError(f"Unknown value '{split}' for argument split. Valid values are {splits}.")
        self.split = split
        self.classes = self.classes_split_dict[split]  # type: ignore[misc]
        super().__init__(root, **kwargs)

    def _files(self) -> tuple[str, str]:
        part = f"emnist-{self.split}-{'train' if self.train else 'test'}"
        return f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"

    def _missing_files(self) -> list[str]:
        return [name.removesuffix(".gz") for name in self._files() if self._find(name) is None]

    def download(self) -> None:
        """Download the archive of all six datasets, and take the files of this one out of it."""
        if not self._missing_files():
            return
        filename, md5 = self.archive
        archive = download_file(filename, self.mirrors, self.raw_folder, md5)
        with zipfile.ZipFile(archive) as packed:
            for name in self._files():
                Path(self.raw_folder, name).write_bytes(packed.read(f"gzip/{name}"))

    def _load_data(self) -> tuple[Tensor, Tensor]:
        return self._load_pair(*self._files())
