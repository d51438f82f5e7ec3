"""Layers that put something round an image or a signal.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#padding-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.common import pair, require_tensor


class _PadNd(Module):
    """What the padding layers share: how many elements are added on each side, the last dimension first."""

    mode = "constant"
    dims = 2

    def __init__(self, padding: Any) -> None:
        super().__init__()
        if isinstance(padding, list | tuple) and len(padding) % 2:
            raise RuntimeError(
                f"{type(self).__name__}: Padding length must be divisible by 2, expected padding to be an int or "
                f"{2 * self.dims} ints, got {padding}"
            )
        self.padding = pair(type(self).__name__, "padding", padding, 2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    """Padding by one number."""

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(_ConstantPadNd):
    """Puts a constant round images: (n, c, h, w) -> (n, c, h + top + bottom, w + left + right).

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Pixels added; negative ones are taken away.
    value : float
        What is put there.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.ConstantPad2d((1, 0, 0, 0), 3.5)(torch.zeros(1, 2, 2))
    tensor([[[3.5000, 0.0000, 0.0000],
             [3.5000, 0.0000, 0.0000]]])
    """


class ConstantPad1d(_ConstantPadNd):
    """Puts a constant before and after signals (n, c, length); see :class:`ConstantPad2d`."""

    dims = 1


class _ZeroPadNd(_ConstantPadNd):
    """Padding by zeros; stands before the layer that pads by a number."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(_ZeroPadNd, ConstantPad2d):
    """Puts zeros round images; see :class:`ConstantPad2d`."""


class ZeroPad1d(_ZeroPadNd, ConstantPad1d):
    """Puts zeros before and after signals; see :class:`ConstantPad2d`."""

    dims = 1


class _ReflectionPadNd(_PadNd):
    """Padding of the mode "reflect"."""

    mode = "reflect"


class ReflectionPad2d(_ReflectionPadNd):
    """Reflects images at their border pixels, which are not repeated: c b | a b c | b a."""


class ReflectionPad1d(_ReflectionPadNd):
    """Reflects signals at their ends; see :class:`ReflectionPad2d`."""

    dims = 1


class _ReplicationPadNd(_PadNd):
    """Padding of the mode "replicate"."""

    mode = "replicate"


class ReplicationPad2d(_ReplicationPadNd):
    """Repeats the border pixels of images: a a | a b c | c c."""


class ReplicationPad1d(_ReplicationPadNd):
    """Repeats the first and the last element of signals; see :class:`ReplicationPad2d`."""

    dims = 1


class _CircularPadNd(_PadNd):
    """Padding of the mode "circular"."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        require_tensor(type(self).__name__, input)
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(
                f"{type(self).__name__}: expected {self.dims + 1}D or {self.dims + 2}D input, got {input.ndim}D"
            )
        return super().forward(input)


class CircularPad2d(_CircularPadNd):
    """Continues images as if they were tiles: b c | a b c | a b."""


class CircularPad1d(_CircularPadNd):
    """Continues signals as if they were periodic; see :class:`CircularPad2d`."""

    dims = 1


class ConstantPad3d(_ConstantPadNd):
    """Puts a constant round volumes (n, c, d, h, w); see :class:`ConstantPad2d`."""

    dims = 3


class ZeroPad3d(_ZeroPadNd, ConstantPad3d):
    """Puts zeros round volumes; see :class:`ConstantPad2d`."""

    dims = 3


class ReflectionPad3d(_ReflectionPadNd):
    """Reflects volumes at their border; see :class:`ReflectionPad2d`."""

    dims = 3


class ReplicationPad3d(_ReplicationPadNd):
    """Repeats the outermost elements of volumes; see :class:`ReplicationPad2d`."""

    dims = 3


class CircularPad3d(_CircularPadNd):
    """Continues volumes as if they were periodic; see :class:`CircularPad2d`."""

    dims = 3
