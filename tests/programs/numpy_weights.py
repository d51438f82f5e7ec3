"""The same first weights in both packages, whose random numbers differ."""

from __future__ import annotations

from typing import Any

import numpy as np


def set_weights(model: Any, seed: int = 0, scale: float = 0.2) -> None:
    """Fill the parameters of a model with normal numbers drawn by NumPy."""
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data.copy_(p.data.new_tensor(scale * rng.standard_normal(tuple(p.shape))))
