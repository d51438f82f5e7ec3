"""Positions: where elements are that are not 0, which elements are among others, flat positions as coordinates.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int, is_int, require_bools
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.elementwise.select import nonzero
from tinygrad_edu.ops.promotion import on_one_device


def argwhere(input: Tensor) -> Tensor:
    """Return the positions of all elements that are not 0, a row for each: ``nonzero``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.argwhere(torch.tensor([[1, 0], [0, 1]]))
    tensor([[0, 0],
            [1, 1]])
    """
    require_tensor("argwhere", input)
    return nonzero(input)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """Return the first ``size`` rows of ``nonzero``, with ``fill_value`` in those that there are not.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nonzero_static.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nonzero_static(torch.tensor([0, 5, 7]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    require_tensor("nonzero_static", input)
    size, fill_value = (
        as_int("nonzero_static", "size", size),
        as_int("nonzero_static", "fill_value", fill_value),
    )
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    rows = raw(nonzero(input))[:size]
    result = array_module(rows).full((size, input.ndim), fill_value, rows.dtype)
    result[: len(rows)] = rows
    return tensor_from_array(result)


def isin(
    elements: Any = None,
    test_elements: Any = None,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    element: Any = None,
    test_element: Any = None,
) -> Tensor:
    """Tell for each element whether it is among others.

    Parameters
    ----------
    elements, test_elements : Tensor or number
        What is looked for, and among what; at least one of them is a Tensor. A single one is also ``element=`` or
        ``test_element=``.
    assume_unique : bool
        A promise that no number occurs twice in either, which makes it faster.
    invert : bool
        Tell whether it is not among them.

    Returns
    -------
    Tensor
        bool, of the shape of ``elements``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.isin.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.isin(torch.tensor([[1, 2], [3, 4]]), torch.tensor([2, 3]))
    tensor([[False,  True],
            [ True, False]])
    """
    elements = element if elements is None else elements
    test_elements = test_element if test_elements is None else test_elements
    require_bools("isin", assume_unique=assume_unique, invert=invert)
    for argument, x in (("elements", elements), ("test_elements", test_elements)):
        if not isinstance(x, int | float):
            require_tensor("isin", x, argument)
    if not isinstance(elements, TensorBase):
        require_tensor("isin", test_elements, "test_elements")
    elements, test_elements = on_one_device(elements, test_elements)
    arrays = [raw(elements), raw(test_elements)]
    for array in arrays:
        dtype = getattr(array, "dtype", None)
        if dtype is not None and dtype.kind in "bc":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {dtype}")
    dtype = dtypes.result_numpy_dtype(*arrays)
    xp = array_module(arrays[0] if isinstance(elements, TensorBase) else arrays[1])
    first, second = [xp.asarray(array).astype(dtype) for array in arrays]
    return tensor_from_array(xp.asarray(xp.isin(first, second, assume_unique, invert)))


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Return the coordinates, in a tensor of some shape, of positions that are counted through it as one long row.

    Parameters
    ----------
    indices : Tensor
        Integers, any shape.
    shape : int or sequence of int
        Of the tensor that they are positions in.

    Returns
    -------
    tuple of Tensor
        int64, of the shape of ``indices``, one for each dimension of ``shape``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.unravel_index.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.unravel_index(torch.tensor([0, 5]), (2, 3))
    (tensor([0, 1]), tensor([0, 2]))
    """
    require_tensor("unravel_index", indices, "indices")
    if raw(indices).dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if is_int(shape) else shape
    if not isinstance(sizes, list | tuple) or not all(is_int(size) for size in sizes):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {shape!r}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    positions = raw(indices).astype(np.int64)
    steps = [
        math.prod(sizes[i + 1 :]) for i in range(len(sizes))
    ]  # how far apart neighbours of a dimension are
    return tuple([tensor_from_array(positions // n % size) for n, size in zip(steps, sizes, strict=True)])
