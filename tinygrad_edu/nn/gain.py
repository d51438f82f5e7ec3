"""Gain and fan: how large the weights of a layer must be for signals to keep their variance.

References
----------
Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; He et al.,
"Delving Deep into Rectifiers", 2015.
"""

from __future__ import annotations

import math

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import wrong_type

GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return how much larger weights must be in front of a nonlinearity to keep the variance.

    Parameters
    ----------
    nonlinearity : str
        Its name in ``nn.functional``.
    param : float, optional
        The negative slope of leaky_relu; 0.01 by default.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.init.calculate_gain("relu")  # sqrt(2), for half of the signal is lost
    1.4142135623730951
    """
    if not isinstance(nonlinearity, str):
        raise wrong_type("calculate_gain", "nonlinearity", "str", nonlinearity)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity}; expected one of leaky_relu, {', '.join(GAINS)}"
        )
    return GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs feed an output of a weight, and how many outputs an input feeds."""
    if tensor.ndim < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got "
            f"{list(tensor.shape)}"
        )
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field
