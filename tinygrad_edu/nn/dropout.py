"""Dropout layers: random zeros in training, nothing in evaluation.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#dropout-layers
"""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.nn.dropout import check_probability


class _DropoutNd(Module):
    """What the dropout layers share: their probability."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Sets elements to 0 with probability ``p`` in training, and scales the others by 1 / (1 - p).

    Parameters
    ----------
    p : float
        The probability.
    inplace : bool
        Write the result into the input.

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.Dropout(p=0.25).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Sets whole channels of (n, c, length) to 0 with probability ``p`` in training; see :class:`Dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Sets whole channels of (n, c, h, w) to 0 with probability ``p`` in training; see :class:`Dropout`.

    References
    ----------
    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015, section 3.2.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Sets whole channels of (n, c, d, h, w) to 0 with probability ``p`` in training; see :class:`Dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout for SELU: what is dropped becomes its lower limit, and mean and variance stay as they were.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017, section 3.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """:class:`AlphaDropout` of whole channels of (n, c, *)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
