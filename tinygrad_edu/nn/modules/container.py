"""The path of PyTorch for containers: ``torch.nn.modules.container``."""

from __future__ import annotations

from tinygrad_edu.nn.container import (
    ModuleDict as ModuleDict,
    ModuleList as ModuleList,
    Sequential as Sequential,
)
from tinygrad_edu.nn.parameter_container import (
    ParameterDict as ParameterDict,
    ParameterList as ParameterList,
)
