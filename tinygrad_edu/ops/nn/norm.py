"""Normalisation: batch norm, layer norm, group norm, instance norm, RMS norm.

References
----------
Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1; Ba, Kiros and Hinton, "Layer Normalization",
2016, equation 4; https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, as_ints, as_number, require_bools
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.telling import tell_called, tell_wrote
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.common import (
    optional_tensors,
    raw,
    require_dtype_of,
    require_floating_point,
    require_tensors,
)
from tinygrad_edu.ops.elementwise.arithmetic import square
from tinygrad_edu.ops.elementwise.unary import rsqrt
from tinygrad_edu.ops.half import in_float32, widened
from tinygrad_edu.ops.nn.normalize import BatchNorm, LayerNorm, Normalize, has_norm_kernels, scale_and_shift
from tinygrad_edu.ops.reduce.reduction import mean
from tinygrad_edu.ops.shape.layout import clone, contiguous, reshape


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise over the last dimensions, which are ``normalized_shape``; then scale and shift.

    Parameters
    ----------
    input : Tensor
        (*, *normalized_shape).
    normalized_shape : sequence of int
        The sizes of the last dimensions.
    weight, bias : Tensor, optional
        Of the normalized shape.
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        Of the input's shape: (x - mean) / sqrt(variance + eps) * weight + bias.

    References
    ----------
    Ba, Kiros and Hinton, "Layer Normalization", 2016, equation 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    shape = as_ints("layer_norm", "normalized_shape", normalized_shape)
    eps = as_number("layer_norm", "eps", eps)
    check_normalized_shape("layer_norm", input, shape, weight, bias)
    check_dtypes("layer_norm", input, weight=weight, bias=bias)
    if raw(input).dtype in HALF_DTYPES:  # the parameters may be of float32, as in PyTorch
        return in_float32(layer_norm, input, shape, weight, bias, eps)
    if has_norm_kernels(input, weight, bias):
        return LayerNorm.apply(input, weight, bias, ndim=len(shape), eps=eps)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    return scale_and_shift(Normalize.apply(input, dims=dims, eps=eps)[0], weight, bias, shape)


def check_dtypes(name: str, input: Array, **parameters: Any) -> None:
    """Raise unless the input is of floating-point numbers and the parameters of its dtype (or float32 for halves)."""
    require_floating_point(name, input)
    if raw(input).dtype in HALF_DTYPES:
        parameters = {key: x for key, x in parameters.items() if x is not None and raw(x).dtype != np.float32}
    require_dtype_of(name, input, **parameters)


def check_normalized_shape(name: str, input: Array, shape: tuple[int, ...], weight: Any, bias: Any) -> None:
    """Raise unless the last dimensions are ``shape``, and the parameters' too."""
    require_tensors(name, input=input)
    optional_tensors(name, weight=weight, bias=bias)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise explained(
            RuntimeError(
                f"{name}: Given normalized_shape={list(shape)}, expected input with shape [*, "
                f"{', '.join(map(str, shape))}], but got input of size {list(input.shape)}"
            )
        )
    for argument, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and tuple(parameter.shape) != shape:
            raise explained(
                RuntimeError(
                    f"{name}: expected {argument} of shape {list(shape)}, got {list(parameter.shape)}"
                )
            )


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root of the mean square over the last dimensions; then scale.

    Parameters
    ----------
    input : Tensor
        (*, *normalized_shape).
    normalized_shape : sequence of int
        The sizes of the last dimensions.
    weight : Tensor, optional
        Of the normalized shape.
    eps : float, optional
        Added to the mean square; by default the dtype's smallest difference from 1.

    References
    ----------
    Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.rms_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.rms_norm(torch.tensor([[3.0, 4.0]]), (2,))
    tensor([[0.8485, 1.1314]])
    """
    shape = as_ints("rms_norm", "normalized_shape", normalized_shape)
    check_normalized_shape("rms_norm", input, shape, weight, None)
    require_floating_point("rms_norm", input, complex_too=True)
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(rms_norm, input, shape, weight, eps)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    if eps is None:
        eps = float(array_module(raw(input)).finfo(raw(input).dtype).eps)
    x_hat = input * rsqrt(mean(square(input), dims, keepdim=True) + eps)
    return contiguous(scale_and_shift(x_hat, weight, None, shape))


def batch_norm(
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise every channel over the batch and all positions; then scale and shift.

    In training the statistics are the batch's, and the running ones move towards them; otherwise the running
    ones are used.

    Parameters
    ----------
    input : Tensor
        (n, c) or (n, c, *).
    running_mean, running_var : Tensor or None
        (c,), changed in place in training: running += momentum * (batch - running), with the variance of the
        batch unbiased.
    weight, bias : Tensor, optional
        (c,).
    training : bool
        Whether to use the statistics of this batch.
    momentum : float
        Weight of the new statistics.
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    RuntimeError
        If a parameter does not have one element a channel.
    ValueError
        If there is only one value a channel to take statistics of.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> running_mean, running_var = torch.zeros(1), torch.ones(1)
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.nn.functional.batch_norm(x, running_mean, running_var, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    >>> running_mean, running_var
    (tensor([0.2000]), tensor([1.1000]))
    """
    require_bools("batch_norm", training=training)
    momentum, eps = as_number("batch_norm", "momentum", momentum), as_number("batch_norm", "eps", eps)
    require_tensors("batch_norm", input=input)
    if not raw(input).size and input.ndim < 2:
        return clone(input)
    parameters = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    check_channels("batch_norm", input, **parameters)
    if raw(input).dtype in HALF_DTYPES:
        return _batch_norm_of_halves(input, running_mean, running_var, weight, bias, training, momentum, eps)
    per_channel = (1, input.shape[1]) + (1,) * (input.ndim - 2)
    dims = tuple([d for d in range(input.ndim) if d != 1])
    if training and eps <= 0:
        raise ValueError(f"batch_norm: expected eps above 0 in training, got {eps}")
    if not raw(input).size:  # nothing to take statistics of
        return scale_and_shift(clone(input), weight, bias, per_channel)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm: running_mean and running_var must be defined in evaluation mode")
        x_hat = (input - reshape(running_mean, per_channel)) * reshape(rsqrt(running_var + eps), per_channel)
        return contiguous(scale_and_shift(x_hat, weight, bias, per_channel))
    n = values_per_channel(tuple(input.shape))
    if has_norm_kernels(input, weight, bias):
        result, average, variance = BatchNorm.apply(input, weight, bias, eps=eps)
    else:
        x_hat, _, average, variance = Normalize.apply(input, dims=dims, eps=eps)
        result = scale_and_shift(x_hat, weight, bias, per_channel)
    if running_mean is not None:
        update_running(running_mean, raw(average), momentum)
        update_running(running_var, raw(variance), momentum, n / max(n - 1, 1))
    return result


def values_per_channel(shape: tuple[int, ...]) -> int:
    """Return how many values of (n, c, *) each channel has; raise if they are too few to vary."""
    n = shape[0] * math.prod(shape[2:])
    if n <= 1:
        raise explained(
            ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
        )
    return n


def _batch_norm_of_halves(
    input: Array,
    running_mean: Any,
    running_var: Any,
    weight: Array | None,
    bias: Array | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Array:
    """Return what ``batch_norm`` does, computed in float32; running statistics of half precision are rounded once."""
    mean, var = widened(running_mean), widened(running_var)
    result = in_float32(batch_norm, input, mean, var, weight, bias, training, momentum, eps)
    for running, changed in ((running_mean, mean), (running_var, var)):
        if training and running is not changed:
            running.array[...] = raw(changed)
            tell_wrote(running, raw(changed))
            running.increment_version("batch_norm")
    return result


def check_channels(name: str, input: Array, **parameters: Array | None) -> None:
    """Raise unless the input is (n, c, *) of floating-point numbers, and every parameter (c,) and of its dtype."""
    require_tensors(name, input=input)
    optional_tensors(name, **parameters)
    if input.ndim < 2:
        raise explained(
            RuntimeError(f"{name}: expected at least 2D input (n, c, *), got {list(input.shape)}")
        )
    for argument, parameter in parameters.items():
        if parameter is not None and tuple(parameter.shape) != (input.shape[1],):
            raise explained(
                RuntimeError(
                    f"{name}: expected {argument} to contain {input.shape[1]} elements, got "
                    f"{list(parameter.shape)}"
                )
            )
    check_dtypes(name, input, **parameters)


def update_running(running: Any, batch: Array, momentum: float, factor: float | None = None) -> None:
    """Move a running statistic towards the batch's, times a factor: running += momentum (batch - running), in place."""
    tell_called(update_running, (running, batch, momentum, factor), None)
    batch = batch.reshape(-1) if factor is None else batch.reshape(-1) * factor
    running.array += (momentum * (batch - running.array)).astype(running.array.dtype)
    running.increment_version("batch_norm")


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise groups of channels of every sample; then scale and shift every channel.

    Parameters
    ----------
    input : Tensor
        (n, c, *).
    num_groups : int
        How many groups; a divisor of c.
    weight, bias : Tensor, optional
        (c,).
    eps : float
        Added to the variance.

    References
    ----------
    Wu and He, "Group Normalization", 2018, equations 1 to 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0, 50.0, 10.0]]), 2)
    tensor([[-1.0000,  1.0000,  1.0000, -1.0000]])
    """
    num_groups = as_int("group_norm", "num_groups", num_groups)
    eps = as_number("group_norm", "eps", eps)
    check_channels("group_norm", input, weight=weight, bias=bias)
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(group_norm, input, num_groups, weight, bias, eps)
    channels = input.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise explained(
            RuntimeError(
                "group_norm: Expected number of channels in input to be divisible by num_groups, but got input "
                f"of shape {list(input.shape)} and num_groups={num_groups}"
            )
        )
    if raw(input).size == num_groups:
        raise explained(
            ValueError(
                f"group_norm: Expected more than 1 value per channel when training, got input size {list(input.shape)}"
            )
        )
    x_hat = normalize_groups(input, num_groups, eps)
    return scale_and_shift(x_hat, weight, bias, (1, channels) + (1,) * (input.ndim - 2))


def normalize_groups(input: Array, num_groups: int, eps: float) -> Array:
    """Normalise so many groups of channels of every sample of (n, c, *)."""
    if not raw(input).size:
        return input
    n, channels = input.shape[0], input.shape[1]
    grouped = reshape(input, (n, num_groups, channels // num_groups * math.prod(input.shape[2:])))
    if has_norm_kernels(input):
        x_hat = LayerNorm.apply(grouped, None, None, ndim=1, eps=eps)
    else:
        x_hat = Normalize.apply(grouped, dims=(2,), eps=eps)[0]
    return reshape(x_hat, tuple(input.shape))


def instance_norm(
    input: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-05
) -> Array:
    """Normalise every channel of every sample, (n, c, *), over its positions; then scale and shift.

    References
    ----------
    Ulyanov et al., "Instance Normalization", 2016, equation 3.
    """
    check_channels("instance_norm", input, weight=weight, bias=bias)
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(instance_norm, input, weight, bias, eps)
    if math.prod(input.shape[2:]) == 1:
        raise explained(
            ValueError(
                f"Expected more than 1 spatial element when training, got input size {list(input.shape)}"
            )
        )
    x_hat = normalize_groups(input, input.shape[1], eps)
    return scale_and_shift(x_hat, weight, bias, (1, input.shape[1]) + (1,) * (input.ndim - 2))
