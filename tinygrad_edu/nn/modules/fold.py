"""The path of PyTorch for windows: ``torch.nn.modules.fold``."""

from __future__ import annotations

from tinygrad_edu.nn.flatten import (
    Fold as Fold,
    Unfold as Unfold,
)
