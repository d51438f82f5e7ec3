"""The path of PyTorch for normalisation: ``torch.nn.modules.normalization``."""

from __future__ import annotations

from tinygrad_edu.nn.normalization import (
    GroupNorm as GroupNorm,
    LayerNorm as LayerNorm,
    LocalResponseNorm as LocalResponseNorm,
    RMSNorm as RMSNorm,
)
