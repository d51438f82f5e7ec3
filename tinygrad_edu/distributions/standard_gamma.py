"""Draws from the gamma distribution that are differentiable by its shape.

References
----------
M. Figurnov, S. Mohamed, A. Mnih, Implicit reparameterization gradients, 2018
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, array_module, device_of, special_module, to_device, to_numpy
from tinygrad_edu.random import numpy_rng

STEP = 1e-3
"""Relative step of the differences: its fourth power, and the rounding error over it, are both about 1e-12."""


class StandardGamma(Op):
    """Draw z from the density z^(a - 1) e^-z / gamma(a); dz/da with the share u = P(a, z) of smaller draws held fixed.

    From F(z(a); a) = u comes dz/da = -(dF/da) / (dF/dz). It is the slope of the quantile function z(a) = P^-1(a, u),
    taken here by differences of log z at a -+ h and a -+ 2h: dz/da = z d(log z)/da.
    """

    def forward(self, a: Array) -> Array:
        z = numpy_rng().standard_gamma(to_numpy(a).astype(np.float64))
        y = to_device(np.asarray(z).astype(a.dtype), device_of(a))
        self.save_for_backward(a, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        a, z = self.saved
        return grad_output * SlopeOfQuantile.compute(a, z)


class SlopeOfQuantile(Op):
    """dz/da of a draw z from the gamma distribution; as a draw of its own it has no derivative here."""

    num_differentiable = 0

    def forward(self, a: Array, z: Array) -> Array:
        xp, special = array_module(a), special_module(a)
        shape, draw = a.astype(np.float64), z.astype(np.float64)
        below, above = special.gammainc(shape, draw), special.gammaincc(shape, draw)
        h = shape * STEP
        weights = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
        # Of two shares that add up to 1, the smaller one has the digits.
        logs = [
            xp.log(
                xp.where(
                    below < 0.5,
                    special.gammaincinv(shape + k * h, below),
                    special.gammainccinv(shape + k * h, above),
                )
            )
            * weight
            for k, weight in weights
        ]
        slope = draw * sum(logs[1:], logs[0]) / h
        return xp.where(draw > 0, slope, 0.0).astype(a.dtype)


def standard_gamma(concentration: Tensor) -> Any:
    """Draw one number for each shape; the rate is 1.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.distributions.standard_gamma import standard_gamma
    >>> standard_gamma(torch.ones(3)).shape
    torch.Size([3])
    """
    return StandardGamma.apply(concentration)
