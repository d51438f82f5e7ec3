"""The path of PyTorch for pixels and channels: ``torch.nn.modules.pixelshuffle``."""

from __future__ import annotations

from tinygrad_edu.nn.flatten import (
    PixelShuffle as PixelShuffle,
    PixelUnshuffle as PixelUnshuffle,
)
