"""Softmax, its logarithm, and the cross-entropy.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import dtypes, kernel_table
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, is_floating
from tinygrad_edu.ops.common import normalize_dim, raw, require_tensor, to_dtype
from tinygrad_edu.ops.elementwise.select import keep
from tinygrad_edu.ops.half import in_float32
from tinygrad_edu.ops.reduce.reduction import restore_dims
from tinygrad_edu.ops.shape.layout import reshape
from tinygrad_edu.ops.summation import sum_over


def rows_last(x: Array, dim: int) -> Array:
    """Return the array as rows, with dimension ``dim`` as the columns: what the kernels work on."""
    moved = x.swapaxes(dim, -1)
    return moved.reshape((math.prod(moved.shape[:-1]), moved.shape[-1]))


def from_rows(rows: Array, dim: int, shape: tuple[int, ...]) -> Array:
    """Undo ``rows_last``; the result is contiguous."""
    if dim in (-1, len(shape) - 1):
        return rows.reshape(shape)
    moved = list(shape)
    moved[dim], moved[-1] = moved[-1], moved[dim]
    return array_module(rows).ascontiguousarray(rows.reshape(moved).swapaxes(dim, -1))


class Softmax(Op):
    """y_i = e^x_i / sum_j e^x_j; dL/dx_i = y_i (g_i - sum_j g_j y_j)."""

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        y = from_rows(kernel_table.softmax_loss(x).softmax_forward(rows_last(x, dim)), dim, x.shape)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        if kernel_table.has_kernels(grad_output):
            rows = rows_last(grad_output, self.dim), rows_last(y, self.dim)
            return from_rows(kernel_table.softmax_loss(y).softmax_backward(*rows), self.dim, y.shape)
        weighted = grad_output * y
        return weighted - y * restore_dims(sum_over(weighted, (self.dim,)), (self.dim,), y.shape)


class LogSoftmax(Op):
    """y_i = x_i - ln sum_j e^x_j; dL/dx_i = g_i - e^y_i sum_j g_j."""

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        y = from_rows(kernel_table.softmax_loss(x).log_softmax_forward(rows_last(x, dim)), dim, x.shape)
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        if kernel_table.has_kernels(grad_output):
            rows = rows_last(grad_output, self.dim), rows_last(y, self.dim)
            return from_rows(kernel_table.softmax_loss(y).log_softmax_backward(*rows), self.dim, y.shape)
        total = restore_dims(sum_over(grad_output, (self.dim,)), (self.dim,), y.shape)
        return grad_output - array_module(y).exp(y) * total


def softmax(input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None, *, axis: Any = None) -> Tensor:
    """Turn scores into probabilities along ``dim``: e^x_i / sum_j e^x_j.

    Parameters
    ----------
    input : Tensor
        Any shape; -infinity gives a probability of 0.
    dim : int
        Along which dimension they sum to 1.
    dtype : torch.dtype, optional
        To turn the input into first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.softmax(torch.zeros(4), dim=0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    dim = dim if axis is None else axis
    return _along_dim(Softmax, "softmax", input, dim, dtype)


def log_softmax(
    input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None, *, axis: Any = None
) -> Tensor:
    """ln of the softmax along ``dim``, x_i - ln sum_j e^x_j, without overflow.

    The arguments are those of :func:`softmax`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.log_softmax(torch.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    dim = dim if axis is None else axis
    return _along_dim(LogSoftmax, "log_softmax", input, dim, dtype)


def _along_dim(op: type[Op], name: str, input: Array, dim: int, dtype: dtypes.dtype | None) -> Array:
    require_tensor(name, input)
    input = input if dtype is None else to_dtype(name, input, dtype)
    if not is_floating(raw(input).dtype):
        raise NotImplementedError(
            f"{name}: expected a floating-point tensor, got {raw(input).dtype}; give a dtype"
        )
    if raw(input).dtype in HALF_DTYPES:
        return in_float32(_along_dim, op, name, input, dim, None)
    dim = normalize_dim(name, dim, input.ndim)
    if input.ndim == 0:
        return reshape(op.apply(reshape(input, (1,)), dim=0), ())
    return op.apply(input, dim=dim)


class SoftmaxCrossEntropy(Op):
    """The loss of every row, -w_t ln softmax(x)_t for its target t; or the sum of all, or their mean.

    dloss/dx_i = w_t (softmax(x)_i - [i = t]). A mean is the sum divided by the sum of the rows' weights w_t.
    """

    def forward(
        self, logits: Array, target: Array, weight: Array | None, *, ignore_index: int, reduction: str
    ) -> Array:
        kernels = kernel_table.softmax_loss(logits)
        losses, totals, probabilities = kernels.softmax_cross_entropy_forward(
            logits, target, weight, ignore_index
        )
        if is_on_host(totals) and totals[2]:  # the GPU would have to be waited for; NaN says it there
            call(check_class_numbers, "cross_entropy", target, logits.shape[1], ignore_index)
        self.ignore_index = ignore_index
        self.divisor = totals[1] if reduction == "mean" else 1
        self.save_for_backward(probabilities, target, weight)
        return losses if reduction == "none" else totals[0] / self.divisor

    def backward(self, grad_loss: Array) -> tuple[Array, None, None]:
        probabilities, target, weight = self.saved
        if isinstance(grad_loss, TensorBase):
            grad_logits = self.differentiable_backward(
                grad_loss, raw(probabilities), raw(target), raw(weight)
            )
        else:
            grad_logits = kernel_table.softmax_loss(probabilities).softmax_cross_entropy_backward(
                grad_loss, probabilities, target, weight, self.ignore_index, self.divisor
            )
        return grad_logits, None, None

    def differentiable_backward(
        self, grad_loss: TensorBase, p: Array, target: Array, weight: Array | None
    ) -> TensorBase:
        """Return the gradient of the logits, a Tensor with a history that leads to them."""
        xp = array_module(p)
        # Softmax is the same for ln p as for the logits, which are not kept: a number a row lies between them.
        logits = tensor_from_array(xp.log(p))
        logits.set_history(self.next_edges[0])
        kept, is_class = target != self.ignore_index, (target >= 0) & (target < p.shape[1])
        weights = xp.ones(len(p), p.dtype) if weight is None else weight[target * is_class]
        shares = xp.where(kept, xp.where(is_class, weights / self.divisor, xp.nan), 0).astype(p.dtype)
        one_hot = (xp.arange(p.shape[1]) == target[:, None]).astype(p.dtype)
        grad_rows = reshape(grad_loss * shares, (-1, 1))
        return keep(grad_rows * (Softmax.compute(logits, dim=1) - one_hot), kept[:, None])


def check_class_numbers(name: str, target: Array, classes: int, ignore_index: int) -> None:
    """Raise unless the numbers of an array are classes, or to be ignored; the array is on the host."""
    valid = target[target != ignore_index]
    if valid.size and (valid.min() < 0 or valid.max() >= classes):
        bad = int(valid.min() if valid.min() < 0 else valid.max())
        raise IndexError(
            f"{name}: Target {bad} is out of bounds: expected 0 to {classes - 1} or "
            f"ignore_index={ignore_index}"
        )
