"""Demos 14 and 16, of words: what a quick run prints and leaves, and the batches of 50 steps on both engines."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

Batches = list[tuple[np.ndarray, ...]]

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "14_text_classification.py",
        [],
        [
            r"^data: 809 paragraphs to learn from, 144 of other articles to test on$",
            r"^whole: 7,824 pieces; languages found, by words: (\d+: \d+\.\d %, ){5}12: \d+\.\d %$",
            r"^letters: 30,177 pieces; languages found",
            r"^[A-Z][a-z]+ +nevím proč kočka spí pod stolem  \(most of all: [^ ]+\)$",
            r"^sentences from elsewhere: \d+ of 16 are right$",
        ],
        ["languages.png"],
    ),
    (
        "16_multi_modal.py",
        [],
        [
            r"^data: 960 scenes to learn from, 240 of other pairs of things$",
            r"^epoch 1: \d+\.\d % of the captions find their picture$",
            r"^unseen pairs: caption to picture \d+\.\d %, picture to caption \d+\.\d %$",
            r"^pairs never seen together: \d+ of 240 captions find their picture among all of them$",
        ],
        ["captions.png"],
    ),
]

MODELS = [
    ("14_text_classification.py", "Classifier(40, 5)", 5, 0.02),
    ("16_multi_modal.py", "CLIP(size=8, channels=2, hidden_size=8)", 10, 0.01),
]


def bags(demo: dict[str, Any], languages: int) -> Batches:
    """Return five batches of bags of pieces, which languages have more or less often; one bag is empty."""
    rng, batches = np.random.default_rng(0), []
    for _ in range(5):
        answers = rng.integers(0, languages, 6)
        texts = [(rng.integers(0, 16, rng.integers(1, 9)) + 6 * answer) for answer in answers]
        texts[3] = texts[3][:0]
        starts = np.cumsum([0, *map(len, texts[:-1])])
        batches.append((np.concatenate(texts), starts, answers))
    return batches


def scenes(demo: dict[str, Any], count: int) -> Batches:
    """Return five batches of pictures and captions."""
    rng = random.Random(0)
    drawn = [demo["make_batch"](rng.sample(demo["make_scenes"](0)[0], count), rng) for _ in range(5)]
    return [(pictures.numpy().astype(np.float64), captions.numpy()) for pictures, captions in drawn]


BATCHES = {"14_text_classification.py": bags, "16_multi_modal.py": scenes}
