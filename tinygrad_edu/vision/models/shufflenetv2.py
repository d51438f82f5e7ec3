"""ShuffleNetV2: half of the channels pass untouched, and then the halves are mixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional as F
from tinygrad_edu.vision.models.building import refuse_weights, register_model


def _pointwise(inp: int, oup: int) -> list[nn.Module]:
    """Return a convolution of 1 x 1, normalization, ReLU."""
    return [nn.Conv2d(inp, oup, 1, bias=False), nn.BatchNorm2d(oup), nn.ReLU(inplace=True)]


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    """Return a convolution of 3 x 3 of each channel by itself, and normalization."""
    conv = nn.Conv2d(channels, channels, 3, stride, 1, bias=False, groups=channels)
    return [conv, nn.BatchNorm2d(channels)]


class InvertedResidual(nn.Module):
    """A unit of ShuffleNetV2 (the paper's figure 3c and, with a stride, 3d).

    ::

        x -- split --+------------------------------------------+-- concatenated -- channel shuffle -->
                     `-- 1x1 -- relu -- dw 3x3 -- 1x1 -- relu --'

    With a stride nothing is split: both branches get all channels, and the upper one is dw 3x3 -- 1x1 -- relu.
    """

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        features = oup // 2
        if stride == 1 and inp != 2 * features:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup} values. "
                "If stride == 1 then inp should be equal to oup // 2 << 1."
            )
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(*_depthwise(inp, stride), *_pointwise(inp, features))
        self.branch2 = nn.Sequential(
            *_pointwise(inp if stride > 1 else features, features),
            *_depthwise(features, stride),
            *_pointwise(features, features),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            kept, changed = x.chunk(2, dim=1)
            out = torch.cat((kept, self.branch2(changed)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return F.channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """A convolution, three stages of units, a convolution and a linear layer, for images (N, 3, H, W).

    Parameters
    ----------
    stages_repeats : sequence of int
        The number of units in each of the three stages.
    stages_out_channels : sequence of int
        The channels of the first convolution, of the stages and of the last convolution.
    num_classes : int
        The size of the output.
    inverted_residual : callable
        What makes the units.

    References
    ----------
    N. Ma, X. Zhang, H.-T. Zheng and J. Sun: "ShuffleNet V2: Practical Guidelines for Efficient CNN
    Architecture Design", ECCV 2018, arXiv:1807.11164, table 5.
    https://docs.pytorch.org/vision/stable/models/shufflenetv2.html
    """

    def __init__(
        self,
        stages_repeats: Sequence[int],
        stages_out_channels: Sequence[int],
        num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        first, stage2, stage3, stage4, last = stages_out_channels
        conv = nn.Conv2d(3, first, 3, 2, 1, bias=False)
        self.conv1 = nn.Sequential(conv, nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage2 = _stage(inverted_residual, first, stage2, stages_repeats[0])
        self.stage3 = _stage(inverted_residual, stage2, stage3, stages_repeats[1])
        self.stage4 = _stage(inverted_residual, stage3, stage4, stages_repeats[2])
        self.conv5 = nn.Sequential(*_pointwise(stage4, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))  # (N, C, H / 4, W / 4)
        x = self.stage4(self.stage3(self.stage2(x)))  # (N, C, H / 32, W / 32)
        x = self.conv5(x).mean([2, 3])
        return self.fc(x)


def _stage(unit: Callable[..., nn.Module], inp: int, oup: int, repeats: int) -> nn.Sequential:
    """Build a stage: the first unit halves the size."""
    return nn.Sequential(unit(inp, oup, 2), *[unit(oup, oup, 1) for _ in range(repeats - 1)])


@register_model
def shufflenet_v2_x0_5(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ShuffleNetV2:
    """ShuffleNetV2 with 0.5 times the channels."""
    refuse_weights("shufflenet_v2_x0_5", weights, kwargs)
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **kwargs)


@register_model
def shufflenet_v2_x1_0(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ShuffleNetV2:
    """ShuffleNetV2 with 1.0 times the channels."""
    refuse_weights("shufflenet_v2_x1_0", weights, kwargs)
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **kwargs)


@register_model
def shufflenet_v2_x1_5(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ShuffleNetV2:
    """ShuffleNetV2 with 1.5 times the channels."""
    refuse_weights("shufflenet_v2_x1_5", weights, kwargs)
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **kwargs)


@register_model
def shufflenet_v2_x2_0(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ShuffleNetV2:
    """ShuffleNetV2 with 2.0 times the channels."""
    refuse_weights("shufflenet_v2_x2_0", weights, kwargs)
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **kwargs)
