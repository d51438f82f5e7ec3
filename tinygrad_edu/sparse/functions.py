"""Functions of sparse tensors: sums, and softmax over the elements that are there.

References
----------
https://docs.pytorch.org/docs/stable/sparse.html#torch-functions-specific-to-sparse-tensors
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.ops.common import normalize_dim, require_tensor
from tinygrad_edu.ops.indexing.index import index_put_zeros
from tinygrad_edu.sparse.coo import numbers_of


def require_coo(name: str, input: Any) -> None:
    """Raise unless a Tensor is sparse, with coordinates."""
    require_tensor(name, input)
    if not input.is_sparse:
        raise RuntimeError(f"{name}: expected a tensor of layout torch.sparse_coo, got {input.layout}")


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """Add up the elements of a sparse tensor over dimensions.

    Parameters
    ----------
    input : Tensor
        Sparse.
    dim : int or sequence of int, optional
        Over which dimensions; over all without it.
    dtype : torch.dtype, optional
        In which to add.

    Returns
    -------
    Tensor
        Sparse, unless all sparse dimensions are summed over.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse.sum.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sparse.sum(torch.tensor([[1.0, 2.0], [0.0, 5.0]]).to_sparse(), 0).to_dense()
    tensor([1., 7.])
    """
    require_tensor("sparse.sum", input)
    if input._is_strided:
        raise RuntimeError(f"sparse.sum: expected a sparse tensor, got layout {input.layout}")
    total: Tensor = input.sum(dim, dtype=dtype)
    return total


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Apply softmax along a dimension; what is no element counts as minus infinity, and stays out.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse.softmax.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sparse.softmax(torch.tensor([[2.0, 2.0], [0.0, 5.0]]).to_sparse(), 1).to_dense()
    tensor([[0.5000, 0.5000],
            [0.0000, 1.0000]])
    """
    x, shifted, group, count = _shifted("sparse.softmax", input, dim, dtype)
    if group is None:
        return x.with_elements(ops.softmax(shifted, count))
    powers = ops.exp(shifted)
    return x.with_elements(powers / sum_of_groups(powers, group, count)[group])


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Apply the logarithm of :func:`softmax` along a dimension.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.sparse.log_softmax.html
    """
    x, shifted, group, count = _shifted("sparse.log_softmax", input, dim, dtype)
    if group is None:
        return x.with_elements(ops.log_softmax(shifted, count))
    return x.with_elements(shifted - ops.log(sum_of_groups(ops.exp(shifted), group, count))[group])


def _shifted(name: str, input: Any, dim: int, dtype: Any) -> tuple[Any, Any, Any, int]:
    """Return the coalesced tensor, its elements less the largest of their group, the groups and how many there are.

    A group are the elements that differ in ``dim`` alone. Along a dense dimension there are none: then the elements
    come as they are, with their own dimension.
    """
    require_coo(name, input)
    x = (input if dtype is None else input.to(dtype)).coalesce()
    if not x.is_floating_point():
        raise NotImplementedError(f"{name}: expected floating-point elements, got {x.dtype}")
    dim, sparse = normalize_dim(name, dim, x.ndim), x.sparse_dim()
    if dim >= sparse:
        return x, x._elements, None, dim - sparse + 1
    group, count = groups_of(x._index.array, [d for d in range(sparse) if d != dim], x.shape)
    largest = largest_of_groups(x._elements.array, group, count)
    return x, x._elements - tensor_from_array(largest[group]), group, count


def groups_of(index: Array, dims: list[int], size: Any) -> tuple[Array, int]:
    """Return for every element which group it is of, by its place in some dimensions, and how many groups there are."""
    xp = array_module(index)
    if not dims:
        return xp.zeros(index.shape[1], "int64"), 1
    numbers, group = xp.unique(numbers_of(index[dims], [size[d] for d in dims]), return_inverse=True)
    return group.reshape(-1), len(numbers)


def sum_of_groups(x: Tensor, group: Array, count: int) -> Any:
    """Add the rows of a Tensor that are of one group: (nnz, ...) -> (count, ...)."""
    return index_put_zeros(x, group, (count, *x.shape[1:]))


def largest_of_groups(x: Array, group: Array, count: int) -> Array:
    """Return the largest elements of each group: (nnz, ...) -> (count, ...)."""
    import numpy as np  # CuPy's maximum.at does not know all dtypes: on the host, whatever the device

    largest = np.full((count, *x.shape[1:]), -np.inf, x.dtype)
    np.maximum.at(largest, to_numpy(group), to_numpy(x))
    return to_device(largest, device_of(x))
