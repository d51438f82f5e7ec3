"""Demos 12 and 13: what a quick run prints and leaves, and what is trained on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "12_dqn.py",
        [],
        [
            r"^step    100: the pole stays up for \d+\.\d pushes$",
            r"^afterwards: \d+\.\d pushes of 500; \d+ of 100 poles stay up$",
        ],
        ["dqn.png"],
    ),
    (
        "13_policy_gradient.py",
        [],
        [
            r"^before: the pole stays up for \d+\.\d pushes$",
            r"^afterwards: \d+\.\d pushes of 500; \d+ of 100 poles stay up$",
        ],
        ["policy_gradient.png"],
    ),
]

# A file, a model in it, how many different digits or pushes there are, and a learning rate.
MODELS = [
    ("12_dqn.py", "DQN(hidden_size=16)", 2, 0.005),
    ("13_policy_gradient.py", "Policy(hidden_size=16)", 2, 0.01),
]


def pushes_and_what_followed(demo: dict[str, Any], pushes: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of states, pushes, the next states, and whether the poles have fallen."""
    rng, batches = np.random.default_rng(0), []
    for _ in range(5):
        states = rng.standard_normal((8, 4))
        next_states = states + 0.1 * rng.standard_normal((8, 4))
        batches.append((states, rng.integers(0, pushes, 8), next_states, (states[:, 2] > 0.5).astype(float)))
    return batches


def pushes_and_advantages(demo: dict[str, Any], pushes: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of states, pushes, and how good those were."""
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((8, 4)), rng.integers(0, pushes, 8), rng.random(8)) for _ in range(5)]


BATCHES = {"12_dqn.py": pushes_and_what_followed, "13_policy_gradient.py": pushes_and_advantages}
