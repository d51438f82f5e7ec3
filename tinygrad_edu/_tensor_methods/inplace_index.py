"""The methods of Tensor that write to places of it: by an index or a mask, everywhere, or on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu._tensor_methods.writing import in_place, set_item, write_result
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops.common import require_tensors
from tinygrad_edu.ops.indexing.put import checked_indices, copied_slices, filled_slices, masked_places


class InplaceIndexMethods(TensorBase):
    """Methods that change some elements of the tensor; part of Tensor.

    What replaces elements (``set_item``) writes to those alone; what combines them computes a new tensor first.
    """

    scatter_ = in_place(ops.scatter)
    scatter_add_ = in_place(ops.scatter_add)
    scatter_reduce_ = in_place(ops.scatter_reduce)
    index_add_ = in_place(ops.index_add)
    index_reduce_ = in_place(ops.index_reduce)
    masked_fill_ = in_place(ops.masked_fill)

    def index_fill_(self, dim: Any = None, index: Any = None, value: Any = None, *, axis: Any = None) -> Self:
        """See ``torch.index_fill``; changes the tensor in place."""
        place, value = filled_slices("index_fill_", self, dim if axis is None else axis, index, value)
        set_item(self, place, value)
        return self

    def index_copy_(
        self, dim: Any = None, index: Any = None, source: Any = None, *, axis: Any = None
    ) -> Self:
        """See ``torch.index_copy``; changes the tensor in place."""
        set_item(
            self, copied_slices("index_copy_", self, dim if axis is None else axis, index, source), source
        )
        return self

    def index_put_(self, indices: Sequence[TensorBase], values: TensorBase, accumulate: bool = False) -> Self:
        """See ``torch.index_put``; changes the tensor in place."""
        if accumulate:
            return write_result(self, ops.index_put(self, indices, values, accumulate), "index_put_")
        set_item(self, checked_indices("index_put_", self, indices, values, accumulate), values)
        return self

    def put_(self, index: TensorBase, source: TensorBase, accumulate: bool = False) -> Self:
        """See ``torch.put``; changes the tensor in place."""
        return write_result(self, ops.put(self, index, source, accumulate), "put_")

    def masked_scatter_(self, mask: TensorBase, source: TensorBase) -> Self:
        """See ``torch.masked_scatter``; changes the tensor in place."""
        require_tensors("masked_scatter_", mask=mask, source=source)
        place, values = masked_places("masked_scatter_", tuple(self.shape), self, mask, source)
        set_item(self, place, values)
        return self

    def fill_diagonal_(self, fill_value: Any, wrap: bool = False) -> Self:
        """Set the elements whose positions are the same in all dimensions to one value.

        With ``wrap``, the diagonal of a tall matrix begins anew, one row below, after its last column.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.fill_diagonal_.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.zeros(2, 3).fill_diagonal_(5)
        tensor([[5., 0., 0.],
                [0., 5., 0.]])
        """
        require_bools("fill_diagonal_", wrap=wrap)
        if self.ndim < 2:
            raise RuntimeError(f"fill_diagonal_: expected at least 2 dimensions, got {self.ndim}")
        if self.ndim > 2 and len(set(self.shape)) > 1:
            raise RuntimeError(
                f"fill_diagonal_: expected all sizes of more than 2 to be equal, got {list(self.shape)}"
            )
        value, size = ops.scalar_like(self, fill_value), min(self.shape)
        set_item(self, tuple([list(range(size))] * self.ndim), value)
        rows, columns = self.shape[0], self.shape[1]
        if wrap and self.ndim == 2 and rows > columns + 1:
            places = range((columns + 1) * columns, rows * columns, columns + 1)
            set_item(self, ([p // columns for p in places], [p % columns for p in places]), value)
        return self

    fill_ = in_place(ops.fill)

    def zero_(self) -> Self:
        """Set every element to 0."""
        return write_result(self, ops.full_of(self, 0), "zero_")

    def copy_(self, other: TensorBase, non_blocking: bool = False) -> Self:
        """Copy the elements of ``other``, which is broadcast and converted as needed."""
        require_bools("copy_", non_blocking=non_blocking)
        return write_result(self, ops.copy_of(self, other), "copy_")
