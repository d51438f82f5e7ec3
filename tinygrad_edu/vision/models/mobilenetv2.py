"""MobileNetV2: inverted residuals with linear bottlenecks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional as F
from tinygrad_edu.vision.models.building import make_divisible, refuse_weights, register_model
from tinygrad_edu.vision.ops import Conv2dNormActivation

Layer = Callable[..., nn.Module]

# The rows of the paper's table 2: expansion t, channels c, repetitions n, stride s of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """An inverted residual (the paper's figure 3b): narrow at both ends, wide between.

    ::

        x -- conv 1x1 (wider) -- bn -- relu6 -- depthwise 3x3 -- bn -- relu6 -- conv 1x1 (narrow) -- bn -- (+) -->
         `--------------------------- identity, if shape and channels stay ---------------------------------'
    """

    def __init__(
        self, inp: int, oup: int, stride: int, expand_ratio: int, norm_layer: Layer | None = None
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm_layer = norm_layer or nn.BatchNorm2d
        hidden = round(inp * expand_ratio)
        parts: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.ReLU6}
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, kernel_size=1, **parts))
        layers += [
            Conv2dNormActivation(hidden, hidden, stride=stride, groups=hidden, **parts),  # depthwise
            nn.Conv2d(hidden, oup, 1, 1, 0, bias=False),
            norm_layer(oup),  # linear: no activation after it
        ]
        self.conv = nn.Sequential(*layers)
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.out_channels = oup

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """A convolution, seventeen inverted residuals, a convolution and a linear layer, for images (N, 3, H, W).

    Parameters
    ----------
    num_classes : int
        The size of the output.
    width_mult : float
        All channels are multiplied by it.
    inverted_residual_setting : sequence of (t, c, n, s), optional
        Expansion, channels, repetitions and first stride of each stage; the paper's table 2 if left out.
    round_nearest : int
        Channels are rounded to multiples of it.
    block, norm_layer : callable, optional
        What makes the blocks and the normalizations.
    dropout : float
        The probability of dropout before the linear layer.

    References
    ----------
    M. Sandler et al.: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, arXiv:1801.04381,
    table 2.
    https://docs.pytorch.org/vision/stable/models/mobilenetv2.html
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        block, norm_layer = block or InvertedResidual, norm_layer or nn.BatchNorm2d
        stages = STAGES if inverted_residual_setting is None else inverted_residual_setting
        if len(stages) == 0 or len(stages[0]) != 4:
            raise ValueError(
                f"inverted_residual_setting should be non-empty or a 4-element list, got {stages}"
            )
        parts: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.ReLU6}
        channels = make_divisible(32 * width_mult, round_nearest)
        features: list[nn.Module] = [Conv2dNormActivation(3, channels, stride=2, **parts)]
        for expansion, wanted, repetitions, stride in stages:
            out_channels = make_divisible(wanted * width_mult, round_nearest)
            for i in range(repetitions):
                step = stride if i == 0 else 1
                features.append(
                    block(channels, out_channels, step, expand_ratio=expansion, norm_layer=norm_layer)
                )
                channels = out_channels
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features.append(Conv2dNormActivation(channels, self.last_channel, kernel_size=1, **parts))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
            else:
                continue
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


@register_model
def mobilenet_v2(*, weights: None = None, progress: bool = True, **kwargs: Any) -> MobileNetV2:
    """MobileNetV2; the arguments are those of :class:`MobileNetV2`."""
    refuse_weights("mobilenet_v2", weights, kwargs)
    return MobileNetV2(**kwargs)
