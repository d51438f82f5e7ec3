"""Tensors made in less usual ways: an identity, a grid, places of a triangle, one number, a given order in memory.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int, as_ints, optional_dtype, wrong_type
from tinygrad_edu.autograd.telling import call, constant
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import Array, DeviceLike, array_module, check_numel
from tinygrad_edu.creation.common import Dtype, checked_count, finish, float_dtype
from tinygrad_edu.ops.common import require_dtype_of
from tinygrad_edu.ops.shape.strided import elements_needed
from tinygrad_edu.scalars import checked_scalar

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the rows and the columns of the places in the lower triangle of a matrix: (2, n), int64 by default.

    Parameters
    ----------
    row, col : int
        The sizes of the matrix.
    offset : int
        The diagonal where the triangle ends: above the main one if positive, below it if negative.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.tril_indices.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tril_indices(2, 3)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    places = np.tril_indices(*_sizes("tril_indices", row, col, offset))
    return _finish_indices("tril_indices", places, dtype, device, requires_grad)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the rows and the columns of the places in the upper triangle of a matrix: (2, n), int64 by default.

    The arguments are those of :func:`tril_indices`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.triu_indices(2, 3)
    tensor([[0, 0, 0, 1, 1],
            [0, 1, 2, 1, 2]])
    """
    places = np.triu_indices(*_sizes("triu_indices", row, col, offset))
    return _finish_indices("triu_indices", places, dtype, device, requires_grad)


def _sizes(name: str, row: int, col: int, offset: int) -> tuple[int, int, int]:
    """Return rows, offset and columns, in NumPy's order."""
    row, col, offset = [
        as_int(name, argument, value) for argument, value in (("row", row), ("col", col), ("offset", offset))
    ]
    if row < 0 or col < 0:
        raise RuntimeError(f"{name}: row and col must be non-negative, got {row} and {col}")
    return row, offset, col


def _finish_indices(
    name: str, places: tuple[Array, ...], dtype: Dtype, device: DeviceLike, requires_grad: bool
) -> Tensor:
    dtype = optional_dtype(name, dtype) or dtypes.int64
    if dtype not in (dtypes.int32, dtypes.int64):
        raise NotImplementedError(f"{name}: expected int32 or int64, got {dtype}")
    return finish(constant(np.stack(places)), dtype, device, requires_grad)


def scalar_tensor(
    s: Any, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Return a 0-d tensor of a number, of the default dtype unless one is given.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.scalar_tensor(3)
    tensor(3.)
    """
    number = s.item() if hasattr(s, "item") else s
    value = checked_scalar("scalar_tensor", number, float_dtype(optional_dtype("scalar_tensor", dtype)))
    return finish(constant(np.asarray(value)), None, device, requires_grad)


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return an uninitialised tensor whose neighbours along each dimension lie so many elements apart in memory.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.empty_strided.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    name = "empty_strided"
    size, stride = as_ints(name, "size", size), as_ints(name, "stride", stride)
    count = elements_needed(name, size, stride, 0)
    memory = finish(np.empty(count, float_dtype(optional_dtype(name, dtype))), None, device, False)
    array = array_module(memory.array).lib.stride_tricks.as_strided(
        memory.array, size, [n * memory.itemsize for n in stride]
    )
    return finish(array, None, device, requires_grad)


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return an uninitialised tensor whose dimensions lie in memory in the given order, the last one side by side.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.empty_permuted.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.empty_permuted((2, 3, 4), (2, 0, 1)).stride()
    (3, 1, 6)
    """
    name = "empty_permuted"
    size, order = as_ints(name, "size", size), as_ints(name, "physical_layout", physical_layout)
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(
            f"{name}: expected physical_layout to name each of {len(size)} dimensions once, got {list(order)}"
        )
    stride, step = [0] * len(size), 1
    for dim in reversed(order):
        stride[dim], step = step, step * max(size[dim], 1)
    return empty_strided(size, stride, dtype=dtype, device=device, requires_grad=requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix, or the first ``m`` columns of a larger one."""
    rows = checked_count("eye", "n", n)
    columns = rows if m is None else checked_count("eye", "m", m)
    check_numel("eye", (rows, columns))
    array = call(np.eye, rows, columns, 0, float_dtype(dtype))
    return finish(array, None, device, requires_grad)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return coordinate grids of vectors.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    >>> rows
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    for vector in vectors:
        if not isinstance(vector, TensorBase):
            raise wrong_type("meshgrid", "tensors", "Tensors", vector)
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for i, vector in enumerate(vectors):
        require_dtype_of("meshgrid", vectors[0], **{f"tensors[{i}]": vector})
        if vector.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got shape {list(vector.shape)}"
            )
    places = list(range(len(vectors)))  # which dimension of the grids each vector varies along
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = 1, 0
    shape = [1] * len(vectors)
    for place, vector in zip(places, vectors, strict=True):
        shape[place] = vector.numel()
    return tuple(
        [
            vector.reshape([-1 if d == place else 1 for d in range(len(shape))]).expand(shape).clone()
            for place, vector in zip(places, vectors, strict=True)
        ]
    )
