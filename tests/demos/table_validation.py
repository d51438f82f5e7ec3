"""Demos 20 to 24, but for 22: what a quick run prints and leaves, and their networks beside PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMBERS = r"( +\d+\.\d)"

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "20_adversarial.py",
        [],
        [
            r"^data: 1,000 digits to learn from, 50 to test on$",
            r"^against the attack, epoch 2: loss \d\.\d{3}$",
            rf"^usual, noise {NUMBERS}{{6}}$",
            rf"^against attacks, PGD {NUMBERS}{{6}}$",
        ],
        ["adversarial.png"],
    ),
    (
        "21_fine_tuning.py",
        [],
        [
            r"^data: 1,000 digits from 0 to 4, some from 5 to 9, 500 of these to test on$",
            r"^0 to 4 are read rightly: [89]\d\.\d %$",
            rf"^from nothing +right, %{NUMBERS}{{2}}$",
            rf"^convolutions frozen +right, %{NUMBERS}{{2}}$",
        ],
        ["fine_tuning.png"],
    ),
    (
        "23_validation.py",
        [],
        [
            r"^data: 500 digits to choose and to learn by, 300 to test on$",
            r"^16 hidden units: accuracy \d\d\.\d\d %, from fold to fold \+- \d+\.\d\d$",
            r"^chosen: (no hidden layer|16 hidden units|64 hidden units); trained for",
            r"^ +9( +\d\.\d{3}){3} +[01]\.\d{4}$",
            r"^ mean( +\d\.\d{3}){3} +0\.\d{4}$",
            r"^is it an 8\? always no: accuracy [89]\d\.\d %, F1 0\.000$",
            r"^test accuracy: \d\d\.\d\d %$",
        ],
        ["validation.png"],
    ),
    (
        "24_early_stopping.py",
        [],
        [
            r"^data: 400 digits to learn from, 200 set aside, 2,000 to test on$",
            r"^early stopping +[12]\.0 +\d\.\d{4} +\d\.\d{3} +\d\d\.\d\d %$",
        ],
        ["early_stopping.png"],
    ),
]

WITH_ESTIMATOR = [row for row in RUNS if row[0] == "23_validation.py"]

# A file, a model in it, how many different letters or digits the model knows, and a learning rate.
MODELS = [
    ("20_adversarial.py", "CNN(channels=4)", 10, 0.01),
    ("21_fine_tuning.py", "CNN(channels=4)", 5, 0.003),
    ("21_fine_tuning.py", "for_new_digits(CNN(channels=4), 'convolutions frozen')", 5, 0.003),
    ("24_early_stopping.py", "MLP(hidden_size=16)", 10, 0.005),
]


def images_and_starts(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of images, with a bright row for each label, labels, and places where an attack starts."""
    rng, batches = np.random.default_rng(0), []
    for _ in range(5):
        labels = rng.integers(0, digits, 6)
        images = 0.3 * rng.random((6, 1, 28, 28))
        images[range(6), 0, 2 * labels + 4] += 0.7
        batches.append((images, labels, rng.uniform(-1, 1, images.shape)))
    return batches


def images_and_labels(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of images with one channel."""
    return [(images, labels) for images, labels, _ in images_and_starts(demo, digits)]


BATCHES = {
    "20_adversarial.py": images_and_starts,
    "21_fine_tuning.py": images_and_labels,
    "24_early_stopping.py": images_and_labels,
}
