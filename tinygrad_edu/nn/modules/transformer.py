"""The path of PyTorch for the Transformer: ``torch.nn.modules.transformer``."""

from __future__ import annotations

from tinygrad_edu.nn.transformer import (
    Transformer as Transformer,
    TransformerDecoder as TransformerDecoder,
    TransformerEncoder as TransformerEncoder,
)
from tinygrad_edu.nn.transformer_layer import (
    TransformerDecoderLayer as TransformerDecoderLayer,
    TransformerEncoderLayer as TransformerEncoderLayer,
)
