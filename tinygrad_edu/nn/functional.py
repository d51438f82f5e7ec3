"""Layers as functions: the names of ``torch.nn.functional``.

Most are operations of ``tinygrad_edu.ops``; the few that stand here add PyTorch's arguments, such as ``inplace``.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.ops import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    batch_norm,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    conv1d,
    conv2d,
    conv_transpose2d,
    cosine_similarity,
    cross_entropy,
    elu,
    embedding,
    gelu,
    group_norm,
    hardsigmoid,
    hardswish,
    hardtanh,
    hinge_embedding_loss,
    huber_loss,
    instance_norm,
    kl_div,
    l1_loss,
    layer_norm,
    leaky_relu,
    linear,
    logsigmoid,
    margin_ranking_loss,
    max_pool1d,
    max_pool2d,
    mish,
    mse_loss,
    nll_loss,
    normalize,
    one_hot,
    pad,
    prelu,
    relu6,
    rms_norm,
    selu,
    sigmoid,
    silu,
    smooth_l1_loss,
    softplus,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0)."""
    return input.relu_() if inplace else ops.relu(input)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set elements to 0 with probability ``p`` in training, and scale the others by 1 / (1 - p)."""
    return _dropped(ops.dropout(input, p, training), input, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, length) to 0 with probability ``p`` in training."""
    return _dropped(ops.dropout_channels(input, p, training), input, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of (n, c, h, w) to 0 with probability ``p`` in training."""
    return _dropped(ops.dropout_channels(input, p, training), input, inplace)


def _dropped(output: Tensor, input: Tensor, inplace: bool) -> Tensor:
    return input.copy_(output) if inplace and output is not input else output


def _implicit_dim(name: str, input: Tensor) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=3,
    )
    return 0 if input.ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Turn scores into probabilities along ``dim``."""
    return ops.softmax(input, _implicit_dim("softmax", input) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """ln of the softmax along ``dim``, without overflow."""
    return ops.log_softmax(input, _implicit_dim("log_softmax", input) if dim is None else dim, dtype)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = input1^T W_k input2 + b_k."""
    output = ops.einsum("...i,kij,...j->...k", input1, weight, input2)
    return output if bias is None else output + bias
