"""Products of matrices: matmul and its relatives, linear.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.matmul.html
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, is_on_host
from tinygrad_edu.layouts import sparse_coo
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import (
    check_broadcast,
    ones,
    optional_tensors,
    raw,
    reject_bool,
    require_tensor,
    require_tensors,
    unbroadcast,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.promotion import checked_factor
from tinygrad_edu.ops.shape.layout import reshape, squeeze, unsqueeze
from tinygrad_edu.ops.summation import LONG, sum_over, wide
from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES


class MatMul(Op):
    """Matrix product: (*batch, m, k) @ (*batch, k, n) -> (*batch, m, n).

    With Y = A B: dL/dA = dL/dY B^T and dL/dB = A^T dL/dY; of complex matrices, B^H and A^H.
    """

    def forward(self, a: Array, b: Array) -> Array:
        needs_a, needs_b = self.needs_input_grad
        self.shapes = a.shape, b.shape
        self.save_for_backward(a if needs_b else None, b if needs_a else None)
        return product(a, b)

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        a, b = self.saved
        shape_a, shape_b = self.shapes
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            grad_a = unbroadcast(product(grad_output, b.conj().swapaxes(-1, -2)), shape_a)  # (*batch, m, k)
        if self.needs_input_grad[1]:
            grad_b = unbroadcast(product(a.conj().swapaxes(-1, -2), grad_output), shape_b)  # (*batch, k, n)
        return grad_a, grad_b


def product(a: Array, b: Array) -> Array:
    """Return a @ b for operands that are known to fit: of arrays, or of Tensors with their history."""
    if isinstance(a, TensorBase) or isinstance(b, TensorBase):
        return matmul(a, b)
    if a.shape[-1] > LONG or a.dtype in HALF_DTYPES:
        return careful_product(a, b)
    return kernel_table.matrix_product(a).matmul(a, b)


def careful_product(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return a @ b + bias: sums of many products in halves, half precision in float32 and rounded once."""
    if a.dtype in HALF_DTYPES:
        return careful_product(wide(a), wide(b), wide(bias)).astype(a.dtype)
    y = product_in_halves(a, b)
    return y if bias is None else y + bias


def product_in_halves(a: Array, b: Array) -> Array:
    """Return a @ b; the products that make one number are added in pairs of halves, where there are many."""
    k = a.shape[-1]
    if k <= LONG or not is_on_host(a):  # a GPU adds in many parts
        return kernel_table.matrix_product(a).matmul(a, b)
    if b.shape[-1] == 1:  # with a vector, BLAS would add more of them one after the other than with a matrix
        products = a * b.swapaxes(-1, -2)
        return sum_over(products, (products.ndim - 1,))[..., None]
    if a.shape[-2] == 1:
        return product_in_halves(b.swapaxes(-1, -2), a.swapaxes(-1, -2)).swapaxes(-1, -2)
    first, second = slice(k // 2), slice(k // 2, k)
    return product_in_halves(a[..., first], b[..., first, :]) + product_in_halves(
        a[..., second], b[..., second, :]
    )


def check_matmul(name: str, a: Array, b: Array) -> None:
    """Raise unless two operands can be multiplied."""
    require_tensor(name, a)
    require_tensor(name, b, "other")
    if raw(a).dtype != raw(b).dtype:
        raise explained(
            RuntimeError(
                f"{name}: expected both operands to have the same dtype, but got {raw(a).dtype} and "
                f"{raw(b).dtype}"
            )
        )
    if a.ndim == 0 or b.ndim == 0:
        raise explained(
            RuntimeError(
                f"{name}: both arguments need to be at least 1D, but they are {a.ndim}D and {b.ndim}D"
            )
        )
    inner_a, inner_b = a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0]
    if inner_a != inner_b:
        raise explained(
            RuntimeError(
                f"{name}: mat1 and mat2 shapes cannot be multiplied: expected (*, m, k) @ (*, k, n), got "
                f"{list(a.shape)} @ {list(b.shape)} (k is {inner_a} and {inner_b})"
            )
        )
    if a.ndim > 2 and b.ndim > 2:
        check_broadcast(f"{name} of {list(a.shape)} and {list(b.shape)}: batches", a.shape[:-2], b.shape[:-2])


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Matrix product, of batches too; a vector counts as a row on the left and as a column on the right.

    Parameters
    ----------
    input, other : Tensor
        (*batch, m, k) and (*batch, k, n) of one dtype; the batches are broadcast.

    Returns
    -------
    Tensor
        (*batch, m, n).

    Raises
    ------
    RuntimeError
        If the shapes or dtypes do not fit together.

    Notes
    -----
    With Y = A B: dL/dA = dL/dY B^T and dL/dB = A^T dL/dY.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.matmul.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.matmul(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    if this_thread.mode.autocast:
        return under_autocast(matmul, input, other)
    require_tensors("matmul", input=input, other=other)
    if not (input._is_strided and other._is_strided):
        return sparse_coo.tensor_class.product(input, other)
    check_matmul("matmul", input, other)
    a = unsqueeze(input, 0) if input.ndim == 1 else input
    b = unsqueeze(other, 1) if other.ndim == 1 else other
    product = MatMul.apply(a, b)
    if input.ndim == 1:
        product = squeeze(product, -2)
    return squeeze(product, -1) if other.ndim == 1 else product


def _of_dims(name: str, input: Array, other: Array, dims: tuple[int, int]) -> Array:
    for x, expected in ((input, dims[0]), (other, dims[1])):
        require_tensor(name, x)
        if x.ndim != expected:
            raise explained(
                RuntimeError(f"{name}: expected a {expected}D tensor, got {x.ndim}D of shape {list(x.shape)}")
            )
    return matmul(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices, (m, k) @ (k, n) -> (m, n), without broadcasting."""
    if this_thread.mode.autocast:
        return under_autocast(mm, input, mat2)
    return _of_dims("mm", input, mat2, (2, 2))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Products of two batches of matrices, (b, m, k) @ (b, k, n) -> (b, m, n), without broadcasting."""
    if this_thread.mode.autocast:
        return under_autocast(bmm, input, mat2)
    require_tensor("bmm", input)
    require_tensor("bmm", mat2, "mat2")
    if input.ndim == 3 and mat2.ndim == 3 and input.shape[0] != mat2.shape[0]:
        raise explained(
            RuntimeError(f"bmm: expected equal batch sizes, got {list(input.shape)} and {list(mat2.shape)}")
        )
    return _of_dims("bmm", input, mat2, (3, 3))


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Product of a matrix and a vector, (m, k) @ (k,) -> (m,)."""
    if this_thread.mode.autocast:
        return under_autocast(mv, input, vec)
    return _of_dims("mv", input, vec, (2, 1))


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Product of two vectors, (k,) @ (k,): a number."""
    if this_thread.mode.autocast:
        return under_autocast(dot, input, tensor)
    return _of_dims("dot", input, tensor, (1, 1))


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of an element of one vector with one of another: (m,) and (n,) -> (m, n)."""
    for x in (input, vec2):
        require_tensor("outer", x)
        if x.ndim != 1:
            raise explained(
                RuntimeError(f"outer: Expected 1-D argument, but got {x.ndim}-D of shape {list(x.shape)}")
            )
    return reshape(input, (-1, 1)) * reshape(vec2, (1, -1))


@rounded_once
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2), with matrices (m, k) and (k, n) and an input broadcast to (m, n)."""
    require_tensor("addmm", input)
    require_numbers("addmm", complex_too=True, beta=beta, alpha=alpha)
    return weighted_sum("addmm", input, mm(mat1, mat2), beta, alpha)


@rounded_once
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), with batches (b, m, k) and (b, k, n)."""
    require_tensor("baddbmm", input)
    require_numbers("baddbmm", complex_too=True, beta=beta, alpha=alpha)
    return weighted_sum("baddbmm", input, bmm(batch1, batch2), beta, alpha)


def weighted_sum(name: str, input: Array, product: Array, beta: float, alpha: float) -> Array:
    """beta * input + alpha * product, the factors in their dtype."""
    if raw(input).dtype != raw(product).dtype:
        raise explained(
            RuntimeError(f"{name}: expected one dtype, got {raw(input).dtype} and {raw(product).dtype}")
        )
    reject_bool(name, input)
    if beta != 1:
        input = input * checked_factor(name, beta, input, product)
    if alpha != 1:
        product = product * checked_factor(name, alpha, input, product)
    return input + product


class Linear(Op):
    """y = x W^T + b, with x (*, in_features), W (out_features, in_features), b (out_features).

    dL/dx = dL/dy W, dL/dW = (dL/dy)^T x and dL/db = sum of dL/dy over the rows.
    """

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        needs_x, needs_weight, _ = self.needs_input_grad
        self.save_for_backward(x if needs_weight else None, weight if needs_x else None)
        rows = as_rows(x)
        if rows.shape[1] > LONG or x.dtype in HALF_DTYPES:
            y = careful_product(rows, weight.T, bias)
        else:
            y = kernel_table.matrix_product(x).linear(rows, weight, bias)  # (rows, out_features)
        return y if rows is x else y.reshape((*x.shape[:-1], weight.shape[0]))

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, weight = self.saved
        needs_x, needs_weight, needs_bias = self.needs_input_grad
        grad_rows = as_rows(grad_output)
        grad_x = grad_weight = grad_bias = None
        if needs_x:
            grad_x = product(grad_rows, weight.conj())
            if grad_rows is not grad_output:
                grad_x = grad_x.reshape((*grad_output.shape[:-1], weight.shape[1]))
        if needs_weight:
            grad_weight = linear_weight_gradient(grad_rows, as_rows(x).conj())
        if needs_bias:
            grad_bias = sum_of_rows(grad_rows)
        return grad_x, grad_weight, grad_bias


def linear_weight_gradient(grad_output: Array, x: Array) -> Array:
    """Return grad_output^T x."""
    if isinstance(grad_output, TensorBase) or isinstance(x, TensorBase):
        return matmul(grad_output.T, x)
    if len(x) > LONG or x.dtype in HALF_DTYPES:
        return careful_product(grad_output.T, x)
    return kernel_table.matrix_product(x).linear_weight_gradient(grad_output, x)


ROWS_AT_ONCE = 1024  # a sum of sums is more accurate than one long sum


def sum_of_rows(x: Array) -> Array:
    """Return the sum over the rows of a matrix; on the CPU as products with ones, which are BLAS's and quicker."""
    if isinstance(x, np.ndarray) and x.dtype in COMPILED_DTYPES and 0 < len(x) <= 64 * ROWS_AT_ONCE:
        blocks = [x[i : i + ROWS_AT_ONCE] for i in range(0, len(x), ROWS_AT_ONCE)]
        sums = [threads.call(np.dot, ones(len(block), x.dtype), block) for block in blocks]
        return sums[0] if len(sums) == 1 else sum_over(np.stack(sums), (0,))
    return sum_over(x, (0,))


def as_rows(x: Array) -> Array:
    """Return (*, features) as a matrix (rows, features)."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b.

    Parameters
    ----------
    input : Tensor
        (*, in_features).
    weight : Tensor
        (out_features, in_features).
    bias : Tensor, optional
        (out_features,).

    Returns
    -------
    Tensor
        (*, out_features).

    Raises
    ------
    RuntimeError
        If the shapes or dtypes do not fit together.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]])
    >>> torch.nn.functional.linear(x, weight, torch.tensor([0.5, 0.0]))
    tensor([[11.5000, 17.0000]])
    """
    if this_thread.mode.autocast:
        return under_autocast(linear, input, weight, bias)
    require_tensors("linear", input=input, weight=weight)
    optional_tensors("linear", bias=bias)
    x, w, b = raw(input), raw(weight), raw(bias)
    shape, weight_shape, dtype = x.shape, w.shape, x.dtype
    if not shape or not weight_shape:
        raise explained(
            RuntimeError(
                f"linear: expected input and weight of at least one dimension, got {list(shape)} and "
                f"{list(weight_shape)}"
            )
        )
    if len(weight_shape) == 1:
        y = matmul(input, weight)
        return y if bias is None else y + bias
    if len(weight_shape) != 2 or not shape or shape[-1] != weight_shape[1]:
        raise explained(
            RuntimeError(
                f"linear: mat1 and mat2 shapes cannot be multiplied: expected input (*, {weight_shape[-1]}) for "
                f"weight {list(weight_shape)}, got {list(shape)}"
            )
        )
    if b is not None and b.shape != (weight_shape[0],):
        raise explained(RuntimeError(f"linear: expected bias ({weight_shape[0]},), got {list(b.shape)}"))
    if w.dtype != dtype or (b is not None and b.dtype != dtype):
        name, other = ("weight", w.dtype) if w.dtype != dtype else ("bias", b.dtype)
        raise explained(
            RuntimeError(f"linear: expected {name} to have the input's dtype {dtype}, got {other}")
        )
    return Linear.apply(input, weight, bias)
