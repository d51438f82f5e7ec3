"""Compressed rows: the elements row by row, and where each row begins."""

# A sparse tensor takes less than a dense one in some methods, of which the type checker would complain.
# mypy: disable-error-code="override"

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.layouts import sparse_coo, sparse_csr
from tinygrad_edu.size import Size
from tinygrad_edu.sparse.operators import SparseOperators


class SparseCSRTensor(SparseOperators):
    """A sparse matrix in the layout ``torch.sparse_csr``: row i has the elements crow[i] to crow[i + 1] - 1.

    Attributes
    ----------
    _crow : Tensor
        (rows + 1,), int64 or int32: where each row begins, and where the last one ends.
    _column : Tensor
        (number of elements,), of the same dtype: the column of each.

    References
    ----------
    https://docs.pytorch.org/docs/stable/sparse.html#sparse-csr-tensor
    """

    layout = sparse_csr
    is_sparse_csr = True
    _crow: Any
    _column: Any

    @classmethod
    def from_parts(cls, crow: Any, column: Any, elements: Any, size: Any) -> Self:
        """Make a matrix of what is known to fit together: Tensors or arrays."""
        made = object.__new__(cls)
        made._crow, made._column, made._elements = [
            x if hasattr(x, "array") else tensor_from_array(x) for x in (crow, column, elements)
        ]
        made._size = Size(size)
        return made

    def with_elements(self, elements: Any) -> Self:
        """Return a matrix of the same pattern with other elements; on their device."""
        crow, column = self._crow.to(elements.device), self._column.to(elements.device)
        return self.from_parts(crow, column, elements, self._size)

    def _parts(self) -> tuple[Any, ...]:
        return self._crow, self._column, self._elements.detach(), self._size

    def sparse_dim(self) -> int:
        """Return how many dimensions are sparse: both."""
        return 2

    def crow_indices(self) -> Any:
        """Return where the rows begin: (rows + 1,)."""
        return self._crow.detach()

    def col_indices(self) -> Any:
        """Return the columns of the elements: (nnz,)."""
        return self._column.detach()

    def values(self) -> Any:
        """Return the elements: (nnz,)."""
        return self._values()

    def _rows_and_columns(self) -> tuple[Array, Array]:
        """Return the two coordinates of the elements."""
        crow, column = self._crow.array, self._column.array
        xp = array_module(crow)
        return xp.searchsorted(crow, xp.arange(len(column)), side="right") - 1, column

    def _places(self) -> tuple[Array, ...]:
        """Return the places as an index of a dense tensor."""
        return self._rows_and_columns()

    # ---- other forms ------------------------------------------------------------------------------------

    def coalesce(self) -> Self:
        """Return the matrix itself: no place occurs twice."""
        return self

    def to_sparse_coo(self) -> Any:
        """Return the matrix with the coordinates of all elements."""
        row, column = self._rows_and_columns()
        index = array_module(row).stack([row, column]).astype("int64")
        return sparse_coo.tensor_class.from_parts(index, self._elements, self._size, True)

    def to_sparse(
        self, sparse_dim: Any = None, *, layout: Any = None, blocksize: Any = None, dense_dim: Any = None
    ) -> Any:
        """Return the matrix in another sparse layout: with coordinates, unless one is given."""
        return self if layout is sparse_csr else self.to_sparse_coo()

    def to_sparse_csr(self, dense_dim: int | None = None) -> Self:
        """Return the matrix itself."""
        return self

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
        """Return the dense matrix."""
        return self.to_sparse_coo().to_dense(dtype)

    def transpose(self, dim0: int, dim1: int) -> Any:
        """Return the matrix with rows and columns swapped, row by row again."""
        return self.to_sparse_coo().transpose(dim0, dim1).to_sparse_csr()

    def t(self) -> Any:
        """Return the matrix with rows and columns swapped, row by row again."""
        return self.transpose(0, 1)

    @property
    def T(self) -> Any:
        """The matrix with rows and columns swapped."""
        return self.transpose(0, 1)

    def without_elements(self) -> Self:
        """Return a matrix of this shape without elements."""
        return self.from_parts(
            self._crow.array * 0, self._column.detach()[:0], self._elements.detach()[:0], self._size
        )

    def select(self, dim: int, index: int) -> Any:
        """Return one row or column, dense."""
        return self.to_sparse_coo().select(dim, index).to_dense()

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """Return the sum of all elements, or that of each row or column as a sparse matrix of one column or row."""
        if dim is None:
            return ops.sum(self._elements, dtype=dtype)
        if not keepdim:
            raise RuntimeError("sum: reduction operations on CSR tensors with keepdim=False is unsupported")
        dims = (dim,) if isinstance(dim, int) else tuple(dim)
        total = self.to_sparse_coo().sum(dims, dtype=dtype)
        for d in sorted([d % 2 for d in dims]):
            total = total.unsqueeze(d)
        return total.to_sparse_csr()


sparse_csr.tensor_class = SparseCSRTensor
