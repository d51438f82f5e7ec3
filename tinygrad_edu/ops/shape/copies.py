"""What other functions return as views, as copies: ``squeeze_copy(x)`` is ``squeeze(x).clone()``, and so on.

References
----------
https://docs.pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import as_int, as_ints
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.ops.indexing.along_dim import narrow, select
from tinygrad_edu.ops.indexing.replace import slices
from tinygrad_edu.ops.shape.layout import clone, expand, permute, squeeze, t, transpose, unsqueeze, view
from tinygrad_edu.ops.shape.split import chunk, split, unbind
from tinygrad_edu.ops.shape.strided import as_strided, unfold
from tinygrad_edu.ops.shape.triangle import diagonal


def alias_copy(input: Tensor) -> Tensor:
    """Return a copy: ``clone``."""
    require_tensor("alias_copy", input)
    return clone(input)


def detach_copy(input: Tensor) -> Tensor:
    """Return a copy that is cut off from the graph."""
    require_tensor("detach_copy", input)
    return clone(input.detach())


def as_strided_copy(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """Return ``as_strided`` as a copy."""
    return clone(as_strided(input, size, stride, storage_offset))


def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return ``diagonal`` as a copy."""
    return clone(diagonal(input, offset, dim1, dim2))


def expand_copy(input: Tensor, size: Sequence[int], *, implicit: bool = False) -> Tensor:
    """Return ``expand`` as a copy."""
    return clone(expand(input, size, implicit=implicit))


def narrow_copy(
    input: Tensor, dim: Any = None, start: Any = None, length: Any = None, *, axis: Any = None
) -> Tensor:
    """Return ``narrow`` as a copy.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.narrow_copy(torch.tensor([1, 2, 3, 4]), 0, 1, 2)
    tensor([2, 3])
    """
    return clone(narrow(input, dim, start, length, axis=axis))


def permute_copy(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Return ``permute`` as a copy."""
    return clone(permute(input, dims))


def select_copy(input: Tensor, dim: Any = None, index: Any = None, *, axis: Any = None) -> Tensor:
    """Return ``select`` as a copy."""
    return clone(select(input, dim, index, axis=axis))


def slice_copy(
    input: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1, *, axis: Any = None
) -> Tensor:
    """Return ``input[start:end:step]`` along ``dim`` as a copy."""
    require_tensor("slice_copy", input)
    return clone(slices("slice_copy", input, dim if axis is None else axis, start, end, step))


def squeeze_copy(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Return ``squeeze`` as a copy."""
    return clone(squeeze(input, dim, axis=axis))


def t_copy(input: Tensor) -> Tensor:
    """Return ``t`` as a copy."""
    return clone(t(input))


def transpose_copy(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return ``transpose`` as a copy."""
    return clone(transpose(input, dim0, dim1))


def unfold_copy(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return ``unfold`` as a copy."""
    return clone(unfold(input, dimension, size, step))


def unsqueeze_copy(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Return ``unsqueeze`` as a copy."""
    return clone(unsqueeze(input, dim, axis=axis))


def view_copy(input: Tensor, size: Any = None, *, dtype: Any = None) -> Tensor:
    """Return ``view``, in another shape or as another dtype, as a copy."""
    return clone(view(input, dtype=dtype) if size is None else view(input, size))


def split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, axis: Any = None
) -> tuple[Tensor, ...]:
    """Return views of so many slices each: ``split`` with a list of sizes."""
    require_tensor("split_with_sizes", input)
    return split(
        input, as_ints("split_with_sizes", "split_sizes", split_sizes), dim if axis is None else axis
    )


def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, axis: Any = None
) -> tuple[Tensor, ...]:
    """Return ``split_with_sizes`` as copies."""
    return tuple([clone(part) for part in split_with_sizes(input, split_sizes, dim, axis=axis)])


def unbind_copy(input: Tensor, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Return ``unbind`` as copies."""
    return tuple([clone(part) for part in unbind(input, dim, axis=axis)])


def unsafe_split(input: Tensor, split_size: int, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Return what ``split`` does; here it is as safe."""
    require_tensor("unsafe_split", input)
    return split(input, as_int("unsafe_split", "split_size", split_size), dim if axis is None else axis)


def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, axis: Any = None
) -> tuple[Tensor, ...]:
    """Return what ``split_with_sizes`` does; here it is as safe."""
    return split_with_sizes(input, split_sizes, dim, axis=axis)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Return what ``chunk`` does; here it is as safe."""
    return chunk(input, chunks, dim, axis=axis)
