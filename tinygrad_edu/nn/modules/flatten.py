"""The path of PyTorch for flattening: ``torch.nn.modules.flatten``."""

from __future__ import annotations

from tinygrad_edu.nn.flatten import (
    Flatten as Flatten,
    Unflatten as Unflatten,
)
