"""ResNet and its relatives: blocks that learn what is to be added to their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import refuse_weights, register_model

NormLayer = Callable[..., nn.Module]


def conv3x3(
    in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """Return a convolution of 3 x 3 that keeps the size, but for the stride."""
    options = {"stride": stride, "padding": dilation, "groups": groups, "dilation": dilation}
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, bias=False, **options)  # type: ignore[arg-type]


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution of 1 x 1: a linear map of each pixel's channels."""
    return nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two convolutions of 3 x 3 beside a shortcut (the paper's figure 5, left).

    ::

        x -- conv 3x3 -- bn -- relu -- conv 3x3 -- bn -- (+) -- relu -->
         `------------------ identity -------------------'

    ``downsample`` takes the identity's place where size or channels change.
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: NormLayer | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class Bottleneck(nn.Module):
    """A convolution of 3 x 3 on fewer channels, beside a shortcut (the paper's figure 5, right).

    ::

        x -- conv 1x1 -- bn -- relu -- conv 3x3 -- bn -- relu -- conv 1x1 -- bn -- (+) -- relu -->
         `----------------------------- identity ---------------------------------'

    The stride is at the 3 x 3 convolution, where the paper has it at the first one ("ResNet v1.5").
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: NormLayer | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class ResNet(nn.Module):
    """A first convolution, four groups of residual blocks, and a linear layer, for images (N, 3, H, W).

    Parameters
    ----------
    block : {BasicBlock, Bottleneck}
        The class of the blocks.
    layers : sequence of int
        The number of blocks in each of the four groups.
    num_classes : int
        The size of the output.
    zero_init_residual : bool
        Let each block start as the identity: the last normalization multiplies by zero.
    groups, width_per_group : int
        Groups of the 3 x 3 convolutions, and channels in each (of the first group of blocks).
    replace_stride_with_dilation : sequence of bool, optional
        For each of the last three groups whether it keeps the size and widens its kernels instead.
    norm_layer : callable, optional
        What makes the normalizations; batch normalization if left out.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun: "Deep Residual Learning for Image Recognition", CVPR 2016,
    arXiv:1512.03385, table 1. S. Xie et al.: "Aggregated Residual Transformations for Deep Neural Networks"
    (ResNeXt), arXiv:1611.05431. S. Zagoruyko and N. Komodakis: "Wide Residual Networks", arXiv:1605.07146.
    https://docs.pytorch.org/vision/stable/models/resnet.html
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: NormLayer | None = None,
    ) -> None:
        super().__init__()
        dilate = (
            (False, False, False) if replace_stride_with_dilation is None else replace_stride_with_dilation
        )
        if len(dilate) != 3:
            raise ValueError(
                f"replace_stride_with_dilation should be None or a 3-element tuple, got {dilate}"
            )
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes = 64
        self.dilation = 1
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2, dilate=dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self._init_weights(zero_init_residual)

    def _make_layer(
        self, block: type[Any], planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        """Build a group of blocks: the first one changes size and channels, the others keep both."""
        first_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        out_planes = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != out_planes:
            downsample = nn.Sequential(
                conv1x1(self.inplanes, out_planes, stride), self._norm_layer(out_planes)
            )
        options = (self.groups, self.base_width)
        layers = [
            block(self.inplanes, planes, stride, downsample, *options, first_dilation, self._norm_layer)
        ]
        for _ in range(1, blocks):
            layers.append(block(out_planes, planes, 1, None, *options, self.dilation, self._norm_layer))
        self.inplanes = out_planes
        return nn.Sequential(*layers)

    def _init_weights(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init_residual and isinstance(module, BasicBlock | Bottleneck):
                last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))  # (N, 64, H / 4, W / 4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (N, 512 * expansion, H / 32, W / 32)
        return self.fc(torch.flatten(self.avgpool(x), 1))


@register_model
def resnet18(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 18 layers."""
    refuse_weights("resnet18", weights, kwargs)
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


@register_model
def resnet34(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 34 layers."""
    refuse_weights("resnet34", weights, kwargs)
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


@register_model
def resnet50(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 50 layers."""
    refuse_weights("resnet50", weights, kwargs)
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)


@register_model
def resnet101(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 101 layers."""
    refuse_weights("resnet101", weights, kwargs)
    return ResNet(Bottleneck, [3, 4, 23, 3], **kwargs)


@register_model
def resnet152(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 152 layers."""
    refuse_weights("resnet152", weights, kwargs)
    return ResNet(Bottleneck, [3, 8, 36, 3], **kwargs)


@register_model
def resnext50_32x4d(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNeXt of 50 layers: 32 groups of 4 channels."""
    refuse_weights("resnext50_32x4d", weights, kwargs)
    options = {"groups": 32, "width_per_group": 4, **kwargs}
    return ResNet(Bottleneck, [3, 4, 6, 3], **options)


@register_model
def resnext101_32x8d(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNeXt of 101 layers: 32 groups of 8 channels."""
    refuse_weights("resnext101_32x8d", weights, kwargs)
    options = {"groups": 32, "width_per_group": 8, **kwargs}
    return ResNet(Bottleneck, [3, 4, 23, 3], **options)


@register_model
def resnext101_64x4d(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNeXt of 101 layers: 64 groups of 4 channels."""
    refuse_weights("resnext101_64x4d", weights, kwargs)
    options = {"groups": 64, "width_per_group": 4, **kwargs}
    return ResNet(Bottleneck, [3, 4, 23, 3], **options)


@register_model
def wide_resnet50_2(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 50 layers, its bottlenecks twice as wide."""
    refuse_weights("wide_resnet50_2", weights, kwargs)
    options = {"width_per_group": 128, **kwargs}
    return ResNet(Bottleneck, [3, 4, 6, 3], **options)


@register_model
def wide_resnet101_2(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet of 101 layers, its bottlenecks twice as wide."""
    refuse_weights("wide_resnet101_2", weights, kwargs)
    options = {"width_per_group": 128, **kwargs}
    return ResNet(Bottleneck, [3, 4, 23, 3], **options)
