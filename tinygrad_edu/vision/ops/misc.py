"""Convolution with normalization and activation, squeeze-and-excitation, the multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu import Tensor, nn

Layer = Callable[..., nn.Module]


class Conv2dNormActivation(nn.Sequential):
    """A convolution, a normalization and an activation, one after the other.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, groups, dilation : int
        As for :class:`nn.Conv2d`.
    padding : int, optional
        If left out, so much that a step of 1 keeps the size: ``(kernel_size - 1) // 2 * dilation``.
    norm_layer, activation_layer : callable, optional
        What makes the second and the third part; left out if None.
    inplace : bool, optional
        Passed on to the activation unless it is None.
    bias : bool, optional
        If left out: only where no normalization follows, which would take it away again.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.Conv2dNormActivation.html
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str | None = None,
        groups: int = 1,
        norm_layer: Layer | None = nn.BatchNorm2d,
        activation_layer: Layer | None = nn.ReLU,
        dilation: int | tuple[int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        if padding is None:
            padding = same_padding(kernel_size, dilation)
        if bias is None:
            bias = norm_layer is None
        options: dict[str, Any] = {"dilation": dilation, "groups": groups, "bias": bias}
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, **options)
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer() if inplace is None else activation_layer(inplace=inplace))
        super().__init__(*layers)
        self.out_channels = out_channels


def same_padding(
    kernel_size: int | tuple[int, int], dilation: int | tuple[int, int]
) -> int | tuple[int, int]:
    """Return the padding that keeps an image's size where the kernel's is odd."""
    if isinstance(kernel_size, int) and isinstance(dilation, int):
        return (kernel_size - 1) // 2 * dilation
    height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    down, right = (dilation, dilation) if isinstance(dilation, int) else dilation
    return (height - 1) // 2 * down, (width - 1) // 2 * right


class SqueezeExcitation(nn.Module):
    """Weigh the channels by what is in them.

    The mean of each channel (squeeze) passes through two 1 x 1 convolutions, which say for each channel
    how much of it is let through (excitation).

    Parameters
    ----------
    input_channels, squeeze_channels : int
        The channels of the image, and those between the two convolutions.
    activation, scale_activation : callable
        What makes the functions after the first and after the second convolution.

    References
    ----------
    J. Hu, L. Shen and G. Sun, Squeeze-and-Excitation Networks, CVPR 2018, arXiv:1709.01507, figure 1 and
    equation 3.
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.SqueezeExcitation.html
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Layer = nn.ReLU,
        scale_activation: Layer = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Tensor) -> Tensor:
        squeezed = self.avgpool(input)  # (N, C, 1, 1)
        excitation = self.fc2(self.activation(self.fc1(squeezed)))
        return self.scale_activation(excitation) * input


class MLP(nn.Sequential):
    """A multi-layer perceptron: linear layers, with a normalization, an activation and dropout after each.

    Parameters
    ----------
    in_channels : int
        The size of the input's last dimension.
    hidden_channels : list of int
        The sizes of the layers' outputs; after the last one comes dropout only.
    norm_layer, activation_layer : callable, optional
        What makes the normalization (none if None) and the activation.
    inplace : bool, optional
        Passed on to activation and dropout unless it is None.
    bias : bool
        Whether the linear layers have one.
    dropout : float
        The probability of dropout.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.MLP.html
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int],
        norm_layer: Layer | None = None,
        activation_layer: Layer = nn.ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        options = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        for channels in hidden_channels[:-1]:
            layers.append(nn.Linear(in_channels, channels, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(channels))
            layers += [activation_layer(**options), nn.Dropout(dropout, **options)]
            in_channels = channels
        layers += [nn.Linear(in_channels, hidden_channels[-1], bias=bias), nn.Dropout(dropout, **options)]
        super().__init__(*layers)
