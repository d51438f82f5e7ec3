"""Along a dimension, step by step: the largest so far, the logarithm of a running sum, differences, areas.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, as_number
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.ops.common import (
    in_rows,
    normalize_dim,
    raw,
    reject_complex,
    require_floating_point,
    require_tensor,
)
from tinygrad_edu.ops.elementwise.compare import logical_xor
from tinygrad_edu.ops.elementwise.special import LogAddExp
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.along_dim import narrow
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.indexing.index import between
from tinygrad_edu.ops.reduce.extremum import ValuesAndIndices
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.reduce.scan import cumsum
from tinygrad_edu.ops.shape.join import cat
from tinygrad_edu.ops.shape.layout import clone, reshape


def cummax(input: Tensor, dim: Any = None, *, axis: Any = None) -> ValuesAndIndices:
    """Return the largest element so far along ``dim``, and its position, the last one of equal ones.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cummax(torch.tensor([1.0, 3.0, 2.0]), 0)
    ValuesAndIndices(values=tensor([1., 3., 3.]), indices=tensor([0, 1, 1]))
    """
    return _running_extremum("cummax", input, dim if axis is None else axis, np.maximum)


def cummin(input: Tensor, dim: Any = None, *, axis: Any = None) -> ValuesAndIndices:
    """Return the smallest element so far along ``dim``, and its position, the last one of equal ones."""
    return _running_extremum("cummin", input, dim if axis is None else axis, np.minimum)


def _running_extremum(name: str, input: Tensor, dim: Any, better: Any) -> ValuesAndIndices:
    require_tensor(name, input)
    reject_complex(name, input)
    dim = normalize_dim(name, dim, input.ndim)
    x = to_numpy(raw(input))  # CuPy has no maximum.accumulate: on the host, whatever the device
    if x.ndim == 0 or x.size == 0:
        index = np.zeros(x.shape, np.int64)
    else:
        best = better.accumulate(x, dim)
        chosen = (x == best) | (x != x)  # once there is a NaN, it is the best, and the last one counts
        places = np.arange(x.shape[dim]).reshape(-1, *[1] * (x.ndim - dim - 1))
        index = np.maximum.accumulate(np.where(chosen, places, 0), dim)
    indices = tensor_from_array(to_device(in_rows(index), device_of(raw(input))))
    values = gather(input, dim, indices) if x.size else clone(input)
    return ValuesAndIndices(values, indices)


class LogCumsumExp(Op):
    """y_i = log(e^x_0 + ... + e^x_i).

    dL/dx_k = sum over i >= k of g_i e^(x_k - y_i) = e^(x_k - y_k) s_k, where s_k = g_k + e^(y_k - y_(k+1)) s_(k+1).
    As y only grows, no power is above 1.
    """

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        if x.dtype.kind == "c":
            y = running_logaddexp(x, dim)
        else:  # CuPy has no logaddexp.accumulate: on the host, whatever the device
            y = to_device(np.logaddexp.accumulate(to_numpy(x), dim).astype(x.dtype), device_of(x))
        y = in_rows(y)
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        xp, dim, n = array_module(grad_output), self.dim, x.shape[self.dim]
        shares = xp.exp(between(y, dim, 0, n - 1) - between(y, dim, 1, n)).conj()
        sums = [between(grad_output, dim, n - 1, n)]  # s_(n-1), s_(n-2), ..., s_0
        for k in range(n - 2, -1, -1):
            sums.append(between(grad_output, dim, k, k + 1) + between(shares, dim, k, k + 1) * sums[-1])
        return xp.exp(x - y).conj() * xp.concatenate(sums[::-1], dim)


def running_logaddexp(x: Array, dim: int) -> Array:
    """Return log(e^x_0 + ... + e^x_i) of complex numbers, one after the other."""
    sums = [between(x, dim, 0, 1)]
    for i in range(1, x.shape[dim]):
        sums.append(LogAddExp.compute(sums[-1], between(x, dim, i, i + 1)))
    return array_module(x).concatenate(sums, dim)


@rounded_once
def logcumsumexp(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Logarithm of the running sum of e^x along ``dim``, without overflow.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.logcumsumexp(torch.zeros(2), 0)
    tensor([0.0000, 0.6931])
    """
    dim = dim if axis is None else axis
    require_floating_point("logcumsumexp", input, complex_too=True)
    dim = normalize_dim("logcumsumexp", dim, input.ndim)
    if not input.ndim or not raw(input).size:
        return input * 1
    return LogCumsumExp.apply(input, dim=dim)


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    axis: Any = None,
) -> Tensor:
    """Return the differences of neighbours along ``dim``, ``n`` times over; of booleans, whether they differ.

    Parameters
    ----------
    input : Tensor
        At least one dimension.
    n : int
        How often.
    dim : int
        Along which dimension.
    prepend, append : Tensor, optional
        What to put before and behind it first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.diff.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diff(torch.tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    """
    dim = dim if axis is None else axis
    require_tensor("diff", input)
    n = as_int("diff", "n", n)
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional, got a 0-d tensor")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = normalize_dim("diff", dim, input.ndim)
    parts = [x for x in (prepend, input, append) if x is not None]
    for x in parts:
        require_tensor("diff", x, "prepend or append")
        if x.ndim != input.ndim:
            raise RuntimeError(
                f"diff expects prepend or append to be the same dimension as input, {input.ndim}, got {x.ndim}"
            )
    if n == 0:
        return clone(input)
    joined = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, joined.shape[dim])):
        size = max(joined.shape[dim] - 1, 0)
        left, right = narrow(joined, dim, 0, size), narrow(joined, dim, joined.shape[dim] - size, size)
        joined = logical_xor(right, left) if raw(joined).dtype.kind == "b" else right - left
    return joined


@rounded_once
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1, axis: Any = None
) -> Tensor:
    """Area under a curve by the trapezoidal rule: the sum of (y_i + y_(i+1)) / 2 times the width of the step.

    Parameters
    ----------
    y : Tensor
        Heights.
    x : Tensor, optional
        Where they stand: a vector, or of a shape that broadcasts with ``y``.
    dx : float, optional
        The width of all steps, instead of ``x``.
    dim : int
        Along which dimension.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.trapezoid.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.trapezoid(torch.tensor([1.0, 3.0, 3.0]))
    tensor(5.)
    """
    areas, dim = _areas("trapezoid", y, x, dx, dim if axis is None else axis)
    return sum(areas, dim)


@rounded_once
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1, axis: Any = None
) -> Tensor:
    """Area up to each point under a curve; the arguments are those of :func:`trapezoid`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 3.0, 3.0]))
    tensor([2., 5.])
    """
    areas, dim = _areas("cumulative_trapezoid", y, x, dx, dim if axis is None else axis)
    return cumsum(areas, dim)


def _areas(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> tuple[Tensor, int]:
    """Return the area of every step, and the dimension, counted from the end."""
    require_tensor(name, y, "y")
    if x is not None and dx != 1:
        raise TypeError(f"{name}: expected x or dx, got both")
    dim = normalize_dim(name, dim, y.ndim)
    if y.ndim == 0:
        raise IndexError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
    size = y.shape[dim]
    if raw(y).dtype.kind == "b":
        raise RuntimeError(f"{name}: expected y to be of numbers, got booleans")
    steps = max(size - 1, 0)
    heights = narrow(y, dim, min(1, size), steps) + narrow(y, dim, 0, steps)
    if x is None:
        return heights * as_number(name, "dx", dx) / 2.0, dim - y.ndim
    require_tensor(name, x, "x")
    if raw(x).dtype.kind == "b":
        raise RuntimeError(f"{name}: expected x to be of numbers, got booleans")
    if x.ndim == 1:
        if x.shape[0] != size:
            raise RuntimeError(
                f"{name}: There must be one x value for each sample point, got {x.shape[0]} for {size}"
            )
        widths = reshape(diff(x), (steps, *[1] * (y.ndim - dim - 1)))
    else:
        padded = reshape(x, (1,) * (y.ndim - x.ndim) + tuple(x.shape))
        across = dim + padded.ndim - y.ndim
        widths = diff(padded, dim=across)
    return heights * widths / 2.0, dim - y.ndim
