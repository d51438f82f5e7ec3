"""Taking one element for every position of an index along a dimension, and the reverse: gather and scatter.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.gather.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import reject_options
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.ops.common import (
    broadcast_shape,
    check_positions,
    normalize_dim,
    raw,
    require_tensor,
    require_tensors,
    unbroadcast,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.index import getitem, private_index
from tinygrad_edu.ops.shape.layout import clone, expand, reshape
from tinygrad_edu.ops.summation import add_at
from tinygrad_edu.scalars import checked_scalar


class Gather(Op):
    """y[i][j] = x[index[i][j]][j] (for dim 0); the gradient is scattered back by addition."""

    def forward(self, x: Array, *, dim: int, index: Array) -> Array:
        self.dim, self.shape = dim, x.shape
        self.save_for_backward(private_index(index))
        return x[along(dim, index, x)]

    def backward(self, grad_output: Array) -> Array:
        (index,) = self.saved
        return scatter_zeros(grad_output, self.dim, index, self.shape)


def along(dim: int, index: Array, x: Array) -> tuple[Any, ...]:
    """Return the index tuple for x[i][index[i][j]]: positions, ``index`` in the place of ``dim``."""
    xp = array_module(index)
    grid = xp.ogrid[tuple([slice(size) for size in index.shape])] if index.ndim > 1 else [None]
    return tuple([index if d == dim else grid[d] for d in range(index.ndim)])


def at_least_1d(x: Any) -> Any:
    """Return a 0-d Tensor as a vector of one element; anything else as it is."""
    return reshape(x, (1,)) if isinstance(x, TensorBase) and x.ndim == 0 else x


def check_gather(name: str, x: Array, dim: int, index: Array) -> None:
    """Raise unless the index is of integers, of the right dimensions and, on the CPU, within the sizes."""
    if index.ndim != x.ndim:
        raise explained(
            RuntimeError(
                f"Index tensor must have the same number of dimensions as input tensor: expected {x.ndim}, got "
                f"{index.ndim}"
            )
        )
    for d in range(x.ndim):
        if d != dim and index.shape[d] > x.shape[d]:
            raise explained(
                RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger "
                    f"than self {list(x.shape)} apart from dimension {dim}"
                )
            )
    check_positions(name, index, x.shape[dim], error=RuntimeError)


def gather(
    input: Tensor, dim: Any = None, index: Any = None, *, sparse_grad: bool = False, axis: Any = None
) -> Tensor:
    """Pick one element along ``dim`` for every position of ``index``.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        Along which dimension.
    index : Tensor
        Integers from 0 to the size of ``dim`` - 1, with as many dimensions as the input, and in the others no
        larger.
    sparse_grad : bool
        Must be False: the gradient is dense.

    Returns
    -------
    Tensor
        Of the index's shape: out[i][j] = input[i][index[i][j]] for dim 1. Its gradient is added to the
        elements that were picked.

    Raises
    ------
    RuntimeError
        If the index is of another kind or outside.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.gather.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> scores = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.gather(scores, 1, torch.tensor([[0], [1]]))
    tensor([[1.],
            [4.]])
    """
    dim = dim if axis is None else axis
    reject_options("gather", sparse_grad=sparse_grad)
    require_tensor("gather", input)
    require_tensor("gather", index, "index")
    dim = normalize_dim("gather", dim, input.ndim)
    if not raw(index).size:
        return getitem(reshape(input, (-1,)), raw(index).astype(np.int64))
    if input.ndim == 0 or index.ndim == 0:
        picked = gather(at_least_1d(input), dim, at_least_1d(index))
        return reshape(picked, tuple(index.shape))
    check_gather("gather", raw(input), dim, raw(index))
    return Gather.apply(input, dim=dim, index=raw(index))


class ScatterZeros(Op):
    """Zeros into which values are added along a dimension: the transpose of ``gather``."""

    def forward(self, values: Array, index: Array, *, dim: int, shape: tuple[int, ...]) -> Array:
        self.dim = dim
        self.save_for_backward(index)
        return add_at(along(dim, index, values), values, shape)

    def backward(self, grad_output: Array) -> tuple[Array, None]:
        (index,) = self.saved
        return Gather.compute(grad_output, dim=self.dim, index=raw(index)), None


def scatter_zeros(values: Array, dim: int, index: Array, shape: tuple[int, ...]) -> Array:
    """Return zeros of ``shape`` with ``values`` added at ``index`` along ``dim``."""
    return ScatterZeros.compute(values, index, dim=dim, shape=shape)


class Scatter(Op):
    """x with values written at an index along a dimension."""

    def forward(self, x: Array, values: Array, *, dim: int, index: Array) -> Array:
        self.dim = dim
        self.value_shape = np.shape(values)
        self.save_for_backward(private_index(index))
        result = x.copy()
        result[along(dim, index, x)] = values
        return result

    def backward(self, grad_output: Array) -> tuple[Array, Array | None]:
        (index,) = self.saved
        zero = raw(grad_output).dtype.type(0)
        grad_x = Scatter.compute(grad_output, zero, dim=self.dim, index=raw(index))
        grad_values = None
        if self.needs_input_grad[1]:
            picked = Gather.compute(grad_output, dim=self.dim, index=raw(index))
            grad_values = unbroadcast(picked, self.value_shape)
        return grad_x, grad_values


class Combine(Op):
    """x with values added to, or multiplied with, its elements at an index along a dimension."""

    def forward(self, x: Array, values: Array, *, dim: int, index: Array, function: str) -> Array:
        # CuPy has no multiply.at: on the host, whatever the device.
        result, places = np.array(to_numpy(x)), to_numpy(index)
        factors = to_numpy(values) if hasattr(values, "shape") else values
        getattr(np, function).at(result, along(dim, places, result), factors)
        return to_device(result, device_of(x))

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        raise NotImplementedError("scatter: expected no reduce where a gradient is wanted; use scatter_add")


def scatter(
    input: Tensor,
    dim: Any = None,
    index: Any = None,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    axis: Any = None,
) -> Tensor:
    """Return a copy with ``src`` written at ``index`` along ``dim``.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        Along which dimension.
    index : Tensor
        Where to, as in :func:`gather`; each place once, for of two values any may win.
    src : Tensor, optional
        What, of the input's dtype and at least the index's shape.
    value : number, optional
        The same for all places, instead of ``src``.
    reduce : {"add", "multiply"}, optional
        Combine it with what is there, instead; without a gradient.

    Returns
    -------
    Tensor
        Of the input's shape: out[i][index[i][j]] = src[i][j] for dim 1.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.scatter(torch.zeros(2, 3), 1, torch.tensor([[2], [0]]), value=1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    dim = dim if axis is None else axis
    require_tensor("scatter", input)
    require_tensor("scatter", index, "index")
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"scatter: expected reduce to be 'add' or 'multiply', got {reduce!r}")
    if not raw(index).size:
        return clone(input)
    if input.ndim == 0 or index.ndim == 0:
        written = scatter(
            at_least_1d(input), dim, at_least_1d(index), at_least_1d(src), value=value, reduce=reduce
        )
        return reshape(written, tuple(input.shape))
    dim = normalize_dim("scatter", dim, input.ndim)
    source = scatter_source("scatter", input, dim, index, value if src is None else src)
    if reduce is not None:
        return Combine.apply(input, source, dim=dim, index=raw(index), function=reduce)
    return Scatter.apply(input, source, dim=dim, index=raw(index))


@rounded_once
def scatter_add(
    input: Tensor, dim: Any = None, index: Any = None, src: Any = None, *, axis: Any = None
) -> Tensor:
    """Return a copy with ``src`` added at ``index`` along ``dim``; places may repeat.

    The arguments are those of :func:`scatter`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([1, 1, 2]), torch.ones(3))
    tensor([0., 2., 1.])
    """
    dim = dim if axis is None else axis
    require_tensor("scatter_add", input)
    require_tensor("scatter_add", index, "index")
    require_tensor("scatter_add", src, "src")
    if not raw(index).size:
        return clone(input)
    if input.ndim == 0 or index.ndim == 0:
        added = scatter_add(at_least_1d(input), dim, at_least_1d(index), at_least_1d(src))
        return reshape(added, tuple(input.shape))
    dim = normalize_dim("scatter_add", dim, input.ndim)
    source = scatter_source("scatter_add", input, dim, index, src)
    return input + scatter_zeros(source, dim, index, tuple(input.shape))


def scatter_source(name: str, input: Array, dim: int, index: Array, src: Any) -> Any:
    """Return the part of ``src`` that the index reaches, or the number in the input's dtype, or raise."""
    check_gather(name, raw(input), dim, raw(index))
    if not hasattr(src, "shape"):
        return checked_scalar(name, src, raw(input).dtype)
    require_tensor(name, src, "src")
    if raw(src).dtype != raw(input).dtype:
        raise explained(
            RuntimeError(
                f"{name}(): Expected self.dtype to be equal to src.dtype: {raw(input).dtype} and {raw(src).dtype}"
            )
        )
    if src.ndim != input.ndim or any(s < i for s, i in zip(src.shape, index.shape, strict=True)):
        raise explained(
            RuntimeError(
                f"{name}: expected src to be at least of the index's shape {list(index.shape)}, got "
                f"{list(src.shape)}"
            )
        )
    return src[tuple([slice(size) for size in index.shape])]


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, axis: Any = None) -> Tensor:
    """Pick elements along ``dim``, as ``argsort`` and ``argmax`` give them.

    Parameters
    ----------
    input : Tensor
        Any shape.
    indices : Tensor
        int64, with as many dimensions as the input; the others are broadcast against each other. Negative ones
        count from the end.
    dim : int, optional
        Along which dimension; without it, the input and the indices are read as vectors, and as in :func:`gather`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.take_along_dim.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.take_along_dim(torch.tensor([[1, 2], [3, 4]]), torch.tensor([[-1]]), dim=1)
    tensor([[2],
            [4]])
    """
    dim = dim if axis is None else axis
    name = "take_along_dim"
    require_tensors(name, input=input, indices=indices)
    if dim is None:
        return gather(reshape(input, (-1,)), 0, reshape(indices, (-1,)))
    dim, index = normalize_dim(name, dim, input.ndim), raw(indices)
    if index.ndim != input.ndim:
        raise explained(
            RuntimeError(
                f"{name}: expected indices with as many dimensions as the input, {input.ndim}, got {index.ndim}"
            )
        )
    size = input.shape[dim]
    check_positions(name, index, size, lowest=-size, dtypes=("int64",))
    before, after = tuple(input.shape[:dim]), tuple(input.shape[dim + 1 :])
    shape = broadcast_shape(name, (*before, 1, *after), (*index.shape[:dim], 1, *index.shape[dim + 1 :]))
    index = call(counted_back, index, size, (*shape[:dim], index.shape[dim], *shape[dim + 1 :]))
    return Gather.apply(expand(input, (*shape[:dim], size, *shape[dim + 1 :])), dim=dim, index=index)


def counted_back(index: Array, size: int, shape: tuple[int, ...]) -> Array:
    """Return an index broadcast to a shape, in which negative numbers count back from the end."""
    xp = array_module(index)
    return xp.broadcast_to(xp.where(index < 0, index + size, index), shape)
