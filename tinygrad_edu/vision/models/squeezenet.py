"""SqueezeNet: few parameters, by fire modules."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import refuse_weights, register_model


class Fire(nn.Module):
    """A fire module (the paper's figure 1).

    ::

    x -- squeeze 1x1 -- relu --+-- expand 1x1 -- relu --+-- concatenated -->
                               `-- expand 3x3 -- relu --'
    """

    def __init__(
        self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int
    ) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat(
            [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1
        )


def _pool() -> nn.Module:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)


class SqueezeNet(nn.Module):
    """Eight fire modules between two convolutions, and no linear layer, for images (N, 3, H, W).

    Parameters
    ----------
    version : {"1_0", "1_1"}
        The paper's network, or the later one with 2.4 times less computation.
    num_classes : int
        The size of the output.
    dropout : float
        The probability of dropout before the last convolution.

    References
    ----------
    F. Iandola et al.: "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5MB model size",
    arXiv:1602.07360, 2016, figure 2 and table 1.
    https://docs.pytorch.org/vision/stable/models/squeezenet.html
    """

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        if version == "1_0":
            first = [nn.Conv2d(3, 96, kernel_size=7, stride=2), nn.ReLU(inplace=True), _pool()]
            fires = [Fire(96, 16, 64, 64), Fire(128, 16, 64, 64), Fire(128, 32, 128, 128), _pool()]
            fires += [Fire(256, 32, 128, 128), Fire(256, 48, 192, 192), Fire(384, 48, 192, 192)]
            fires += [Fire(384, 64, 256, 256), _pool(), Fire(512, 64, 256, 256)]
        elif version == "1_1":  # the pooling comes earlier
            first = [nn.Conv2d(3, 64, kernel_size=3, stride=2), nn.ReLU(inplace=True), _pool()]
            fires = [Fire(64, 16, 64, 64), Fire(128, 16, 64, 64), _pool(), Fire(128, 32, 128, 128)]
            fires += [Fire(256, 32, 128, 128), _pool(), Fire(256, 48, 192, 192), Fire(384, 48, 192, 192)]
            fires += [Fire(384, 64, 256, 256), Fire(512, 64, 256, 256)]
        else:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.features = nn.Sequential(*first, *fires)
        final_conv = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), final_conv, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(final_conv.weight, mean=0.0, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)


@register_model
def squeezenet1_0(*, weights: None = None, progress: bool = True, **kwargs: Any) -> SqueezeNet:
    """SqueezeNet as in the paper."""
    refuse_weights("squeezenet1_0", weights, kwargs)
    return SqueezeNet("1_0", **kwargs)


@register_model
def squeezenet1_1(*, weights: None = None, progress: bool = True, **kwargs: Any) -> SqueezeNet:
    """SqueezeNet 1.1, with 2.4 times less computation."""
    refuse_weights("squeezenet1_1", weights, kwargs)
    return SqueezeNet("1_1", **kwargs)
