"""The path of PyTorch for dropout: ``torch.nn.modules.dropout``."""

from __future__ import annotations

from tinygrad_edu.nn.dropout import (
    AlphaDropout as AlphaDropout,
    Dropout as Dropout,
    Dropout1d as Dropout1d,
    Dropout2d as Dropout2d,
    Dropout3d as Dropout3d,
    FeatureAlphaDropout as FeatureAlphaDropout,
    _DropoutNd as _DropoutNd,
)
