"""Linear layers.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#linear-layers
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_ints
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import FiledParameter, Parameter


class Identity(Module):
    """Returns its input; the arguments are ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x W^T + b: (*, in_features) -> (*, out_features).

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last dimension of input and output.
    bias : bool
        Whether to add b.
    device, dtype
        Of the parameters.

    Notes
    -----
    ``weight`` (out_features, in_features) and ``bias`` (out_features,) start evenly distributed over [-k, k]
    with k = 1 / sqrt(in_features).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.Linear(20, 30)(torch.randn(128, 20)).shape
    torch.Size([128, 30])
    """

    weight = FiledParameter()
    bias = FiledParameter()

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(creation.empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(creation.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        reset_weight_and_bias(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"


def reset_weight_and_bias(weight: Tensor, bias: Tensor | None) -> None:
    """Draw both evenly from [-k, k] with k = 1 / sqrt(fan_in), as PyTorch's linear and convolution layers do.

    For the weight this is the rule of He et al. with a leaky_relu of slope sqrt(5), whose gain is sqrt(1 /
    3).
    """
    fan_in, _ = init._calculate_fan_in_and_fan_out(weight)
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
        init.uniform_(bias, -bound, bound)


class Bilinear(Module):
    """y_k = x1^T W_k x2 + b_k: (*, in1_features) and (*, in2_features) -> (*, out_features).

    ``weight`` (out_features, in1_features, in2_features) and ``bias`` (out_features,) start evenly
    distributed over [-k, k] with k = 1 / sqrt(in1_features).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_ints(
            "Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features
        )
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(creation.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(creation.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}"
        return f"{sizes}, out_features={self.out_features}, bias={self.bias is not None}"
