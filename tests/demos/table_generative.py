"""Demos 10 and 11: what a quick run prints and leaves, and what is trained on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "10_autoencoder.py",
        [],
        [
            r"^data: 1,000 digits to learn from, 500 to test on$",
            r"^numbers  parameters  network  principal components$",
            r"^      2     469,010  +-?\d+\.\d %  +1\d\.\d %$",  # components need no training
            r"^     32     476,720  +-?\d+\.\d %  +7\d\.\d %$",
        ],
        ["bottleneck.png"],
    ),
    (
        "11_gan.py",
        [],
        [
            r"^data: 640 digits; who is to judge reads [78]\d\.\d % of 500 others$",
            r"^epoch 1: the discriminator's loss [01]\.\d\d; of the drawn digits \d+\.\d % can be read$",
            r"^\d+\.\d % of 1,000 drawn digits are read as what they should be$",
        ],
        ["drawn_digits.png"],
    ),
]

# A file, a model in it, how many different digits or pushes there are, and a learning rate.
MODELS = [
    ("10_autoencoder.py", "Autoencoder(4, hidden_size=16)", 10, 0.005),
    ("11_gan.py", "GAN(channels=2)", 10, 0.005),
]


def hidden_pixels(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of images of which some pixels are hidden, and the whole ones."""
    whole = np.random.default_rng(0).random((5, 6, 784)) ** 4
    return [(images * (images < 0.9), images) for images in whole]


def images_and_noise(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of images, their digits, and noise to draw others from."""
    rng = np.random.default_rng(0)
    return [
        (
            np.sign(rng.uniform(-1, 1, (6, 1, 28, 28))),
            rng.integers(0, digits, 6),
            rng.standard_normal((6, 32)),
        )
        for _ in range(5)
    ]


BATCHES = {"10_autoencoder.py": hidden_pixels, "11_gan.py": images_and_noise}
