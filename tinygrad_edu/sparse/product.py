"""Products with a sparse matrix.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.sparse.mm.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module, sparse_module
from tinygrad_edu.layouts import sparse_coo
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.common import require_tensors
from tinygrad_edu.ops.summation import sum_over, wide
from tinygrad_edu.type_names import type_name


class SparseMatMul(Op):
    """Y = A X of a sparse matrix A (m, k), given by its elements a_e at (row_e, col_e), and a dense X (k, n).

    Y_i is the sum of a_e X[col_e] over the elements of row i. So dL/dX = A^T dL/dY, and an element gets the product
    of the rows that it joins, dL/da_e = dL/dY[row_e] . X[col_e]: what is no element has no gradient. (With complex
    numbers, the conjugates of A and X.)
    """

    def forward(
        self, elements: Array, dense: Array, *, row: Array, col: Array, shape: tuple[int, int]
    ) -> Array:
        needs_elements, needs_dense = self.needs_input_grad
        self.row, self.col, self.shape = row, col, shape
        self.save_for_backward(elements if needs_dense else None, dense if needs_elements else None)
        matrix = sparse_module(elements).csr_matrix((wide(elements), (row, col)), shape)
        product = matrix @ wide(dense)
        return product.astype(elements.dtype) if elements.dtype in HALF_DTYPES else product

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        elements, dense = self.saved
        grad_elements = grad_dense = None
        if self.needs_input_grad[0]:
            grad_elements = sum_over(grad_output[self.row] * dense.conj()[self.col], (1,))
        if self.needs_input_grad[1]:
            transposed = dict(row=self.col, col=self.row, shape=self.shape[::-1])
            grad_dense = SparseMatMul.compute(elements.conj(), grad_output, **transposed)  # (k, n)
        return grad_elements, grad_dense


def matmul(a: Any, b: Any) -> Any:
    """Return a @ b, of which at least one is sparse: a dense Tensor, or a sparse one if both are.

    With a sparse right operand, A B = (B^T A^T)^T.
    """
    check_product(a, b)
    if not a._is_strided and not b._is_strided:
        return product_of_sparse(a, b)
    if not b._is_strided:
        return matmul(b.transpose(0, 1), ops.t(a)).t() if a.ndim > 1 else matmul(b.transpose(0, 1), a)
    dense = b if b.ndim > 1 else ops.unsqueeze(b, 1)
    row, col = a._rows_and_columns()
    product = SparseMatMul.apply(a._elements, dense, row=row, col=col, shape=tuple(a.shape))
    return product if b.ndim > 1 else ops.squeeze(product, 1)


def check_product(a: Any, b: Any) -> None:
    """Raise unless two operands can be multiplied."""
    for x in (a, b):
        if not isinstance(x, TensorBase):
            raise TypeError(f"matmul: expected Tensors, got {type_name(x)}")
        if not x._is_strided and (x.ndim != 2 or x.dense_dim()):
            raise RuntimeError(
                f"matmul: expected a sparse matrix of numbers, got {x.sparse_dim()} sparse and {x.dense_dim()} dense "
                "dimensions"
            )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"matmul: expected both operands to have the same dtype, but got {a.dtype} and {b.dtype}"
        )
    if not 1 <= a.ndim <= 2 or not 1 <= b.ndim <= 2:
        raise RuntimeError(f"matmul: expected matrices or vectors, got {list(a.shape)} @ {list(b.shape)}")
    if a.shape[-1] != b.shape[0]:
        raise RuntimeError(
            "matmul: mat1 and mat2 shapes cannot be multiplied: expected (m, k) @ (k, n), got "
            f"{list(a.shape)} @ {list(b.shape)} (k is {a.shape[-1]} and {b.shape[0]})"
        )


def product_of_sparse(a: Any, b: Any) -> Any:
    """Return the sparse product of two sparse matrices.

    An element of ``a`` in column k meets all elements of ``b`` in row k. Their products are gathered into pairs, and
    those that fall on one place are added: so the derivatives are those of gather and scatter.
    """
    b = b.to_sparse_csr()
    row, column = a._rows_and_columns()
    xp = array_module(row)
    crow = b.crow_indices().array
    first, count = crow[column], crow[column + 1] - crow[column]  # of the elements in row k
    ends = xp.cumsum(count)
    of_a = xp.searchsorted(ends, xp.arange(int(ends[-1]) if len(ends) else 0), side="right")  # for every pair
    of_b = xp.arange(len(of_a)) - (ends - count - first)[of_a]
    index = xp.stack([row[of_a], b.col_indices().array[of_b]])
    products = a._elements[of_a] * b._elements[of_b]
    found = sparse_coo.tensor_class.from_parts(index, products, (a.shape[0], b.shape[1])).coalesce()
    return found if a.is_sparse else found.to_sparse_csr()


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrix product of a sparse matrix and a dense one, or of two sparse ones.

    Parameters
    ----------
    input : Tensor
        (m, k), sparse; or dense, if the other is sparse.
    mat2 : Tensor
        (k, n), of the same dtype.

    Returns
    -------
    Tensor
        (m, n); sparse if both are.

    Notes
    -----
    With Y = A X: dL/dX = A^T dL/dY, and dL/dA = dL/dY X^T at the elements of A alone.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse.mm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> swap = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 10.0])
    >>> torch.sparse.mm(swap, torch.tensor([[1.0], [2.0]]))
    tensor([[ 2.],
            [10.]])
    """
    require_tensors("sparse.mm", input=input, mat2=mat2)
    for argument, x in (("input", input), ("mat2", mat2)):
        if x.ndim != 2:
            raise IndexError(f"sparse.mm: expected {argument} to be a matrix, got {list(x.shape)}")
    return ops.matmul(input, mat2)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2), with a sparse ``mat1`` and dense others.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse.addmm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sparse.addmm(torch.ones(2, 2), torch.eye(2).to_sparse(), torch.ones(2, 2), alpha=3)
    tensor([[4., 4.],
            [4., 4.]])
    """
    return ops.addmm(input, mat1, mat2, beta=beta, alpha=alpha)


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Another name of :func:`mm`: the product of a sparse matrix and a dense one."""
    return mm(input, mat2)


def smm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrix product of a sparse matrix and a dense one, as a sparse tensor of all its elements.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.smm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.smm(torch.eye(2).to_sparse(), torch.ones(2, 1)).values()
    tensor([1., 1.])
    """
    product = mm(input, mat2)
    xp = array_module(product.array)
    rows, columns = product.shape
    index = xp.stack([xp.repeat(xp.arange(rows), columns), xp.tile(xp.arange(columns), rows)])
    return sparse_coo.tensor_class.from_parts(index, ops.reshape(product, (-1,)), tuple(product.shape), True)


def sampled_addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1.0, alpha: float = 1.0
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2), computed only where the sparse ``input`` (m, n) has elements.

    Attention on a graph is this: the products of those pairs of vectors alone that an edge joins.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse.sampled_addmm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sparse.sampled_addmm(torch.eye(2).to_sparse_csr(), torch.ones(2, 3), torch.ones(3, 2)).values()
    tensor([4., 4.])
    """
    require_tensors("sampled_addmm", input=input, mat1=mat1, mat2=mat2)
    if not input.is_sparse_csr:
        raise RuntimeError(f"sampled_addmm: Expected self to have layout SparseCsr, got {input.layout}")
    if mat1.ndim != 2 or mat2.ndim != 2 or mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            "sampled_addmm: mat1 and mat2 shapes cannot be multiplied: expected (m, k) @ (k, n), got "
            f"{list(mat1.shape)} @ {list(mat2.shape)}"
        )
    if (mat1.shape[0], mat2.shape[1]) != tuple(input.shape):
        raise RuntimeError(
            f"sampled_addmm: expected input of shape {[mat1.shape[0], mat2.shape[1]]}, got {list(input.shape)}"
        )
    row, column = input._rows_and_columns()
    products = ops.sum(mat1[row] * ops.t(mat2)[column], 1)
    return input.with_elements(beta * input._elements + alpha * products)
