"""Dropout of ``nn.functional``: single elements, or whole channels.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#dropout-functions
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.writing import write_result
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.dropout import check_probability


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to 0 with probability ``p`` in training, and scale the others by 1 / (1 - p)."""
    require_bools("dropout", training=training, inplace=inplace)
    return _dropped(ops.dropout(input, p, training), input, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, length) or (c, length) to 0 with probability ``p`` in training."""
    require_tensor("dropout1d", input)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d "
            "exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel "
            "dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    if input.ndim == 2:
        output = ops.squeeze(ops.dropout_channels(ops.unsqueeze(input, 0), p, training), 0)
    else:
        output = ops.dropout_channels(input, p, training)
    return _dropped(output, input, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, h, w) to 0 with probability ``p`` in training."""
    require_tensor("dropout2d", input)
    if input.ndim != 4:
        warnings.warn(
            f"dropout2d: Received a {input.ndim}D input to dropout2d and assuming that its first two "
            "dimensions are samples and channels, as in PyTorch. Hint: use dropout1d or dropout.",
            stacklevel=2,
        )
    return _dropped(ops.dropout_channels(input, p, training), input, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, d, h, w) or (c, d, h, w) to 0 with probability ``p`` in training."""
    require_tensor("dropout3d", input)
    if input.ndim not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is deprecated; expected 4 or 5 "
            "dimensions. Hint: use dropout.",
            stacklevel=2,
        )
    if input.ndim == 5:
        output = ops.dropout_channels(input, p, training)
    else:
        output = ops.squeeze(ops.dropout_channels(ops.unsqueeze(input, 0), p, training), 0)
    return _dropped(output, input, inplace)


@rounded_once
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for SELU: what is dropped becomes its lower limit, and mean and variance stay as they were.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017, section 3.
    """
    return _alpha_dropped("alpha_dropout", input, ops.dropout, p, training, inplace)


@rounded_once
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Return what :func:`alpha_dropout` does, but drop whole channels of (n, c, *)."""
    return _alpha_dropped("feature_alpha_dropout", input, ops.dropout_channels, p, training, inplace)


def _alpha_dropped(
    name: str, input: Tensor, drop: Callable[..., Tensor], p: float, training: bool, inplace: bool
) -> Tensor:
    """Return the input with the lower limit of SELU wherever ``drop`` makes a 0 of a 1."""
    require_tensor(name, input)
    require_bools(name, training=training, inplace=inplace)
    limit = -1.7580993408473766  # -scale * alpha of SELU
    check_probability(p)
    if not training or p == 0:
        return input
    if p == 1:
        return _dropped(input * 0, input, inplace)
    kept = drop(creation.ones_like(input.detach()), p) != 0
    scale = ((1 - p) * (1 + p * limit**2)) ** -0.5
    output = ops.where(kept, input, limit) * scale - scale * p * limit
    return _dropped(output, input, inplace)


def _dropped(output: Tensor, input: Tensor, inplace: bool) -> Tensor:
    return write_result(input, output, "dropout_") if inplace and output is not input else output
