"""Layers of fractional max pooling.

References
----------
Graham, "Fractional Max-Pooling", 2014;
https://docs.pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.common import pair


class _FractionalMaxPoolNd(Module):
    """What the layers share: the window, and the size of the output or its ratio to the input's."""

    dims = 2
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = pair(name, "kernel_size", kernel_size, self.dims)
        if min(self.kernel_size) <= 0:
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.output_size = None if output_size is None else pair(name, "output_size", output_size, self.dims)
        several = isinstance(output_ratio, list | tuple)
        ratios = tuple(output_ratio) if several else (output_ratio,) * self.dims
        self.output_ratio = None if output_ratio is None else ratios
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _options(self) -> tuple[Any, ...]:
        sizes = (self.kernel_size, self.output_size, self.output_ratio)
        return (*sizes, self.return_indices, self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The maxima of windows at random distances: (n, c, h, w) -> (n, c, oh, ow).

    Parameters
    ----------
    kernel_size : int or (int, int)
        The window, in pixels.
    output_size : int or (int, int), optional
        The output's size.
    output_ratio : float or (float, float), optional
        In place of it, what it is divided by the input's.
    return_indices : bool
        Return the positions as well.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.FractionalMaxPool2d(2, output_ratio=0.7)(torch.ones(1, 1, 10, 10)).shape
    torch.Size([1, 1, 7, 7])
    """

    def forward(self, input: Tensor) -> Any:
        return F.fractional_max_pool2d(input, *self._options())


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The maxima of windows at random distances in (n, c, d, h, w); see :class:`FractionalMaxPool2d`."""

    dims = 3

    def forward(self, input: Tensor) -> Any:
        return F.fractional_max_pool3d(input, *self._options())
