"""The path of PyTorch for what makes a layer lazy: ``torch.nn.modules.lazy``."""

from __future__ import annotations

from tinygrad_edu.nn.lazy import (
    LazyModuleMixin as LazyModuleMixin,
)
