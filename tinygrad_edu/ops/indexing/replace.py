"""A copy of a tensor with one of its views replaced: what ``view[...] = src`` would leave, without changing anything.

The gradient of the input is 0 where it was replaced, and that of ``src`` is the same view of the gradient.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.ops.common import normalize_dim, require_tensors
from tinygrad_edu.ops.indexing.along_dim import select
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.ops.shape.layout import clone
from tinygrad_edu.ops.shape.triangle import diagonal


def select_scatter(
    input: Tensor, src: Tensor, dim: Any = None, index: Any = None, *, axis: Any = None
) -> Tensor:
    """Return a copy with ``src`` in place of one slice along ``dim``.

    Parameters
    ----------
    input : Tensor
        Any shape with a dimension.
    src : Tensor
        Of the shape of ``input.select(dim, index)``.
    dim, index : int
        Which slice; both may count from the end.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.select_scatter.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, -1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    require_tensors("select_scatter", input=input, src=src)
    result = clone(input)
    write_view("select_scatter", select(result, dim if axis is None else axis, index), src)
    return result


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: Any = None,
    end: Any = None,
    step: int = 1,
    *,
    axis: Any = None,
) -> Tensor:
    """Return a copy with ``src`` in place of ``input[start:end:step]`` along ``dim``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.slice_scatter.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.slice_scatter(torch.zeros(5), torch.ones(2), start=1, step=2, end=5)
    tensor([0., 1., 0., 1., 0.])
    """
    require_tensors("slice_scatter", input=input, src=src)
    result, dim = clone(input), dim if axis is None else axis
    write_view("slice_scatter", slices("slice_scatter", result, dim, start, end, step), src)
    return result


def slices(name: str, input: Tensor, dim: int, start: Any, end: Any, step: int) -> Tensor:
    """Return the view ``input[start:end:step]`` along ``dim``."""
    if not input.ndim:
        raise RuntimeError(f"{name}: expected at least one dimension, got a 0-d tensor")
    dim, step = normalize_dim(name, dim, input.ndim), as_int(name, "step", step)
    if step <= 0:
        raise RuntimeError(f"{name}: slice step must be positive, got {step}")
    start = None if start is None else as_int(name, "start", start)
    end = None if end is None else as_int(name, "end", end)
    return getitem(input, (slice(None),) * dim + (slice(start, end, step),))


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a copy with ``src`` in place of ``input.diagonal(offset, dim1, dim2)``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.diagonal_scatter.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.tensor([3.0, 4.0]))
    tensor([[3., 0.],
            [0., 4.]])
    """
    require_tensors("diagonal_scatter", input=input, src=src)
    result = clone(input)
    write_view("diagonal_scatter", diagonal(result, offset, dim1, dim2), src)
    return result


def write_view(name: str, view: Tensor, src: Tensor) -> None:
    """Write ``src``, of the view's shape, into it; autograd follows to the tensor whose view it is."""
    if tuple(src.shape) != tuple(view.shape):
        raise RuntimeError(
            f"{name}: expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
            f"slice size = {list(view.shape)}"
        )
    view.copy_(src)
