"""Layers that put maxima back where a pooling layer found them.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.common import pair


class _MaxUnpoolNd(Module):
    """What the layers share: the window."""

    dims = 2

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = pair(name, "kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else pair(name, "stride", stride, self.dims)
        self.padding = pair(name, "padding", padding, self.dims)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool2d(_MaxUnpoolNd):
    """Puts maxima back into images, with zeros between them: the way back from :class:`MaxPool2d`.

    Parameters
    ----------
    kernel_size, stride, padding : int or (int, int)
        Those of the pooling layer, which must have returned the positions.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> pool, unpool = torch.nn.MaxPool2d((1, 2), return_indices=True), torch.nn.MaxUnpool2d((1, 2))
    >>> unpool(*pool(torch.tensor([[[1.0, 3.0, 2.0, 0.0]]])))
    tensor([[[0., 3., 2., 0.]]])
    """

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd):
    """Puts maxima back into signals; see :class:`MaxUnpool2d`."""

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """Puts maxima back into volumes; see :class:`MaxUnpool2d`."""

    dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)
