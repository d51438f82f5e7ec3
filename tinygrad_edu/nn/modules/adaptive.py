"""The path of PyTorch for the adaptive softmax: ``torch.nn.modules.adaptive``."""

from __future__ import annotations

from tinygrad_edu.nn.adaptive_softmax import (
    AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss,
    _ASMoutput as _ASMoutput,
)
