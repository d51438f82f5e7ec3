"""Taking a tensor apart into views: split, chunk, unbind.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import as_int, as_ints
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import normalize_dim, require_tensor


class Split(Op):
    """Views of x at several places along a dimension; their gradients, put together, are that of x."""

    is_view = True

    def forward(self, x: Array, *, places: Sequence[Any], dim: int) -> tuple[Array, ...]:
        self.options = {"places": places, "dim": dim, "shape": x.shape}
        before = (slice(None),) * dim
        return tuple([x[(*before, place, ...)] for place in places])

    def backward(self, *grad_outputs: Array | None) -> Array:
        return PutTogether.compute(*grad_outputs, **self.options)


class SplitWithSizes(Split):
    """Split whose sizes were given one by one."""


class Unbind(Split):
    """Split at single numbers: the views have lost the dimension."""


class PutTogether(Op):
    """Pieces at their places along a dimension, zeros for None; each gets its piece of the gradient."""

    moves_only = True

    def forward(
        self, *pieces: Array | None, places: Sequence[Any], dim: int, shape: tuple[int, ...]
    ) -> Array:
        self.places, self.dim = places, dim
        some = next(piece for piece in pieces if piece is not None)
        whole = array_module(some).empty(shape, some.dtype)
        for piece, place in zip(pieces, places, strict=True):
            whole[(*(slice(None),) * dim, place, ...)] = 0 if piece is None else piece
        return whole

    def backward(self, grad_output: Array) -> tuple[Array, ...]:
        return Split.compute(grad_output, places=self.places, dim=self.dim)


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of so many slices each, or of the sizes given in a list.

    Parameters
    ----------
    tensor : Tensor
        Any shape with a dimension.
    split_size_or_sections : int or sequence of int
        How many slices each gets (the last may get fewer), or a list of sizes that make up the whole.
    dim : int
        Along which dimension.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.split.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    require_tensor("split", tensor, "tensor")
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor, got one with 0 dimensions")
    dim = normalize_dim("split", dim, tensor.ndim)
    size = tensor.shape[dim]
    if not isinstance(split_size_or_sections, list | tuple):
        step = as_int("split", "split_size_or_sections", split_size_or_sections)
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        sections = [min(step, size - start) for start in range(0, size, step)] if size else [0]
    else:
        sections = list(as_ints("split", "split_size_or_sections", split_size_or_sections))
        if sum(sections) != size or min(sections, default=0) < 0:
            raise explained(
                RuntimeError(
                    f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at "
                    f"dimension {dim}), but got split_sizes={sections}"
                )
            )
    ends = itertools.accumulate(sections)
    places = [slice(end - n, end) for end, n in zip(ends, sections, strict=True)]
    kind = SplitWithSizes if isinstance(split_size_or_sections, list | tuple) else Split
    return kind.apply(tensor, places=places, dim=dim)


def chunk(input: Tensor, chunks: int, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Split into at most ``chunks`` views of equal size; the last may be smaller.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    dim = dim if axis is None else axis
    require_tensor("chunk", input)
    chunks = as_int("chunk", "chunks", chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[normalize_dim("chunk", dim, input.ndim)]
    return split(input, -(-size // chunks) if size else [0] * chunks, dim)


def unbind(input: Tensor, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """Return all slices along ``dim``, without that dimension."""
    dim = dim if axis is None else axis
    require_tensor("unbind", input)
    dim = normalize_dim("unbind", dim, input.ndim)
    if input.ndim == 0:
        raise IndexError("unbind: expected at least one dimension, got a 0-d tensor")
    return Unbind.apply(input, places=range(input.shape[dim]), dim=dim)
