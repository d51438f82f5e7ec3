"""Dropout layers.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#dropout-layers
"""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.dropout import check_probability


class Dropout(Module):
    """Sets elements to 0 with probability ``p`` in training, and scales the others by 1 / (1 - p).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with some elements dropped."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Sets whole channels of (n, c, length) to 0 with probability ``p`` in training."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with some channels dropped."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """Sets whole channels of (n, c, h, w) to 0 with probability ``p`` in training."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with some channels dropped."""
        return F.dropout2d(input, self.p, self.training, self.inplace)
