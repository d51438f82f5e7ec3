"""Variance, standard deviation, log-sum-exp and norms.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

import builtins
import math
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_number, require_bools, wrong_type
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import is_floating, is_inexact
from tinygrad_edu.ops.common import as_float, normalize_dims, raw, require_tensor, to_dtype
from tinygrad_edu.ops.elementwise.arithmetic import absolute, pow
from tinygrad_edu.ops.elementwise.complex_numbers import imag, real
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.elementwise.unary import exp, log, sqrt
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.linalg.matrices import svd_of_array
from tinygrad_edu.ops.reduce.extremum import amax, amin
from tinygrad_edu.ops.reduce.reduction import Dims, average, count, mean, restore_dims, sum
from tinygrad_edu.ops.summation import sum_over, wide


class Var(Op):
    """y = sum_i (x_i - mean)^2 / (n - correction); dy/dx_i = 2 (x_i - mean) / (n - correction)."""

    def forward(self, x: Array, *, dims: tuple[int, ...], keepdim: bool, correction: float) -> Array:
        self.dims = dims
        self.degrees = builtins.max(count(x.shape, dims) - correction, 0)
        self.save_for_backward(x)
        deviation = wide(x) - average(wide(x), dims)
        y = (sum_over(deviation * deviation, dims) / self.degrees).astype(x.dtype, order="C")
        return restore_dims(y, dims, x.shape) if keepdim else y

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        deviation = x - average(x, self.dims)
        scale = 2.0 / self.degrees if self.degrees else math.nan
        return restore_dims(grad_output * scale, self.dims, x.shape) * deviation


@rounded_once
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Variance: sum of (x - mean)^2 / (n - correction).

    Parameters
    ----------
    input : Tensor
        Floating-point numbers of any shape.
    dim : int or tuple of int, optional
        Over which dimensions; all by default.
    unbiased : bool
        The old name of a correction of 1 or 0.
    keepdim : bool
        Keep them, with size 1.
    correction : float, optional
        What is taken off the number of elements; 1 by default (Bessel's correction).

    Returns
    -------
    Tensor
        The input's shape without the dimensions; NaN or infinity if n - correction is not above 0.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.var.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.var(torch.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_tensor("var", input)
    require_bools("var", unbiased=unbiased, keepdim=keepdim)
    if isinstance(dim, bool):  # the historical call var(input, unbiased)
        dim, unbiased = None, dim
    if raw(input).dtype.kind == "c":  # the squared distance from the mean
        parts = real(input), imag(input)
        options: dict[str, Any] = {"unbiased": unbiased, "keepdim": keepdim, "correction": correction}
        return var(parts[0], dim, **options) + var(parts[1], dim, **options)
    if not is_floating(raw(input).dtype):
        raise RuntimeError(f"var: expected a floating-point tensor, got {raw(input).dtype}")
    correction = float(unbiased) if correction is None else as_number("var", "correction", correction)
    return Var.apply(
        input, dims=normalize_dims("var", dim, input.ndim), keepdim=keepdim, correction=correction
    )


@rounded_once
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Standard deviation, the square root of :func:`var`; where it is 0 its gradient is taken as 0.

    The arguments are those of ``var``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.std.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.std(torch.tensor([[1.0, 3.0], [0.0, 0.0]]), dim=1, correction=0)
    tensor([1., 0.])
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    constant = variance == 0
    return where(constant, variance, sqrt(where(constant, 1.0, variance)))


class LogSumExp(Op):
    """y = ln sum_i e^x_i, computed with the maximum taken out; dy/dx_i = e^(x_i - y), the softmax."""

    def forward(self, x: Array, *, dims: tuple[int, ...], keepdim: bool) -> Array:
        xp = array_module(x)
        self.dims = dims
        largest = x.real.max(dims, keepdims=True)
        largest = xp.where(xp.isfinite(largest), largest, largest.dtype.type(0))
        total = restore_dims(sum_over(xp.exp(wide(x - largest)), dims), dims, x.shape)
        y = (xp.log(total) + largest).astype(x.dtype)
        y = xp.asarray(y if keepdim else y.squeeze(dims), order="C")
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        softmax = array_module(x).exp(x - restore_dims(y, self.dims, x.shape))
        return restore_dims(grad_output, self.dims, x.shape) * softmax.conj()


@rounded_once
def logsumexp(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """ln of the sum of e^x, without overflow; the derivative is the softmax.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.logsumexp(torch.tensor([100.0, 100.0]), 0)
    tensor(100.6931)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    input = as_float("logsumexp", input)
    require_bools("logsumexp", keepdim=keepdim)
    if dim is None:
        raise wrong_type("logsumexp", "dim", "tuple of ints", dim)
    dims = normalize_dims("logsumexp", dim, input.ndim)
    if count(input.shape, dims) == 0:
        return log(sum(exp(input), dims, keepdim))
    return LogSumExp.apply(input, dims=dims, keepdim=keepdim)


class NotZero(Op):
    """1 where x is not 0, else 0: a step, through which no gradient goes."""

    def forward(self, x: Array) -> Array:
        return (x != 0).astype(x.dtype)

    def backward(self, grad_output: Array) -> None:
        return None


class NuclearNorm(Op):
    """The sum of the singular values of X = U S V^T; dy/dX = U V^T."""

    def forward(self, x: Array, *, dims: tuple[int, ...], keepdim: bool) -> Array:
        xp = array_module(x)
        self.dims, self.shape = dims, x.shape
        u, s, vh = svd_of_array(xp.moveaxis(x, dims, (-2, -1)), full_matrices=False)
        self.save_for_backward(xp.moveaxis(u @ vh, (-2, -1), dims))
        total = sum_over(s, (s.ndim - 1,))
        return restore_dims(total, dims, x.shape) if keepdim else total

    def backward(self, grad_output: Array) -> Array:
        (slope,) = self.saved
        return restore_dims(grad_output, self.dims, self.shape) * slope


@rounded_once
def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """Vector norm (sum |x|^p)^(1 / p); the gradient of the 2-norm is x / |x|, taken as 0 at 0.

    Parameters
    ----------
    input : Tensor
        Floating-point elements.
    p : float, "fro" or "nuc"
        The order: 2 by default; infinity for the largest absolute value, 0 to count what is not 0. "nuc" is the
        nuclear norm of matrices: the sum of their singular values.
    dim : int or tuple of int, optional
        Over which dimensions; all by default.
    keepdim : bool
        Keep them, with size 1.
    dtype : torch.dtype, optional
        To turn the input into first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    require_tensor("norm", input)
    if dtype is not None:
        input = to_dtype("norm", input, dtype)
    require_bools("norm", keepdim=keepdim)
    if not is_inexact(raw(input).dtype):
        raise RuntimeError(f"norm: expected a floating-point tensor, got {raw(input).dtype}")
    if p == "nuc":
        dims = normalize_dims("norm", dim, input.ndim)
        if len(dims) != 2:
            raise RuntimeError(f"norm: expected two dimensions of matrices for 'nuc', got {list(dims)}")
        return NuclearNorm.apply(input, dims=dims, keepdim=keepdim)
    p = 2 if p in ("fro", None) else p
    if not isinstance(p, int | float):
        raise RuntimeError(f"norm: expected p to be a number, 'fro' or 'nuc', got {p!r}")
    size = absolute(input)
    if p == math.inf:
        return amax(size, dim, keepdim)
    if p == -math.inf:
        return amin(size, dim, keepdim)
    if p == 0:
        return sum(NotZero.apply(size), dim, keepdim)
    if p == 1:
        return sum(size, dim, keepdim)
    if p == 2:
        total = sum(size * size, dim, keepdim)
    else:  # zeros are left out, for the slope of |x|^p may be infinite there
        nothing = size == 0
        total = sum(where(nothing, 0.0, pow(where(nothing, 1.0, size), p)), dim, keepdim)
    zero = total == 0
    root = sqrt(where(zero, 1.0, total)) if p == 2 else pow(where(zero, 1.0, total), 1 / p)
    return where(zero, 0.0, root)


@rounded_once
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]:
    """Variance and mean, with the arguments of :func:`var`."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@rounded_once
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean, with the arguments of :func:`std`."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    deviation = std(input, dim, unbiased, keepdim, correction=correction)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim)
