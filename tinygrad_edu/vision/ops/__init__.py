"""Blocks that several networks are built of: what ``torchvision.ops`` is to PyTorch, without boxes and masks."""

from __future__ import annotations

from tinygrad_edu.vision.ops.misc import MLP, Conv2dNormActivation, SqueezeExcitation
from tinygrad_edu.vision.ops.stochastic_depth import StochasticDepth, stochastic_depth

__all__ = ["MLP", "Conv2dNormActivation", "SqueezeExcitation", "StochasticDepth", "stochastic_depth"]
