"""The path of PyTorch for embeddings: ``torch.nn.modules.sparse``."""

from __future__ import annotations

from tinygrad_edu.nn.sparse import (
    Embedding as Embedding,
    EmbeddingBag as EmbeddingBag,
)
