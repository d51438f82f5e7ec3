"""Making sparse tensors of their parts, checked.

References
----------
https://docs.pytorch.org/docs/stable/sparse.html#construction
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_ints, require_bools
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.sparse.coo import SparseCOOTensor, SparseCooTensorWithDimsAndTensors
from tinygrad_edu.sparse.csr import SparseCSRTensor


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Any:
    """Make a sparse tensor of the places of its elements and their values.

    Parameters
    ----------
    indices : Tensor or nested list of int
        (sparse_dim, nnz): the place of each element. Elements at one place are added.
    values : Tensor or nested list
        (nnz, *dense sizes). Without it, ``indices`` is the size of a tensor without elements.
    size : sequence of int, optional
        The shape; as large as the indices ask for by default.
    dtype, device, requires_grad
        As for :func:`tinygrad_edu.tensor`.
    check_invariants : bool, optional
        Accepted: the indices are checked in any case (on the CPU).
    is_coalesced : bool, optional
        The caller knows that the indices are in ascending order and each occurs once.

    Returns
    -------
    Tensor
        Of layout ``torch.sparse_coo``. It shares the memory of ``values``, and its gradient flows there, unless
        ``requires_grad`` makes it a leaf itself.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse_coo_tensor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    require_bools("sparse_coo_tensor", requires_grad=requires_grad)
    if values is None:
        size = as_ints("sparse_coo_tensor", "size", indices if size is None else size)
        indices, values = creation.zeros(len(size), 0), creation.zeros(0)
    values = as_values(values, dtype, device)
    index = as_index("sparse_coo_tensor", "indices", indices, values.device, 2)
    if index.shape[0] == 0:
        raise RuntimeError("sparse_coo_tensor: expected at least one sparse dimension, got indices of 0 rows")
    if index.shape[1] != (values.shape[0] if values.ndim else -1):
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {index.shape[1]}, nnz from values: "
            f"{values.shape[0] if values.ndim else 'a number'}"
        )
    size = checked_size(index.array, values, size)
    elements = own_elements(values, requires_grad)
    return SparseCOOTensor.from_parts(index, elements, size, bool(is_coalesced))


def as_values(values: Any, dtype: Any, device: Any) -> Tensor:
    """Return the elements as a Tensor of the dtype and device that are asked for."""
    if not isinstance(values, Tensor):
        return creation.tensor(values, dtype=dtype, device=device)
    moved: Tensor = values.to(dtype=dtype, device=device)
    return moved


def as_index(name: str, argument: str, index: Any, device: Any, ndim: int) -> Tensor:
    """Return an index as an integer Tensor on a device."""
    index = index if isinstance(index, Tensor) else creation.tensor(index)
    if index.array.dtype.kind not in "iu" and index.numel():
        raise RuntimeError(f"{name}: expected {argument} to be of integers, got {index.dtype}")
    if index.ndim != ndim:
        raise RuntimeError(
            f"{argument} must be sparse_dim x nnz: expected {ndim} dimensions, got {list(index.shape)}"
        )
    found: Tensor = index.detach().to(device=device, dtype=creation.tensor(0).dtype)
    return found


def checked_size(index: Array, values: Tensor, size: Any) -> tuple[int, ...]:
    """Return the shape of a tensor with elements at these places; raise if one lies outside of the given one."""
    sparse, xp = index.shape[0], array_module(index)
    largest = [int(n) for n in xp.max(index, 1)] if index.size else [-1] * sparse
    if index.size and is_on_host(index) and index.min() < 0:
        raise RuntimeError(f"sparse_coo_tensor: found negative index {int(index.min())}")
    if size is None:
        return (*[n + 1 for n in largest], *values.shape[1:])
    size = as_ints("sparse_coo_tensor", "size", size)
    if len(size) < sparse or (
        (values.numel() or values.ndim > 1) and size[sparse:] != tuple(values.shape[1:])
    ):
        raise RuntimeError(
            f"number of dimensions must be sparse_dim ({sparse}) + dense_dim ({values.ndim - 1}), and the values of "
            f"the dense sizes, but got {list(size)} and values of shape {list(values.shape)}"
        )
    for dim, found in enumerate(largest):
        if found >= size[dim]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {size[dim]} but found index {found}"
            )
    return tuple(size)


def own_elements(values: Tensor, requires_grad: bool) -> Any:
    """Return the values as a Tensor of the sparse one alone: a leaf, or with the values as its past."""
    if requires_grad:
        return values.detach().requires_grad_()
    return SparseCooTensorWithDimsAndTensors.apply(values)


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Any:
    """Make a sparse matrix of its elements row by row.

    Parameters
    ----------
    crow_indices : Tensor or list of int
        (rows + 1,): row i has the elements number crow_indices[i] to crow_indices[i + 1] - 1.
    col_indices : Tensor or list of int
        (nnz,): the column of each element.
    values : Tensor or list
        (nnz,).
    size : (int, int), optional
        Rows and columns.
    dtype, device, requires_grad
        As for :func:`tinygrad_edu.tensor`.

    Returns
    -------
    Tensor
        Of layout ``torch.sparse_csr``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse_csr_tensor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sparse_csr_tensor([0, 1, 3], [2, 0, 1], [3.0, 4.0, 5.0]).to_dense()
    tensor([[0., 0., 3.],
            [4., 5., 0.]])
    """
    require_bools("sparse_csr_tensor", requires_grad=requires_grad)
    values = as_values(values, dtype, device)
    crow = as_index("sparse_csr_tensor", "crow_indices", crow_indices, values.device, 1)
    column = as_index("sparse_csr_tensor", "col_indices", col_indices, values.device, 1)
    check_rows(crow.array, column.array, values)
    largest = int(column.array.max()) if column.numel() else -1
    shape = (len(crow) - 1, largest + 1) if size is None else as_ints("sparse_csr_tensor", "size", size)
    if len(shape) != 2 or shape[0] != len(crow) - 1 or largest >= shape[1]:
        raise RuntimeError(
            f"sparse_csr_tensor: expected a size of {len(crow) - 1} rows and more than {largest} columns, got "
            f"{list(shape)}"
        )
    return SparseCSRTensor.from_parts(crow, column, own_elements(values, requires_grad), shape)


def check_rows(crow: Array, column: Array, values: Tensor) -> None:
    """Raise unless the rows begin one after the other and end with the last element."""
    if values.ndim != 1 or len(column) != len(values):
        raise RuntimeError(
            f"sparse_csr_tensor: expected as many values as col_indices, {len(column)}, got values of shape "
            f"{list(values.shape)}"
        )
    if not len(crow):
        raise RuntimeError("sparse_csr_tensor: expected crow_indices of rows + 1 numbers, got none")
    if not is_on_host(crow):
        return
    steps = crow[1:] - crow[:-1]
    if crow[0] != 0 or crow[-1] != len(column) or (steps < 0).any():
        raise RuntimeError(
            f"sparse_csr_tensor: expected crow_indices to ascend from 0 to nnz, {len(column)}, got {crow.tolist()}"
        )
    if len(column) and column.min() < 0:
        raise RuntimeError(f"sparse_csr_tensor: found negative column {int(column.min())}")
