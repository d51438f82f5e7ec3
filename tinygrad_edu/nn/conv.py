"""Convolution layers.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_ints, require_ints
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.linear import reset_weight_and_bias
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import FiledParameter, Parameter
from tinygrad_edu.ops.common import pair

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What the convolution layers share: the options, and the parameters."""

    weight = FiledParameter()
    bias = FiledParameter()
    dims = 2
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        output_padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        check_channels(in_channels, out_channels, groups)
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {PADDING_MODES}, but got padding_mode='{padding_mode}'"
            )
        name, dims = type(self).__name__, self.dims
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair(name, "kernel_size", kernel_size, dims)
        self.stride = pair(name, "stride", stride, dims)
        self.padding: Any = padding if isinstance(padding, str) else pair(name, "padding", padding, dims)
        self.output_padding = pair(name, "output_padding", output_padding, dims)
        self.dilation = pair(name, "dilation", dilation, dims)
        self.padding_mode = padding_mode
        check_padding_word(self.padding, self.stride)
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(creation.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(creation.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        reset_weight_and_bias(self.weight, self.bias)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """Return the input and the padding that is left for the convolution to do."""
        if self.padding_mode == "zeros" or self.padding == "valid":
            return input, self.padding
        widths: list[int] = []  # before and after, the last dimension first
        for i in reversed(range(self.dims)):
            if self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                widths += [total // 2, total - total // 2]
            else:
                widths += [self.padding[i]] * 2
        return F.pad(input, widths, mode=self.padding_mode), 0

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        if isinstance(self.padding, str) or any(self.padding):
            text += f", padding={self.padding}"
        if any(d != 1 for d in self.dilation):
            text += f", dilation={self.dilation}"
        if any(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


def check_channels(in_channels: int, out_channels: int, groups: int) -> None:
    """Raise unless both numbers of channels can be split into the groups."""
    require_ints("conv", in_channels=in_channels, out_channels=out_channels, groups=groups)
    if groups <= 0:
        raise ValueError(f"groups must be a positive integer, got {groups}")
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ValueError(f"{name} must be divisible by groups, got {name}={channels} and groups={groups}")


def check_padding_word(padding: Any, stride: tuple[int, ...]) -> None:
    """Raise if the padding is a word that is not known, or does not go with the stride."""
    if not isinstance(padding, str):
        return
    if padding not in ("valid", "same"):
        raise ValueError(f"Invalid padding string {padding!r}, should be one of ('valid', 'same')")
    if padding == "same" and any(s != 1 for s in stride):
        raise ValueError(f"padding='same' is not supported for strided convolutions, got stride={stride}")


class _PlainConvNd(_ConvNd):
    """The arguments of the convolutions that are not transposed."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        window = (kernel_size, stride, padding, 0, dilation)
        super().__init__(in_channels, out_channels, *window, groups, bias, padding_mode, device, dtype)


class Conv2d(_PlainConvNd):
    """2-d convolution of images: (n, in_channels, h, w) -> (n, out_channels, oh, ow).

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output.
    kernel_size, stride, dilation : int or (int, int)
        The kernel's size, its step, and the distance between its elements, in pixels.
    padding : int, (int, int), "valid" or "same"
        Pixels added on every side.
    groups : int
        The channels are split into so many groups that do not see each other.
    bias : bool
        Whether to add a bias to every output channel.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What is put into the padding.
    device, dtype
        Of the parameters.

    Notes
    -----
    oh = floor((h + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. ``weight`` (out_channels,
    in_channels / groups, kh, kw) and ``bias`` (out_channels,) start evenly distributed over [-k, k] with
    k = 1 / sqrt(in_channels / groups * kh * kw).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.Conv2d(1, 32, kernel_size=3, padding=1)
    Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    """

    def forward(self, input: Tensor) -> Tensor:
        padded, padding = self._padded(input)
        return F.conv2d(padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_PlainConvNd):
    """1-d convolution of signals: (n, in_channels, length) -> (n, out_channels, new length).

    The parameters are those of :class:`Conv2d`, with one number instead of two.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
    """

    dims = 1

    def forward(self, input: Tensor) -> Tensor:
        padded, padding = self._padded(input)
        return F.conv1d(padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _ConvTransposeNd(_ConvNd):
    """What the transposed convolutions share: their arguments, and how the output gets the wanted size."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, got {padding_mode!r}'
            )
        window = (kernel_size, stride, padding, output_padding, dilation)
        super().__init__(in_channels, out_channels, *window, groups, bias, padding_mode, device, dtype)

    def _transpose(self, function: Any, input: Tensor, output_size: Any) -> Tensor:
        extra = self.output_padding if output_size is None else self._output_padding(input, output_size)
        window = (self.stride, self.padding, extra, self.groups, self.dilation)
        return function(input, self.weight, self.bias, *window)

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """Return the padding that makes the output of a wanted size: (oh, ow), or all its sizes."""
        wanted = as_ints(type(self).__name__, "output_size", output_size)[-self.dims :]
        smallest = [
            (input.shape[i - self.dims] - 1) * self.stride[i]
            - 2 * self.padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1)
            + 1
            for i in range(self.dims)
        ]
        largest = [low + s - 1 for low, s in zip(smallest, self.stride, strict=True)]
        in_range = [low <= size <= high for low, size, high in zip(smallest, wanted, largest, strict=False)]
        if len(in_range) != self.dims or not all(in_range):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {smallest} to {largest} "
                f"(for an input of {tuple(input.shape[-self.dims :])})"
            )
        return tuple([size - low for size, low in zip(wanted, smallest, strict=True)])


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of :class:`Conv2d`, which makes images larger.

    It computes what Conv2d's backward computes for its input, as a forward.

    Parameters
    ----------
    output_padding : int or (int, int)
        Rows and columns added at the end of the output, whose size the stride leaves open. The other
        parameters are those of Conv2d: of the convolution that this one is the transpose of.

    Notes
    -----
    oh = (h - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1. The ``weight`` is of
    shape (in_channels, out_channels / groups, kh, kw).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2)(torch.ones(1, 16, 7, 7)).shape
    torch.Size([1, 8, 14, 14])
    """

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._transpose(F.conv_transpose2d, input, output_size)


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of :class:`Conv1d`; see :class:`ConvTranspose2d`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
    """

    dims = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._transpose(F.conv_transpose1d, input, output_size)


class Conv3d(_PlainConvNd):
    """3-d convolution of volumes: (n, in_channels, d, h, w) -> (n, out_channels, od, oh, ow).

    The parameters are those of :class:`Conv2d`, with three numbers instead of two.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
    """

    dims = 3

    def forward(self, input: Tensor) -> Tensor:
        padded, padding = self._padded(input)
        return F.conv3d(padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of :class:`Conv3d`; see :class:`ConvTranspose2d`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
    """

    dims = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._transpose(F.conv_transpose3d, input, output_size)
