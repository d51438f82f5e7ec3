"""The methods of Tensor that lead to sparse tensors, and those that only sparse tensors have.

The classes of sparse tensors come later, for they are built on Tensor: the layouts know them.
"""

from __future__ import annotations

from typing import Any, NoReturn

from tinygrad_edu.arguments import reject_options
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.layouts import layout as Layout, sparse_coo, sparse_csr
from tinygrad_edu.type_names import type_name


class SparseMethods(TensorBase):
    """Methods that are about layouts; part of Tensor."""

    def to_sparse(
        self, sparse_dim: Any = None, *, layout: Any = None, blocksize: Any = None, dense_dim: Any = None
    ) -> Any:
        """Return the elements that are not 0 as a sparse tensor; the gradient flows through them.

        Parameters
        ----------
        sparse_dim : int, optional
            How many dimensions are sparse, all by default. The remaining ones are dense: an element is a whole row
            then, and is kept if one of its numbers is not 0.
        layout : torch.layout, optional
            ``torch.sparse_coo`` (the default) or ``torch.sparse_csr``.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to_sparse.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> x = torch.tensor([[0, 0, 7], [0, 8, 9]])
        >>> x.to_sparse().indices()
        tensor([[0, 1, 1],
                [2, 1, 2]])
        >>> x.to_sparse(1).values()
        tensor([[0, 0, 7],
                [0, 8, 9]])
        """
        if isinstance(sparse_dim, Layout):
            sparse_dim, layout = None, sparse_dim
        reject_options("to_sparse", blocksize=blocksize, dense_dim=dense_dim)
        if layout not in (None, sparse_coo, sparse_csr):
            raise NotImplementedError(
                f"to_sparse: expected layout torch.sparse_coo or torch.sparse_csr, got {layout}"
            )
        if layout is sparse_csr:
            return self.to_sparse_csr()
        if sparse_dim is None:
            sparse_dim = self.ndim
        if not isinstance(sparse_dim, int):
            raise TypeError(f"to_sparse: expected sparse_dim to be an int, got {type_name(sparse_dim)}")
        if not 0 < sparse_dim <= self.ndim:
            raise RuntimeError(
                f"sparse_dim argument must be in >={min(self.ndim, 1)} to {self.ndim} range, but {sparse_dim} is given"
            )
        return sparse_coo.tensor_class.from_dense(self, sparse_dim)

    def to_sparse_coo(self) -> Any:
        """Return a sparse tensor of the elements that are not 0 and their places."""
        return self.to_sparse()

    def to_sparse_csr(self, dense_dim: int | None = None) -> Any:
        """Return a sparse matrix of the elements that are not 0, row by row."""
        if self.ndim != 2 or dense_dim:
            raise RuntimeError(
                f"to_sparse_csr: expected a matrix, got shape {list(self.shape)} and dense_dim={dense_dim}"
            )
        return self.to_sparse().to_sparse_csr()

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
        """Return the tensor itself, which is dense; in another dtype if one is given."""
        return self if dtype is None else self.to(dtype)

    def sparse_mask(self, mask: Any) -> Any:
        """Return a sparse tensor with the places of ``mask`` and this tensor's elements there.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.sparse_mask.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.tensor([[1, 2], [3, 4]]).sparse_mask(torch.eye(2).to_sparse()).values()
        tensor([1, 4])
        """
        if not isinstance(mask, TensorBase) or mask._is_strided:
            raise RuntimeError(f"sparse_mask: expected mask to be a sparse Tensor, got {type_name(mask)}")
        if mask.shape != self.shape:
            raise RuntimeError(
                "sparse_mask(): operands have incompatible sizes; self has size "
                f"{list(self.shape)} but mask has size {list(mask.shape)}"
            )
        return mask.with_elements(self.to_dense()[mask._places()])

    def sparse_dim(self) -> int:
        """Return how many dimensions are sparse: none."""
        return 0

    def dense_dim(self) -> int:
        """Return how many dimensions are dense: all."""
        return self.ndim

    def smm(self, mat2: Any) -> Any:
        """Raise: the left operand of this product is sparse."""
        return refuse_dense("smm")

    # ---- of sparse tensors alone ------------------------------------------------------------------------

    def coalesce(self) -> Any:
        """Raise: only a sparse tensor can have several elements at one place."""
        return refuse_dense("coalesce")

    def is_coalesced(self) -> bool:
        """Raise: only a sparse tensor can have several elements at one place."""
        return refuse_dense("is_coalesced")

    def indices(self) -> Any:
        """Raise: a dense tensor has none."""
        return refuse_dense("indices")

    def values(self) -> Any:
        """Raise: a dense tensor has none but itself."""
        return refuse_dense("values", "sparse")

    def crow_indices(self) -> Any:
        """Raise: a dense tensor has none."""
        return refuse_dense("crow_indices", "sparse row compressed")

    def col_indices(self) -> Any:
        """Raise: a dense tensor has none."""
        return refuse_dense("col_indices", "sparse row compressed")


def refuse_dense(name: str, expected: str = "sparse coordinate") -> NoReturn:
    """Raise: a method of sparse tensors was called on a dense one."""
    raise RuntimeError(f"{name} expected {expected} tensor layout but got Strided")
