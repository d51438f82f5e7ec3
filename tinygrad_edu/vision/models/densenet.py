"""DenseNet: each layer reads the outputs of all layers before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional as F
from tinygrad_edu.utils.checkpoint import checkpoint
from tinygrad_edu.vision.models.building import refuse_weights, register_model


class _DenseLayer(nn.Module):
    """One layer: ``growth_rate`` new channels from all the channels so far.

    ::

        all so far -- bn -- relu -- conv 1x1 (the bottleneck) -- bn -- relu -- conv 3x3 --> new channels
    """

    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        bottleneck = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bottleneck, kernel_size=1, stride=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bottleneck, growth_rate, kernel_size=3, stride=1, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def bn_function(self, *inputs: Tensor) -> Tensor:
        """Return the bottleneck's output."""
        return self.conv1(self.relu1(self.norm1(torch.cat(inputs, 1))))

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        inputs = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(tensor.requires_grad for tensor in inputs):
            bottleneck = checkpoint(self.bn_function, *inputs, use_reentrant=False)
        else:
            bottleneck = self.bn_function(*inputs)
        new_features = self.conv2(self.relu2(self.norm2(bottleneck)))
        if self.drop_rate > 0:
            new_features = F.dropout(new_features, p=self.drop_rate, training=self.training)
        return new_features


class _DenseBlock(nn.ModuleDict):
    """Layers of which each reads the block's input and the outputs of all before it (the paper's figure 1)."""

    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            channels = num_input_features + i * growth_rate
            layer = _DenseLayer(channels, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    """What lies between two blocks: fewer channels, and half the height and width."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, stride=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """DenseNet-BC: four dense blocks with transitions between them, for images (N, 3, H, W).

    Parameters
    ----------
    growth_rate : int
        The channels that each layer adds (k in the paper).
    block_config : sequence of int
        The number of layers of each block.
    num_init_features : int
        The channels of the first convolution.
    bn_size : int
        The channels of a bottleneck, as a multiple of ``growth_rate``.
    drop_rate : float
        The probability of dropout after each layer.
    num_classes : int
        The size of the output.
    memory_efficient : bool
        Compute what the bottlenecks make once more in the backward pass, instead of keeping it.

    References
    ----------
    G. Huang, Z. Liu, L. van der Maaten and K. Weinberger: "Densely Connected Convolutional Networks",
    CVPR 2017, arXiv:1608.06993, figure 2 and table 1.
    https://docs.pytorch.org/vision/stable/models/densenet.html
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        features = nn.Sequential()
        features.conv0 = nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False)
        features.norm0 = nn.BatchNorm2d(num_init_features)
        features.relu0 = nn.ReLU(inplace=True)
        features.pool0 = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        channels = num_init_features
        for i, num_layers in enumerate(block_config, start=1):
            block = _DenseBlock(num_layers, channels, bn_size, growth_rate, drop_rate, memory_efficient)
            features.add_module(f"denseblock{i}", block)
            channels += num_layers * growth_rate
            if i < len(block_config):
                features.add_module(f"transition{i}", _Transition(channels, channels // 2))
                channels //= 2
        features.norm5 = nn.BatchNorm2d(channels)
        self.features = features
        self.classifier = nn.Linear(channels, num_classes)
        self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x), inplace=True)
        x = F.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(torch.flatten(x, 1))


@register_model
def densenet121(*, weights: None = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet of 121 layers."""
    refuse_weights("densenet121", weights, kwargs)
    return DenseNet(32, (6, 12, 24, 16), 64, **kwargs)


@register_model
def densenet161(*, weights: None = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet of 161 layers."""
    refuse_weights("densenet161", weights, kwargs)
    return DenseNet(48, (6, 12, 36, 24), 96, **kwargs)


@register_model
def densenet169(*, weights: None = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet of 169 layers."""
    refuse_weights("densenet169", weights, kwargs)
    return DenseNet(32, (6, 12, 32, 32), 64, **kwargs)


@register_model
def densenet201(*, weights: None = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet of 201 layers."""
    refuse_weights("densenet201", weights, kwargs)
    return DenseNet(32, (6, 12, 48, 32), 64, **kwargs)
