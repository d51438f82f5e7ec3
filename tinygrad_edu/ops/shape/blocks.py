"""Matrices put together from smaller parts: vectors on diagonals, blocks, and rows of all combinations.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import array_module, device_of, to_device
from tinygrad_edu.ops.common import normalize_dim, raw, require_tensor
from tinygrad_edu.ops.indexing.index import ViewScatter, getitem
from tinygrad_edu.ops.shape.join import cat, check_sequence, stack
from tinygrad_edu.ops.shape.layout import expand, flatten, reshape
from tinygrad_edu.ops.shape.pad import pad
from tinygrad_edu.ops.shape.triangle import Diagonal, diag


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    r"""Return matrices of zeros whose diagonals are the rows of the input.

    Parameters
    ----------
    input : Tensor
        (\*, n)
    offset : int
        Above the main diagonal if positive, below it if negative.
    dim1, dim2 : int
        Which dimensions of the result are those of the matrices.

    Returns
    -------
    Tensor
        (\*, n + \|offset\|, n + \|offset\|); its gradient is taken from the diagonals.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.diag_embed.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diag_embed(torch.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    require_tensor("diag_embed", input)
    offset = as_int("diag_embed", "offset", offset)
    ndim = input.ndim + 1
    first, second = normalize_dim("diag_embed", dim1, ndim), normalize_dim("diag_embed", dim2, ndim)
    if first == second:
        raise RuntimeError(f"diag_embed: diagonal dimensions cannot be identical {dim1}, {dim2}")
    if input.ndim == 0:
        raise IndexError("diag_embed: expected at least one dimension, got a 0-d tensor")
    size = input.shape[-1] + abs(offset)
    batch = iter(input.shape[:-1])
    shape = [size if d in (first, second) else next(batch) for d in range(ndim)]
    zeros = array_module(raw(input)).zeros(shape, raw(input).dtype)
    options = {"offset": offset, "dim1": first, "dim2": second}
    return ViewScatter.apply(zeros, input, steps=[(Diagonal, options)], in_place=False)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return the square matrix of zeros with all elements of the input on a diagonal."""
    require_tensor("diagflat", input)
    return diag(flatten(input), as_int("diagflat", "offset", offset))


def block_diag(*tensors: Tensor) -> Tensor:
    """Return a matrix with the given ones along its diagonal, and zeros around them.

    Vectors count as rows, numbers as matrices of one element.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.block_diag(torch.tensor([[1, 2], [3, 4]]), torch.tensor([5]))
    tensor([[1, 2, 0],
            [3, 4, 0],
            [0, 0, 5]])
    """
    if not tensors:
        return tensor_from_array(np.zeros((1, 0), dtypes.get_default_dtype().numpy_dtype))
    parts = check_sequence("block_diag", tensors)
    for i, x in enumerate(parts):
        if x.ndim > 2:
            raise RuntimeError(
                f"block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.ndim} dimensions"
            )
    blocks = [reshape(x, (1,) * (2 - x.ndim) + tuple(x.shape)) if x.ndim < 2 else x for x in parts]
    ends = list(itertools.accumulate([x.shape[1] for x in blocks]))
    return cat([pad(x, (e - x.shape[1], ends[-1] - e)) for x, e in zip(blocks, ends, strict=True)], 0)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return a row for each way to take one element of every vector, the last one changing fastest.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([4, 5]))
    tensor([[1, 4],
            [1, 5],
            [2, 4],
            [2, 5]])
    """
    parts = check_sequence("cartesian_prod", tensors)
    for x in parts:
        if x.ndim != 1:
            raise RuntimeError(f"cartesian_prod: Expect a 1D vector, but got shape {list(x.shape)}")
        if raw(x).dtype != raw(parts[0]).dtype:
            raise RuntimeError(
                f"cartesian_prod: expected vectors of one dtype, got {raw(parts[0]).dtype} and {raw(x).dtype}"
            )
    if len(parts) == 1:
        return parts[0]
    sizes, ones = tuple([x.shape[0] for x in parts]), (1,) * len(parts)
    columns = [expand(reshape(x, (*ones[:i], sizes[i], *ones[i + 1 :])), sizes) for i, x in enumerate(parts)]
    return stack([reshape(x, (math.prod(sizes),)) for x in columns], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return a row for each way to take ``r`` elements of a vector, in their order.

    ``with_replacement`` tells whether an element may be taken again.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    require_tensor("combinations", input)
    r = as_int("combinations", "r", r)
    require_bools("combinations", with_replacement=with_replacement)
    if input.ndim != 1:
        raise RuntimeError(f"combinations: Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"combinations: Expect a non-negative number, but got r={r}")
    if r == 0:
        return input[:0]
    choose: Any = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return getitem(input, to_device(places, device_of(raw(input))))
