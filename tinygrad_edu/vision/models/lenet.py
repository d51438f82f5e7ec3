"""LeNet-5, the network with which convolution proved itself on handwritten digits (torchvision has none)."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import refuse_weights, register_model


class LeNet(nn.Module):
    """LeNet-5: two convolutions, each with pooling, and three linear layers, for images (N, 1, 32, 32).

    Parameters
    ----------
    num_classes : int
        The size of the output.

    Notes
    -----
    ::

        32x32 -- C1 conv 5x5 --> 6@28x28 -- S2 pool --> 6@14x14
              -- C3 conv 5x5 --> 16@10x10 -- S4 pool --> 16@5x5 -- C5 --> 120 -- F6 --> 84 --> num_classes

    Images of 28 x 28 pixels, such as MNIST's, are to be padded by 2. The paper's pooling has weights of its
    own, its C3 looks at some of S2's maps only, and its output are distances to prototypes; the plain layers
    here are what has been used in their places since.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner: "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998, figure 2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import models
    >>> models.lenet()(torch.zeros(5, 1, 32, 32)).shape
    torch.Size([5, 10])
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.Tanh(),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120),
            nn.Tanh(),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (N, 16, 5, 5)
        return self.classifier(torch.flatten(x, 1))


@register_model
def lenet(*, weights: None = None, progress: bool = True, **kwargs: Any) -> LeNet:
    """LeNet-5; the arguments are those of :class:`LeNet`."""
    refuse_weights("lenet", weights, kwargs)
    return LeNet(**kwargs)
