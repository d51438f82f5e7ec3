"""The path of PyTorch for distances: ``torch.nn.modules.distance``."""

from __future__ import annotations

from tinygrad_edu.nn.distance import (
    CosineSimilarity as CosineSimilarity,
    PairwiseDistance as PairwiseDistance,
)
