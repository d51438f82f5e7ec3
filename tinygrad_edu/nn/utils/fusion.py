"""Batch normalisation in evaluation is a line, a x + b: the layer before it can do it by its own weight and bias.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.fuse_conv_bn_eval.html
"""

from __future__ import annotations

import copy
from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.parameter import Parameter


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """Return a copy of a convolution that computes what it and the batch normalisation behind it do in evaluation.

    Parameters
    ----------
    conv, bn : Module
        The layers, in evaluation mode.
    transpose : bool
        Whether it is a transposed convolution, whose weight has the output's channels second.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> fused = torch.nn.utils.fuse_conv_bn_eval(conv, bn)
    >>> x = torch.ones(1, 1, 4, 4)
    >>> torch.allclose(fused(x), bn(conv(x)))
    True
    """
    _check_eval(conv, bn)
    fused = copy.deepcopy(conv)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, *statistics, transpose)
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return weight and bias for :func:`fuse_conv_bn_eval`, from those of both layers and the running statistics."""
    channels = (1, -1) if transpose else (-1, 1)
    shape = (*channels, *[1] * (conv_w.ndim - 2))
    bn_w = creation.ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = creation.zeros_like(bn_rm) if bn_b is None else bn_b
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """Return a copy of a linear layer that computes what it and the batch normalisation behind it do in evaluation."""
    _check_eval(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, *statistics)
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Return weight and bias for :func:`fuse_linear_bn_eval`, from those of both layers and the running statistics."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, (-1, 1))


def _check_eval(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def _fused(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    scale: Tensor,
    shift: Tensor,
    shape: tuple[int, ...],
) -> tuple[Parameter, Parameter]:
    """Return s W and s (b - mean) + shift, with s = scale / sqrt(var + eps)."""
    before = creation.zeros_like(mean) if bias is None else bias
    bias_dtype = weight.dtype if bias is None else bias.dtype
    factor = scale * ops.rsqrt(var + eps)
    new_weight = (weight * ops.reshape(factor, shape)).to(weight.dtype)
    new_bias = ((before - mean) * factor + shift).to(bias_dtype)
    return Parameter(new_weight, weight.requires_grad), Parameter(new_bias, before.requires_grad)
