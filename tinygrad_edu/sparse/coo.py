"""Coordinates: for every element, where it stands."""

# A sparse tensor takes less than a dense one in some methods, of which the type checker would complain.
# mypy: disable-error-code="override"

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.layouts import sparse_coo, sparse_csr
from tinygrad_edu.ops.common import normalize_dim, normalize_dims
from tinygrad_edu.ops.indexing.index import index_put_zeros
from tinygrad_edu.size import Size
from tinygrad_edu.sparse.operators import SparseOperators
from tinygrad_edu.sparse.tensor import Elements


class SparseCOOTensor(SparseOperators):
    """A sparse tensor in the layout ``torch.sparse_coo``: element e stands at (index[0, e], index[1, e], ...).

    A place may occur more than once; then the elements there are added. A tensor is *coalesced* if each occurs once,
    in ascending order.

    Attributes
    ----------
    _index : Tensor
        (number of sparse dimensions, number of elements), int64.

    References
    ----------
    https://docs.pytorch.org/docs/stable/sparse.html#sparse-coo-tensors
    """

    layout = sparse_coo
    is_sparse = True
    _index: Any
    _is_coalesced: bool

    @classmethod
    def from_parts(cls, index: Any, elements: Any, size: Any, is_coalesced: bool = False) -> Self:
        """Make a tensor of what is known to fit together; ``index`` and ``elements`` are Tensors or arrays."""
        made = object.__new__(cls)
        made._index, made._elements = [
            x if hasattr(x, "array") else tensor_from_array(x) for x in (index, elements)
        ]
        made._size, made._is_coalesced = Size(size), bool(is_coalesced or made._nnz() < 2)
        return made

    @classmethod
    def from_dense(cls, x: Any, sparse_dim: int) -> Self:
        """Return the elements of a dense tensor that are not 0.

        An element that is a row itself is kept if one of its numbers is not 0.
        """
        xp, array = array_module(x.array), x.array
        is_kept = (array != 0).any(tuple(range(sparse_dim, x.ndim)))
        places = xp.nonzero(is_kept)
        return cls.from_parts(xp.stack(places).astype("int64"), x[places], x.shape, True)

    def with_elements(self, elements: Any) -> Self:
        """Return a tensor of the same pattern with other elements; on their device."""
        index = self._index.to(elements.device)
        return self.from_parts(index, elements, self._size, self._is_coalesced)

    def _parts(self) -> tuple[Any, ...]:
        return self._index, self._elements.detach(), self._size, self._is_coalesced

    # ---- what it is -------------------------------------------------------------------------------------

    def sparse_dim(self) -> int:
        """Return how many dimensions are sparse: those that the index is of."""
        return int(self._index.shape[0])

    def is_coalesced(self) -> bool:
        """Tell whether each place occurs once, in ascending order."""
        return self._is_coalesced

    def indices(self) -> Any:
        """Return the places of the elements: (sparse_dim, nnz); of a coalesced tensor."""
        self._require_coalesced("indices")
        return self._indices()

    def values(self) -> Any:
        """Return the elements: (nnz, *dense sizes); of a coalesced tensor."""
        self._require_coalesced("values")
        return self._values()

    def _require_coalesced(self, what: str) -> None:
        if not self._is_coalesced:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")

    def _indices(self) -> Any:
        """Return the places of the elements, which may occur more than once."""
        return self._index.detach()

    def _places(self) -> tuple[Array, ...]:
        """Return the places as an index of a dense tensor."""
        return tuple(self._index.array)

    def _rows_and_columns(self) -> tuple[Array, Array]:
        """Return the two coordinates of the elements of a matrix."""
        row, column = self._index.array
        return row, column

    # ---- other forms ------------------------------------------------------------------------------------

    def coalesce(self) -> Self:
        """Return the tensor with one element for each place, the sum of those that stand there, in ascending order."""
        if self._is_coalesced:
            return self
        xp, sizes = array_module(self._index.array), self._size[: self.sparse_dim()]
        numbers, which = xp.unique(numbers_of(self._index.array, sizes), return_inverse=True)
        shape = (len(numbers), *self._elements.shape[1:])
        elements = index_put_zeros(self._elements, which.reshape(-1), shape)  # scatter-add
        return self.from_parts(places_of(numbers, sizes), elements, self._size, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
        """Return the dense tensor: zeros, into which the elements are added."""
        dense = index_put_zeros(self._elements, self._places(), tuple(self._size))
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(
        self, sparse_dim: Any = None, *, layout: Any = None, blocksize: Any = None, dense_dim: Any = None
    ) -> Any:
        """Return the tensor in another sparse layout."""
        return self.to_sparse_csr() if layout is sparse_csr else self

    def to_sparse_coo(self) -> Self:
        """Return the tensor itself."""
        return self

    def to_sparse_csr(self, dense_dim: int | None = None) -> Any:
        """Return a matrix with its rows one after the other."""
        if self.sparse_dim() != 2 or self.dense_dim():
            raise RuntimeError(
                f"to_sparse_csr: expected a sparse matrix of numbers, got {self.sparse_dim()} sparse and "
                f"{self.dense_dim()} dense dimensions"
            )
        one = self.coalesce()
        row, column = one._rows_and_columns()
        xp = array_module(row)
        crow = xp.searchsorted(row, xp.arange(self._size[0] + 1)).astype("int64")
        return sparse_csr.tensor_class.from_parts(crow, column.copy(), one._elements, self._size)

    def transpose(self, dim0: int, dim1: int) -> Self:
        """Return the tensor with two dimensions swapped, both sparse or both dense."""
        a, b = (normalize_dim("transpose", dim, self.ndim) for dim in (dim0, dim1))
        sparse = self.sparse_dim()
        if (a < sparse) != (b < sparse):
            raise RuntimeError(
                f"transpose: expected two sparse or two dense dimensions, got {dim0} and {dim1} of {sparse} sparse "
                f"and {self.dense_dim()} dense ones"
            )
        order = list(range(self.ndim))
        order[a], order[b] = b, a
        return self.permute(*order)

    def permute(self, *dims: Any) -> Self:
        """Return the tensor with its dimensions in another order, sparse ones among themselves and before the dense."""
        given = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
        order = normalize_dims("permute", list(given), self.ndim)
        sparse = self.sparse_dim()
        if sorted(order) != list(range(self.ndim)) or set(order[:sparse]) != set(range(sparse)):
            raise RuntimeError(
                f"permute: expected all {self.ndim} dimensions, the {sparse} sparse ones first, got {given}"
            )
        index = self._index.array[list(order[:sparse])]
        elements = self._elements.permute(0, *[d - sparse + 1 for d in order[sparse:]])
        stays = self._is_coalesced and list(order[:sparse]) == list(range(sparse))
        return self.from_parts(index, elements, [self._size[d] for d in order], stays)

    def t(self) -> Self:
        """Return a matrix with rows and columns swapped."""
        if self.ndim > 2 or self.dense_dim():
            raise RuntimeError(
                f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {self.sparse_dim()} sparse "
                f"and {self.dense_dim()} dense dimensions"
            )
        return self if self.ndim < 2 else self.transpose(0, 1)

    @property
    def T(self) -> Self:
        """The tensor with its dimensions in reverse order."""
        return self.permute(*range(self.ndim)[::-1])

    def unsqueeze(self, dim: int) -> Self:
        """Return the tensor with a sparse dimension of size 1 more."""
        dim = normalize_dim("unsqueeze", dim, self.ndim + 1)
        sparse = self.sparse_dim()
        size = (*self._size[:dim], 1, *self._size[dim:])
        if dim > sparse:
            elements = self._elements.unsqueeze(dim - sparse + 1)
            return self.from_parts(self._index, elements, size, self._is_coalesced)
        rows = list(self._index.array)
        rows.insert(dim, array_module(rows[0]).zeros_like(rows[0]))
        return self.from_parts(array_module(rows[0]).stack(rows), self._elements, size, self._is_coalesced)

    def select(self, dim: int, index: int) -> Any:
        """Return one slice along a sparse dimension; dense, if no sparse dimension remains."""
        dim = normalize_dim("select", dim, self.ndim)
        size, rows = self._size[dim], self._index.array
        if not -size <= index < size:
            raise IndexError(
                f"select(): index {index} out of range for tensor of size {list(self._size)} at dimension "
                f"{dim}"
            )
        if dim >= self.sparse_dim():
            raise NotImplementedError(f"select: expected a sparse dimension, got {dim}")
        kept = array_module(rows).nonzero(rows[dim] == index % size)[0]
        elements, rest = self._elements[kept], [row[kept] for d, row in enumerate(rows) if d != dim]
        if not rest:
            return ops.sum(elements, 0)
        left = (*self._size[:dim], *self._size[dim + 1 :])
        return self.from_parts(array_module(rows).stack(rest), elements, left, self._is_coalesced)

    def index_select(self, dim: int, index: Any) -> Self:
        """Return the slices with these numbers along a sparse dimension."""
        dim = normalize_dim("index_select", dim, self.ndim)
        if dim >= self.sparse_dim():
            raise NotImplementedError(f"index_select: expected a sparse dimension, got {dim}")
        rows, xp = self._index.array, array_module(self._index.array)
        new, old = xp.nonzero(index.array[:, None] == rows[dim])  # which of the slices, which element
        rows = rows[:, old]
        rows[dim] = new
        size = (*self._size[:dim], len(index), *self._size[dim + 1 :])
        return self.from_parts(rows, self._elements[old], size)

    @classmethod
    def cat(cls, tensors: Sequence[Any], dim: int) -> Self:
        """Return sparse tensors one after the other; rows that are dense get zeros on both sides."""
        first = tensors[0]
        for i, x in enumerate(tensors):
            if not isinstance(x, cls):
                raise RuntimeError(
                    f"cat: expected tensors of layout torch.sparse_coo only, got {x.layout} at place {i}"
                )
        dim = normalize_dim("cat", dim, first.ndim)
        sizes = [(*x._size[:dim], *x._size[dim + 1 :]) for x in tensors]
        if any(
            size != sizes[0] or x.sparse_dim() != first.sparse_dim()
            for size, x in zip(sizes, tensors, strict=True)
        ):
            raise RuntimeError(
                f"cat: expected sizes that differ in dimension {dim} alone and as many sparse dimensions, got "
                f"{[list(x._size) for x in tensors]}"
            )
        ends = list(itertools.accumulate([x._size[dim] for x in tensors]))
        whole = (*first._size[:dim], ends[-1], *first._size[dim + 1 :])
        places, elements = [], []
        for x, end in zip(tensors, ends, strict=True):
            index, values, start = x._index.array, x._elements, end - x._size[dim]
            if dim < first.sparse_dim():
                index = index.copy()
                index[dim] += start
            else:
                after = len(whole) - 1 - dim  # dense dimensions behind this one
                values = ops.pad(values, (0, 0) * after + (start, ends[-1] - end))
            places.append(index)
            elements.append(values)
        return cls.from_parts(array_module(places[0]).concatenate(places, 1), ops.cat(elements), whole)

    # ---- arithmetic -------------------------------------------------------------------------------------

    def _joined(self, other: SparseCOOTensor) -> Self:
        """Return the sum: of the same pattern if both have one, else coalesced."""
        if self.sparse_dim() != other.sparse_dim():
            raise RuntimeError(
                f"add: expected as many sparse dimensions in both, got {self.sparse_dim()} and {other.sparse_dim()}"
            )
        a, b = ops.promote("add", self._elements, other._elements)
        places, others = self._index.array, other._index.array
        if places.shape == others.shape and bool((places == others).all()):
            return self.from_parts(self._index, a + b, self._size, self._is_coalesced and other._is_coalesced)
        index = ops.cat([self._index, other._index], 1)
        return self.from_parts(index, ops.cat([a, b]), self._size).coalesce()

    def _common(self, other: SparseCOOTensor) -> Self:
        """Return the product: the elements at those places where both have one."""
        if self.shape != other.shape or self.sparse_dim() != other.sparse_dim():
            raise RuntimeError(
                f"mul operands have incompatible sizes: expected {list(self.shape)}, got {list(other.shape)}"
            )
        a, b, sizes = self.coalesce(), other.coalesce(), self._size[: self.sparse_dim()]
        numbers_a, numbers_b = (numbers_of(x._index.array, sizes) for x in (a, b))
        xp = array_module(numbers_a)
        in_a = xp.nonzero(xp.isin(numbers_a, numbers_b))[0]
        in_b = xp.searchsorted(numbers_b, numbers_a[in_a])
        elements = a._elements[in_a] * b._elements[in_b]
        return self.from_parts(a._index.array[:, in_a], elements, self._size, True)

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """Return the sum over all dimensions (dense), or over some of them (sparse, if a sparse one remains)."""
        if keepdim:
            raise NotImplementedError("sum: expected keepdim=False for a sparse tensor")
        one = self if dtype is None else self.to(dtype)
        if dim is None:
            return ops.sum(one._elements)
        dims = normalize_dims("sum", dim, self.ndim)
        sparse = self.sparse_dim()
        dense_dims = tuple([d - sparse + 1 for d in dims if d >= sparse])
        elements = ops.sum(one._elements, dense_dims) if dense_dims else one._elements
        kept = [d for d in range(sparse) if d not in dims]
        if not kept:
            return ops.sum(elements, 0)
        size = [n for d, n in enumerate(self._size) if d not in dims]
        same = self._is_coalesced and len(kept) == sparse
        return self.from_parts(self._index.array[kept], elements, size, same).coalesce()

    def without_elements(self) -> Self:
        """Return a tensor of this shape without elements."""
        return self.from_parts(self._index.array[:, :0], self._elements.detach()[:0], self._size)

    def zero_(self) -> Self:
        """Leave no element."""
        return self._become(self.without_elements())


def numbers_of(index: Array, sizes: Any) -> Array:
    """Return the places of an index as numbers, row by row: (i, j) is i * n + j."""
    numbers = index[0]
    for row, size in zip(index[1:], sizes[1:], strict=True):
        numbers = numbers * size + row
    return numbers


def places_of(numbers: Array, sizes: Any) -> Array:
    """Return the places with these numbers, the reverse of ``numbers_of``."""
    rows = []
    for size in sizes[:0:-1]:
        rows.append(numbers % size)
        numbers = numbers // size
    return array_module(numbers).stack([numbers, *rows[::-1]])


class SparseCooTensorWithDimsAndTensors(Elements):
    """What ``sparse_coo_tensor`` does with the values: nothing, under PyTorch's name."""


sparse_coo.tensor_class = SparseCOOTensor
