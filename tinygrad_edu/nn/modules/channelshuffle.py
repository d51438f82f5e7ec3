"""The path of PyTorch for dealt channels: ``torch.nn.modules.channelshuffle``."""

from __future__ import annotations

from tinygrad_edu.nn.flatten import (
    ChannelShuffle as ChannelShuffle,
)
