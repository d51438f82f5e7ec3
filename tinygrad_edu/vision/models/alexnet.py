"""AlexNet, the network that won the ImageNet competition of 2012."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import refuse_weights, register_model


class AlexNet(nn.Module):
    """Five convolutions and three linear layers, for images (N, 3, H, W) of at least 63 x 63 pixels.

    Parameters
    ----------
    num_classes : int
        The size of the output.
    dropout : float
        The probability of dropout before the first two linear layers.

    References
    ----------
    A. Krizhevsky: "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997, 2014:
    the network of A. Krizhevsky, I. Sutskever and G. Hinton (NIPS 2012, figure 2) in one column.
    https://docs.pytorch.org/vision/stable/models/alexnet.html
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (N, 256, 6, 6)
        return self.classifier(torch.flatten(x, 1))


@register_model
def alexnet(*, weights: None = None, progress: bool = True, **kwargs: Any) -> AlexNet:
    """AlexNet; the arguments are those of :class:`AlexNet`."""
    refuse_weights("alexnet", weights, kwargs)
    return AlexNet(**kwargs)
