"""The path of PyTorch for upsampling: ``torch.nn.modules.upsampling``."""

from __future__ import annotations

from tinygrad_edu.nn.upsampling import (
    Upsample as Upsample,
    UpsamplingBilinear2d as UpsamplingBilinear2d,
    UpsamplingNearest2d as UpsamplingNearest2d,
)
