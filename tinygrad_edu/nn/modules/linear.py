"""The path of PyTorch for linear layers: ``torch.nn.modules.linear``."""

from __future__ import annotations

from tinygrad_edu.nn.lazy import (
    LazyLinear as LazyLinear,
)
from tinygrad_edu.nn.linear import (
    Bilinear as Bilinear,
    Identity as Identity,
    Linear as Linear,
)
