"""Pooling of ``nn.functional`` put together from that of ``ops``: power means, and the way back from maxima.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_ints, as_number
from tinygrad_edu.backend import check_numel
from tinygrad_edu.ops.common import check_positions, pair, raw, require_tensor
from tinygrad_edu.ops.half import rounded_once


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return what :func:`max_pool1d` does, always with the positions."""
    return ops.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return what :func:`max_pool2d` does, always with the positions."""
    return ops.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return what :func:`max_pool3d` does, always with the positions."""
    return ops.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Return what :func:`adaptive_max_pool1d` does, always with the positions."""
    return ops.adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Return what :func:`adaptive_max_pool2d` does, always with the positions."""
    return ops.adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """Return what :func:`adaptive_max_pool3d` does, always with the positions."""
    return ops.adaptive_max_pool3d(input, output_size, True)


@rounded_once
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-norm of every window of a signal: (sum of x^p)^(1 / p), p = ``norm_type``.

    Infinity stands for the largest absolute value, -infinity for the smallest.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool1d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.lp_pool1d(torch.tensor([[3.0, 4.0, 0.0, 1.0]]), 2, 2)
    tensor([[5., 1.]])
    """
    pools = ops.max_pool1d, ops.avg_pool1d
    return _lp_pool("lp_pool1d", pools, 1, input, norm_type, kernel_size, stride, ceil_mode)


@rounded_once
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-norm of every window of an image; see :func:`lp_pool1d`."""
    pools = ops.max_pool2d, ops.avg_pool2d
    return _lp_pool("lp_pool2d", pools, 2, input, norm_type, kernel_size, stride, ceil_mode)


@rounded_once
def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """Return the p-norm of every window of a volume; see :func:`lp_pool1d`."""
    pools = ops.max_pool3d, ops.avg_pool3d
    return _lp_pool("lp_pool3d", pools, 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    name: str,
    pools: tuple[Callable[..., Any], Callable[..., Any]],
    dims: int,
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Tensor:
    require_tensor(name, input)
    p = as_number(name, "norm_type", norm_type)
    max_pool, avg_pool = pools
    if p == math.inf:
        return max_pool(abs(input), kernel_size, stride, 0, 1, ceil_mode)
    if p == -math.inf:
        return -max_pool(-abs(input), kernel_size, stride, 0, 1, ceil_mode)
    count = math.prod(pair(name, "kernel_size", kernel_size, dims))
    mean = avg_pool(input**p, kernel_size, stride, 0, ceil_mode)
    return (ops.sign(mean) * ops.relu(abs(mean)) * count) ** (1.0 / p)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back where ``max_pool1d`` found them, and zeros elsewhere: (n, c, l) -> (n, c, length).

    Parameters
    ----------
    input, indices : Tensor
        What ``max_pool1d`` returned with ``return_indices=True``.
    kernel_size, stride, padding
        Those of the pooling.
    output_size : tuple of int, optional
        The size before the pooling, which may be that of several; (size - 1) stride + kernel - 2 padding by default.

    References
    ----------
    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 2.1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool1d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> F = torch.nn.functional
    >>> largest, places = F.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2, return_indices=True)
    >>> F.max_unpool1d(largest, places, 2)
    tensor([[0., 3., 2., 0.]])
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back where ``max_pool2d`` found them, and zeros elsewhere; see :func:`max_unpool1d`."""
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back where ``max_pool3d`` found them, and zeros elsewhere; see :func:`max_unpool1d`."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    name: str,
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    require_tensor(name, input)
    require_tensor(name, indices, "indices")
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[-dims:]:
        raise RuntimeError(
            f"{name}: expected {dims + 1}D or {dims + 2}D input that is not empty, got {list(input.shape)}"
        )
    if indices.shape != input.shape or raw(indices).dtype.name != "int64":
        raise RuntimeError(
            f"{name}: expected int64 indices of the shape of the input, {list(input.shape)}, got "
            f"{list(indices.shape)} of {raw(indices).dtype}"
        )
    size = _unpooled_size(name, dims, input, kernel_size, stride, padding, output_size)
    lead = tuple(input.shape[:-dims])
    check_numel(name, (*lead, *size))
    check_positions(name, raw(indices), math.prod(size), error=RuntimeError)
    nothing = creation.zeros((*lead, math.prod(size)), dtype=input.dtype, device=input.device)
    flat = ops.reshape(input, (*lead, -1)), ops.reshape(indices, (*lead, -1))
    return ops.reshape(ops.scatter(nothing, -1, flat[1], flat[0]), (*lead, *size))


def _unpooled_size(
    name: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> tuple[int, ...]:
    kernel, border = pair(name, "kernel_size", kernel_size, dims), pair(name, "padding", padding, dims)
    step = kernel if stride is None else pair(name, "stride", stride, dims)
    usual = [
        (size - 1) * s + k - 2 * p
        for size, s, k, p in zip(input.shape[-dims:], step, kernel, border, strict=True)
    ]
    if output_size is None:
        size = tuple(usual)
    else:
        size = as_ints(name, "output_size", output_size)[-dims:]
        if len(output_size) not in (dims, dims + 2):
            raise ValueError(
                f"{name}: expected output_size to have {dims} or {dims + 2} elements, got {len(output_size)}"
            )
        for have, want, s in zip(size, usual, step, strict=True):
            if not want - s < have < want + s:
                raise ValueError(
                    f"{name}: invalid output_size {list(output_size)}: expected {want} give or take less than {s}, "
                    f"got {have}"
                )
    if min(size) < 0:
        raise ValueError(f"{name}: expected sizes of at least 0, got {list(size)}")
    return size
