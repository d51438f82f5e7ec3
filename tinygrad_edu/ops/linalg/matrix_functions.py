"""Powers and the exponential of matrices, and products of many.

References
----------
https://docs.pytorch.org/docs/stable/linalg.html#matrix-functions
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, wrong_type
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.memory_formats import contiguous_format
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.linalg.matmul import matmul
from tinygrad_edu.ops.linalg.matrices import conjugate_transpose, identity, on_host
from tinygrad_edu.ops.linalg.products import chain_matmul
from tinygrad_edu.ops.linalg.solve import inv
from tinygrad_edu.ops.shape.layout import broadcast_to, clone, squeeze, unsqueeze


class MatrixExp(Op):
    """Y = I + A + A^2 / 2! + A^3 / 3! + ...

    exp of the block matrix [[A^H, dL/dY], [0, A^H]] is [[Y^H, dL/dA], [0, Y^H]] [1]_.

    References
    ----------
    .. [1] N. J. Higham, "Functions of matrices", SIAM 2008, theorem 3.6 and section 10.6; A. H. Al-Mohy and
       N. J. Higham, "Computing the Frechet derivative of the matrix exponential", SIAM J. Matrix Anal. 30, 2009.
    """

    def forward(self, a: Array) -> Array:
        self.save_for_backward(a)
        return on_host(_exp, a)

    def backward(self, grad_output: Array) -> Array:
        (a,) = self.saved
        n, xp = a.shape[-1], array_module(grad_output)
        ah = conjugate_transpose(a)
        above = xp.concatenate([ah, grad_output], -1)
        below = xp.concatenate([grad_output * 0, ah], -1)
        return MatrixExp.compute(xp.concatenate([above, below], -2))[..., :n, n:]


def _exp(a: Any) -> Any:
    """Compute in double precision: that of SciPy loses a digit of float32."""
    import scipy.linalg

    wide = np.result_type(a.dtype, np.float64)
    return scipy.linalg.expm(a.astype(wide)).astype(a.dtype) if a.size else a.copy()


@rounded_once
def matrix_exp(input: Tensor) -> Tensor:
    r"""Return the exponential of each matrix (\*batch, n, n).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_exp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.matrix_exp(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    require_tensor("linalg_matrix_exp", input)
    if not is_inexact(raw(input).dtype):
        raise RuntimeError(
            f"linalg.matrix_exp: Expected a floating point or complex tensor as input. Got {raw(input).dtype}"
        )
    _require_square("linalg.matrix_exp", input)
    return MatrixExp.apply(input)


def _require_square(name: str, A: Tensor) -> None:
    if A.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )


def matrix_power(input: Tensor, n: int) -> Tensor:
    r"""Return A^n of each matrix (\*batch, m, m), by repeated squaring; of the inverse if n is negative.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.matrix_power.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), -5)
    tensor([[ 1., -5.],
            [ 0.,  1.]])
    """
    require_tensor("linalg_matrix_power", input)
    n = as_int("linalg.matrix_power", "n", n)
    _require_square("linalg.matrix_power", input)
    if n == 0:
        return clone(broadcast_to(identity(input, input.shape[-1]), tuple(input.shape)))
    return _positive_power(inv(input), -n) if n < 0 else _positive_power(input, n)


@rounded_once
def _positive_power(A: Tensor, n: int) -> Tensor:
    result, square = None, A
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        square = matmul(square, square) if n else square
    return clone(A, memory_format=contiguous_format) if result is A else result


def multi_dot(tensors: Any) -> Tensor:
    """Return the product of two or more matrices, in the order that takes the fewest multiplications.

    Parameters
    ----------
    tensors : sequence of Tensor
        Matrices; the first one may be a vector, a row, and the last one, a column.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.linalg.multi_dot.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.linalg.multi_dot([torch.ones(2), torch.ones(2, 3), torch.ones(3, 4)])
    tensor([6., 6., 6., 6.])
    """
    if not isinstance(tensors, list | tuple):
        raise wrong_type("linalg_multi_dot", "tensors", "tuple of Tensors", tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for x in tensors:
        require_tensor("linalg_multi_dot", x, "tensors")
        if raw(x).dtype != raw(tensors[0]).dtype:
            raise RuntimeError(
                f"multi_dot(): expected tensors of one dtype, got {raw(tensors[0]).dtype} and {raw(x).dtype}"
            )
    first, *middle, last = tensors
    for x, most in ((first, (1, 2)), (last, (1, 2)), *[(x, (2,)) for x in middle]):
        if x.ndim not in most:
            raise RuntimeError(f"multi_dot(): expected tensors of {most} dimensions, got {x.ndim}D")
    matrices = [
        unsqueeze(first, 0) if first.ndim == 1 else first,
        *middle,
        unsqueeze(last, 1) if last.ndim == 1 else last,
    ]
    for a, b in itertools.pairwise(matrices):
        if a.shape[1] != b.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors cannot be multiplied: {list(a.shape)} and {list(b.shape)}"
            )
    product = chain_matmul(*matrices)
    product = squeeze(product, 0) if first.ndim == 1 else product
    return squeeze(product, -1) if last.ndim == 1 else product
