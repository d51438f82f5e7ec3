"""The path of PyTorch for instance normalisation: ``torch.nn.modules.instancenorm``."""

from __future__ import annotations

from tinygrad_edu.nn.batch_norm import (
    InstanceNorm1d as InstanceNorm1d,
    InstanceNorm2d as InstanceNorm2d,
    InstanceNorm3d as InstanceNorm3d,
    _InstanceNorm as _InstanceNorm,
)
from tinygrad_edu.nn.lazy import (
    LazyInstanceNorm1d as LazyInstanceNorm1d,
    LazyInstanceNorm2d as LazyInstanceNorm2d,
    LazyInstanceNorm3d as LazyInstanceNorm3d,
)
