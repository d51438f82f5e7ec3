"""The path of PyTorch for the base of all layers: ``torch.nn.modules.module``."""

from __future__ import annotations

from tinygrad_edu.nn.module import (
    Module as Module,
)
