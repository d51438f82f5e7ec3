"""EfficientNet: depth, width and resolution grown together, from blocks found by a search."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import make_divisible, refuse_weights, register_model
from tinygrad_edu.vision.ops import Conv2dNormActivation, SqueezeExcitation, StochasticDepth

Layer = Callable[..., nn.Module]


@dataclass
class _StageConfig:
    """One stage: a row of the paper's table."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Layer

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        """Multiply a number of channels, and round to a multiple of 8."""
        return make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_StageConfig):
    """A stage of :class:`MBConv` blocks, its channels and layers multiplied."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Layer | None = None,
    ) -> None:
        input_channels = self.adjust_channels(input_channels, width_mult)
        out_channels = self.adjust_channels(out_channels, width_mult)
        num_layers = self.adjust_depth(num_layers, depth_mult)
        super().__init__(
            expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or MBConv
        )

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """Multiply a number of layers, and round up."""
        return math.ceil(num_layers * depth_mult)


class FusedMBConvConfig(_StageConfig):
    """A stage of :class:`FusedMBConv` blocks."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Layer | None = None,
    ) -> None:
        super().__init__(
            expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or FusedMBConv
        )


class _Residual(nn.Module):
    """What both kinds of block share: ``x + stochastic depth(block(x))``, the sum where the shape stays."""

    def __init__(self, cnf: _StageConfig, layers: list[nn.Module], stochastic_depth_prob: float) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        return self.stochastic_depth(result) + input if self.use_res_connect else result


class MBConv(_Residual):
    """MobileNetV2's inverted residual with squeeze-and-excitation.

    ::

    x -- conv 1x1 (wider) -- depthwise k x k -- squeeze-and-excitation -- conv 1x1 (narrow) -- (+) -->
     `------------------------- identity, if the shape stays -----------------------------------'
    """

    def __init__(
        self,
        cnf: MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Layer,
        se_layer: Layer = SqueezeExcitation,
    ) -> None:
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(conv(cnf.input_channels, wide, kernel_size=1))
        squeezed = max(1, cnf.input_channels // 4)
        layers += [
            conv(wide, wide, kernel_size=cnf.kernel, stride=cnf.stride, groups=wide),
            se_layer(wide, squeezed, activation=partial(nn.SiLU, inplace=True)),
            conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None),
        ]
        super().__init__(cnf, layers, stochastic_depth_prob)


class FusedMBConv(_Residual):
    """The block of EfficientNetV2's first stages: one whole convolution for the first two of :class:`MBConv`."""

    def __init__(self, cnf: FusedMBConvConfig, stochastic_depth_prob: float, norm_layer: Layer) -> None:
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        window = {"kernel_size": cnf.kernel, "stride": cnf.stride}
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        if wide == cnf.input_channels:
            layers: list[nn.Module] = [conv(cnf.input_channels, cnf.out_channels, **window)]  # type: ignore[arg-type]
        else:
            layers = [
                conv(cnf.input_channels, wide, **window),  # type: ignore[arg-type]
                conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None),
            ]
        super().__init__(cnf, layers, stochastic_depth_prob)


class EfficientNet(nn.Module):
    """A convolution, seven or so stages of blocks, a convolution and a linear layer, for images (N, 3, H, W).

    Parameters
    ----------
    inverted_residual_setting : sequence of MBConvConfig or FusedMBConvConfig
        The stages.
    dropout : float
        The probability of dropout before the linear layer.
    stochastic_depth_prob : float
        With which a residual branch is left out; it grows from 0 to this from the first block to the last.
    num_classes : int
        The size of the output.
    norm_layer : callable, optional
        What makes the normalizations; batch normalization if left out.
    last_channel : int, optional
        The channels of the last convolution; four times those before it if left out.

    References
    ----------
    M. Tan and Q. Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
    arXiv:1905.11946, table 1; "EfficientNetV2: Smaller Models and Faster Training", ICML 2021,
    arXiv:2104.00298, table 4.
    https://docs.pytorch.org/vision/stable/models/efficientnet.html
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Layer | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        stages = inverted_residual_setting
        if not stages:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not isinstance(stages, Sequence) or not all(isinstance(stage, _StageConfig) for stage in stages):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm_layer = norm_layer or nn.BatchNorm2d
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        channels = stages[-1].out_channels
        last_channels = 4 * channels if last_channel is None else last_channel
        self.features = nn.Sequential(
            conv(3, stages[0].input_channels, kernel_size=3, stride=2),
            *_stages(stages, stochastic_depth_prob, norm_layer),
            conv(channels, last_channels, kernel_size=1),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout, inplace=True), nn.Linear(last_channels, num_classes)
        )
        self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                bound = 1.0 / math.sqrt(module.out_features)
                nn.init.uniform_(module.weight, -bound, bound)
            else:
                continue
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


def _stages(stages: Sequence[_StageConfig], last_prob: float, norm_layer: Layer) -> list[nn.Module]:
    """Build the stages: the first block of each changes size and channels, the others keep both."""
    total = sum(stage.num_layers for stage in stages)
    built: list[nn.Module] = []
    number = 0
    for stage in stages:
        config = copy.copy(stage)
        blocks = []
        for _ in range(stage.num_layers):
            blocks.append(config.block(config, last_prob * number / total, norm_layer))
            config = copy.copy(config)
            config.input_channels, config.stride = config.out_channels, 1
            number += 1
        built.append(nn.Sequential(*blocks))
    return built


def _stages_b(width_mult: float, depth_mult: float) -> list[MBConvConfig]:
    """Return the stages of EfficientNet-B0, its channels and layers multiplied."""
    stage = partial(MBConvConfig, width_mult=width_mult, depth_mult=depth_mult)
    return [
        stage(1, 3, 1, 32, 16, 1),
        stage(6, 3, 2, 16, 24, 2),
        stage(6, 5, 2, 24, 40, 2),
        stage(6, 3, 2, 40, 80, 3),
        stage(6, 5, 1, 80, 112, 3),
        stage(6, 5, 2, 112, 192, 4),
        stage(6, 3, 1, 192, 320, 1),
    ]


STAGES_V2_S: list[MBConvConfig | FusedMBConvConfig] = [
    FusedMBConvConfig(1, 3, 1, 24, 24, 2),
    FusedMBConvConfig(4, 3, 2, 24, 48, 4),
    FusedMBConvConfig(4, 3, 2, 48, 64, 4),
    MBConvConfig(4, 3, 2, 64, 128, 6),
    MBConvConfig(6, 3, 1, 128, 160, 9),
    MBConvConfig(6, 3, 2, 160, 256, 15),
]


def _efficientnet_b(
    name: str, width_mult: float, depth_mult: float, weights: None, options: dict[str, Any]
) -> EfficientNet:
    refuse_weights(name, weights, options)
    return EfficientNet(_stages_b(width_mult, depth_mult), **options)


@register_model
def efficientnet_b0(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B0, the network that the others multiply."""
    options = {"dropout": 0.2, **kwargs}
    return _efficientnet_b("efficientnet_b0", 1.0, 1.0, weights, options)


@register_model
def efficientnet_b1(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B1: 1.0 times the channels and 1.1 times the layers of B0."""
    options = {"dropout": 0.2, **kwargs}
    return _efficientnet_b("efficientnet_b1", 1.0, 1.1, weights, options)


@register_model
def efficientnet_b2(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B2: 1.1 times the channels and 1.2 times the layers of B0."""
    options = {"dropout": 0.3, **kwargs}
    return _efficientnet_b("efficientnet_b2", 1.1, 1.2, weights, options)


@register_model
def efficientnet_b3(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B3: 1.2 times the channels and 1.4 times the layers of B0."""
    options = {"dropout": 0.3, **kwargs}
    return _efficientnet_b("efficientnet_b3", 1.2, 1.4, weights, options)


@register_model
def efficientnet_b4(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B4: 1.4 times the channels and 1.8 times the layers of B0."""
    options = {"dropout": 0.4, **kwargs}
    return _efficientnet_b("efficientnet_b4", 1.4, 1.8, weights, options)


@register_model
def efficientnet_b5(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B5: 1.6 times the channels and 2.2 times the layers of B0."""
    options = {"dropout": 0.4, "norm_layer": partial(nn.BatchNorm2d, eps=0.001, momentum=0.01), **kwargs}
    return _efficientnet_b("efficientnet_b5", 1.6, 2.2, weights, options)


@register_model
def efficientnet_b6(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B6: 1.8 times the channels and 2.6 times the layers of B0."""
    options = {"dropout": 0.5, "norm_layer": partial(nn.BatchNorm2d, eps=0.001, momentum=0.01), **kwargs}
    return _efficientnet_b("efficientnet_b6", 1.8, 2.6, weights, options)


@register_model
def efficientnet_b7(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNet-B7: 2.0 times the channels and 3.1 times the layers of B0."""
    options = {"dropout": 0.5, "norm_layer": partial(nn.BatchNorm2d, eps=0.001, momentum=0.01), **kwargs}
    return _efficientnet_b("efficientnet_b7", 2.0, 3.1, weights, options)


@register_model
def efficientnet_v2_s(*, weights: None = None, progress: bool = True, **kwargs: Any) -> EfficientNet:
    """EfficientNetV2-S."""
    refuse_weights("efficientnet_v2_s", weights, kwargs)
    norm_layer = partial(nn.BatchNorm2d, eps=1e-3)
    options = {"dropout": 0.2, "last_channel": 1280, "norm_layer": norm_layer, **kwargs}
    return EfficientNet(STAGES_V2_S, **options)
