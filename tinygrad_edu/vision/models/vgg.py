"""VGG: deep stacks of 3 x 3 convolutions."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import refuse_weights, register_model

# The columns A, B, D and E of the paper's table 1: a number is a convolution with so many channels, "M" max pooling.
cfgs: dict[str, list[int | str]] = {
    "A": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "B": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "D": [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    "E": [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


def make_layers(cfg: list[int | str], batch_norm: bool = False) -> nn.Sequential:
    """Build a column of the table."""
    layers: list[nn.Module] = []
    in_channels = 3
    for entry in cfg:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(in_channels, entry, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(entry))
        layers.append(nn.ReLU(inplace=True))
        in_channels = entry
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Convolutions of 3 x 3, pooling, and three linear layers, for images (N, 3, H, W) of at least 32 x 32.

    Parameters
    ----------
    features : Module
        The convolutions, with 512 channels in the end; see :func:`make_layers`.
    num_classes : int
        The size of the output.
    init_weights : bool
        Draw the first weights as below, otherwise as the layers do by themselves.
    dropout : float
        The probability of dropout after the first two linear layers.

    References
    ----------
    K. Simonyan and A. Zisserman: "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    ICLR 2015, arXiv:1409.1556, table 1.
    https://docs.pytorch.org/vision/stable/models/vgg.html
    """

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self.apply(_init_layer)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (N, 512, 7, 7)
        return self.classifier(torch.flatten(x, 1))


def _init_layer(layer: nn.Module) -> None:
    """Draw a layer's first weights; those of normalizations are 1 and 0 already."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, 0, 0.01)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _vgg(name: str, column: str, batch_norm: bool, weights: None, options: dict[str, Any]) -> VGG:
    refuse_weights(name, weights, options)
    return VGG(make_layers(cfgs[column], batch_norm), **options)


@register_model
def vgg11(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 11 layers with weights (the paper's column A)."""
    return _vgg("vgg11", "A", False, weights, kwargs)


@register_model
def vgg11_bn(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 11 layers with weights (the paper's column A), with batch normalization."""
    return _vgg("vgg11_bn", "A", True, weights, kwargs)


@register_model
def vgg13(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 13 layers with weights (the paper's column B)."""
    return _vgg("vgg13", "B", False, weights, kwargs)


@register_model
def vgg13_bn(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 13 layers with weights (the paper's column B), with batch normalization."""
    return _vgg("vgg13_bn", "B", True, weights, kwargs)


@register_model
def vgg16(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 16 layers with weights (the paper's column D)."""
    return _vgg("vgg16", "D", False, weights, kwargs)


@register_model
def vgg16_bn(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 16 layers with weights (the paper's column D), with batch normalization."""
    return _vgg("vgg16_bn", "D", True, weights, kwargs)


@register_model
def vgg19(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 19 layers with weights (the paper's column E)."""
    return _vgg("vgg19", "E", False, weights, kwargs)


@register_model
def vgg19_bn(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG of 19 layers with weights (the paper's column E), with batch normalization."""
    return _vgg("vgg19_bn", "E", True, weights, kwargs)
