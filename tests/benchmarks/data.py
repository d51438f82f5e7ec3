"""The numbers that programs start from, for every engine the same. It needs NumPy only."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

MNIST_FOLDER = "BENCHMARK_MNIST"
"""Environment variable: a folder with the full MNIST, itself or in ``MNIST/raw``."""

DIGITS = "BENCHMARK_DIGITS"
"""Environment variable: how many digits make an epoch, where only a look at the program is wanted."""

EMBEDDED = (
    Path(__file__).resolve().parents[2] / "tinygrad_edu" / "vision" / "datasets" / "mnist_small" / "raw"
)


def mlp_start() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return a batch (64, 784), its labels (64,), and the four parameters of 784-128-10 as PyTorch stores them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 784), dtype=np.float32)
    y = rng.integers(0, 10, 64)
    shapes = [(128, 784), (128,), (10, 128), (10,)]
    return x, y, [(0.03 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes]


def read_idx(path: Path, header: int) -> np.ndarray:
    """Return the bytes of an IDX file behind its header."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(content, np.uint8, offset=header)


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 60,000 images (60000, 1, 28, 28) of bytes and their labels (60000,).

    They are MNIST's, if the environment variable ``BENCHMARK_MNIST`` names its folder; otherwise the embedded
    10,000 six times over, which costs the same time. With ``BENCHMARK_DIGITS`` only the first so many.
    """
    folder = Path(os.environ.get(MNIST_FOLDER) or EMBEDDED)
    if (folder / "MNIST" / "raw").is_dir():
        folder = folder / "MNIST" / "raw"
    images_path, labels_path = (
        next(iter(sorted(folder.glob(f"train-{name}-ubyte*"))), folder / f"train-{name}-ubyte.gz")
        for name in ("images-idx3", "labels-idx1")
    )
    images = read_idx(images_path, header=16).reshape(-1, 1, 28, 28)
    labels = read_idx(labels_path, header=8).astype(np.int64)
    times = 60_000 // len(images)
    count = int(os.environ.get(DIGITS, 60_000))
    return np.tile(images, (times, 1, 1, 1))[:count], np.tile(labels, times)[:count]
