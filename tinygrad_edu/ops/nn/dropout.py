"""Dropout: random zeros in training.

References
----------
Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
"""

from __future__ import annotations

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import require_bools, require_numbers
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.common import raw, require_kernel_dtype, require_tensor
from tinygrad_edu.ops.half import in_float32
from tinygrad_edu.ops.shape.layout import expand
from tinygrad_edu.random import next_seed


class Dropout(Op):
    """y_i = x_i m_i / (1 - p), where m_i is 1 with probability 1 - p: a hash of (seed, i) decides.

    The same seed gives the same mask, so the gradient is ``Dropout`` of the gradient: no mask is kept.
    """

    def forward(self, x: Array, *, p: float, seed: int) -> Array:
        self.p, self.seed = p, seed
        return kernel_table.dropout(x).dropout(x, p, seed)

    def backward(self, grad_output: Array) -> Array:
        return Dropout.compute(grad_output, p=self.p, seed=self.seed)


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Set elements to 0 with probability ``p`` and scale the others by 1 / (1 - p); in training only.

    Parameters
    ----------
    input : Tensor
        Any shape, of a floating-point dtype.
    p : float
        From 0 to 1.
    training : bool
        Whether to do it; if not, the input itself is returned.

    Returns
    -------
    Tensor
        Of the input's shape and dtype; its mean is the input's, on average.

    Raises
    ------
    ValueError
        If p is not a probability.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> _ = torch.manual_seed(0)
    >>> kept = torch.nn.functional.dropout(torch.ones(1000), p=0.2)
    >>> torch.unique(kept)
    tensor([0.0000, 1.2500])
    """
    require_bools("dropout", training=training)
    require_tensor("dropout", input)
    require_kernel_dtype("dropout", input)
    check_probability(p)
    if not training or p == 0:
        return input
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(dropout, input, p, training)
    return Dropout.apply(input, p=float(p), seed=next_seed())


def dropout_channels(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Set whole channels of (n, c, *) to 0 with probability ``p``: PyTorch's dropout1d, 2d and 3d.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout2d.html
    """
    require_tensor("dropout_channels", input)
    require_kernel_dtype("dropout_channels", input)
    check_probability(p)
    if not training or p == 0:
        return input
    if input.ndim < 2:
        raise RuntimeError(f"dropout_channels: expected (n, c, *), got {list(input.shape)}")
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(dropout_channels, input, p, training)
    array = raw(input)
    ones = call(array_module(array).ones, (*array.shape[:2], *[1] * (array.ndim - 2)), array.dtype)
    factors = Dropout.apply(tensor_from_array(ones), p=float(p), seed=next_seed())
    return input * expand(factors, array.shape)


def check_probability(p: float) -> None:
    """Raise unless ``p`` is a probability."""
    require_numbers("dropout", p=p)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
