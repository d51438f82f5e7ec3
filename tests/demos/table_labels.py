"""Demos 15 and 17 to 19, of labels: what a quick run prints and leaves, and the batches of 50 steps on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np

Batches = list[tuple[np.ndarray, ...]]

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "15_multi_task.py",
        [],
        [
            r"^data: 1,000 digits to learn from, 500 to test on$",
            r"^value +\d+\.\d\d +\d+\.\d\d  % wrong$",
            r"^slant +\d+\.\d\d +\d+\.\d\d  degrees off$",
            r"^\d+\.\d % of the digits are even or odd as their value says$",
        ],
        ["four_tasks.png"],
    ),
    (
        "17_zero_shot.py",
        [],
        [
            r"^data: 280 beasts of 28 kinds to learn from$",
            r"^by kind +\d+\.\d % +0\.0 % +\d+\.\d %$",
            r"^by description +\d+\.\d % +\d+\.\d % +\d+\.\d %$",
            r"^\d+\.\d % of the beasts that were never shown are named, of 34 kinds$",
        ],
        ["beasts.png"],
    ),
    (
        "18_semi_supervised.py",
        [],
        [
            r"^data: 100 digits with labels, 900 without, 500 to test on$",
            r"^labels alone: \d+\.\d\d % of the test digits are read$",
            r"^it is sure of \d+\.\d % of the digits without labels$",
            r"^mistakes: \d+\.\d % with labels alone, \d+\.\d % with its own as well$",
        ],
        ["few_labels.png"],
    ),
    (
        "19_self_supervised.py",
        [],
        [
            r"^data: 1,500 digits without labels to learn from, 500 to test on$",
            r"^epoch 1: loss [45]\.\d{3}$",  # by chance it is 5.5
            r"^ +100( +\d+\.\d){4}$",
            r"^with 100 labels: \d+\.\d % are read from features, \d+\.\d % from pixels$",
        ],
        ["without_labels.png"],
    ),
]

MODELS = [
    ("15_multi_task.py", "Net(list(TASKS), channels=2, hidden_size=8)", 10, 0.005),
    ("17_zero_shot.py", "ByKind(channels=2)", 34, 0.01),
    ("17_zero_shot.py", "ByDescription(channels=2)", 34, 0.01),
    ("18_semi_supervised.py", "CNN(channels=2, hidden_size=8)", 10, 0.01),
    ("19_self_supervised.py", "SimCLR(channels=4, features=32)", 10, 0.002),
]


def blobs(rng: np.random.Generator, labels: np.ndarray, side: int) -> np.ndarray:
    """Return an image for each label: a bright place that depends on it, and noise."""
    images = 0.3 * rng.random((len(labels), 1, side, side))
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label) % 25, 5)
        image[0, 5 * row + 2 : 5 * row + 7, 5 * column + 2 : 5 * column + 7] += 0.7
    return images


def four_answers(demo: dict[str, Any], digits: int) -> Batches:
    """Return five batches of images, and of value, parity, thickness and slant."""
    rng, batches = np.random.default_rng(0), []
    for _ in range(5):
        values = rng.integers(0, digits, 6)
        answers = np.stack([values, values % 2, 2 + values / 10, 3.0 * values], axis=1)
        batches.append((blobs(rng, values, 28), answers))
    return batches


def kinds(demo: dict[str, Any], count: int) -> Batches:
    """Return five batches of pictures and numbers of kinds."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, count, (5, 6))
    return [(blobs(rng, some, 32), some) for some in labels]


def labeled_and_not(demo: dict[str, Any], digits: int) -> Batches:
    """Return five batches of images, their labels, and other images, moved a little and a lot."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, digits, (5, 2, 6))
    return [
        (blobs(rng, some, 28), some, blobs(rng, others, 28), blobs(rng, others, 28))
        for some, others in labels
    ]


def two_views(demo: dict[str, Any], digits: int) -> Batches:
    """Return five batches of two images each of the same things."""
    rng = np.random.default_rng(0)
    return [(blobs(rng, np.arange(digits), 28), blobs(rng, np.arange(digits), 28)) for _ in range(5)]


BATCHES = {
    "15_multi_task.py": four_answers,
    "17_zero_shot.py": kinds,
    "18_semi_supervised.py": labeled_and_not,
    "19_self_supervised.py": two_views,
}
