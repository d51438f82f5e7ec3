"""The path of PyTorch for batch normalisation: ``torch.nn.modules.batchnorm``."""

from __future__ import annotations

from tinygrad_edu.nn.batch_norm import (
    BatchNorm1d as BatchNorm1d,
    BatchNorm2d as BatchNorm2d,
    BatchNorm3d as BatchNorm3d,
    _BatchNorm as _BatchNorm,
    _NormBase as _NormBase,
)
from tinygrad_edu.nn.lazy import (
    LazyBatchNorm1d as LazyBatchNorm1d,
    LazyBatchNorm2d as LazyBatchNorm2d,
    LazyBatchNorm3d as LazyBatchNorm3d,
    _LazyNormBase as _LazyNormBase,
)
from tinygrad_edu.nn.sync_batch_norm import (
    SyncBatchNorm as SyncBatchNorm,
)
