"""The largest and the smallest elements, and where they are.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_edu.arguments import is_int, require_bools, wrong_type
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    cast,
    normalize_dim,
    normalize_dims,
    raw,
    reject_bool,
    reject_complex,
    require_tensor,
)
from tinygrad_edu.ops.elementwise.select import maximum, minimum
from tinygrad_edu.ops.indexing.gather import scatter_zeros
from tinygrad_edu.ops.reduce.reduction import Dims, Reduction, count, restore_dims
from tinygrad_edu.ops.shape.layout import reshape


class Extremum(Op):
    """The largest or smallest element; the gradient is shared out evenly between all that are equal to it."""

    def forward(self, x: Array, *, dims: tuple[int, ...], keepdim: bool, largest: bool) -> Array:
        self.dims = dims
        y = x.max(dims, keepdims=keepdim) if largest else x.min(dims, keepdims=keepdim)
        y = array_module(x).asarray(y, order="C")
        self.save_for_backward(x, y)
        return y

    def backward(self, grad_output: Array) -> Array:
        x, y = self.saved
        y = restore_dims(y, self.dims, x.shape)
        equal = (x == y) | ((x != x) & (y != y))  # a NaN is the result of a NaN
        chosen = cast(equal, raw(grad_output).dtype)
        ties = restore_dims(chosen.sum(self.dims), self.dims, x.shape)
        return restore_dims(grad_output, self.dims, x.shape) * chosen / ties


def amax(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Largest element over one, several or all dimensions; equal ones share the gradient.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.amax(torch.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=(0, 1))
    tensor(7.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _extremum("amax", input, dim, keepdim, True)


def amin(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Smallest element over one, several or all dimensions; equal ones share the gradient."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _extremum("amin", input, dim, keepdim, False)


def _extremum(name: str, input: Array, dim: Dims, keepdim: bool, largest: bool) -> Array:
    require_tensor(name, input)
    require_bools(name, keepdim=keepdim)
    reject_complex(name, input)
    dims = normalize_dims(name, dim, input.ndim)
    check_not_empty(name, input, dims, IndexError if dim or dim == 0 else RuntimeError)
    return Extremum.apply(input, dims=dims, keepdim=keepdim, largest=largest)


def check_not_empty(
    name: str, input: Array, dims: tuple[int, ...], error: type[Exception] = IndexError
) -> None:
    """Raise if there is nothing to choose from."""
    if count(input.shape, dims) == 0:
        raise error(
            f"{name}(): Expected reduction over at least one element, got input of shape "
            f"{list(input.shape)}. Specify the reduction dim with the 'dim' argument if another one is not "
            "empty."
        )


class ExtremumAlongDim(Op):
    """The largest or smallest element along a dimension, and its position; the gradient goes there."""

    def forward(self, x: Array, *, dim: int, keepdim: bool, largest: bool) -> tuple[Array, Array]:
        xp = array_module(x)
        self.dim, self.shape = dim, x.shape
        indices = xp.expand_dims(x.argmax(dim) if largest else x.argmin(dim), dim)
        values = xp.take_along_axis(x, indices, dim)
        self.save_for_backward(indices)
        if not keepdim:
            return values.squeeze(dim), indices.squeeze(dim)
        return values, indices.copy()

    def backward(self, grad_output: Array, grad_indices: None) -> Array:
        (indices,) = self.saved
        return scatter_zeros(
            restore_dims(grad_output, (self.dim,), self.shape), self.dim, indices, self.shape
        )


class ValuesAndIndices(NamedTuple):
    """What ``max``, ``min``, ``sort`` and ``topk`` along a dimension return."""

    values: Any
    indices: Any


def max(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Largest element; along ``dim``: (values, indices); of two tensors: the larger, element by element.

    Parameters
    ----------
    input : Tensor
        Any shape; where there is a NaN, it is the result.
    dim : int or Tensor, optional
        Along which dimension; or the other tensor.
    keepdim : bool
        Keep the dimension, with size 1.

    Returns
    -------
    Tensor, or (values, indices)
        The gradient goes to the element that was chosen, the first one if several are equal; without ``dim``
        equal ones share it.

    Raises
    ------
    IndexError, RuntimeError
        If there is nothing to choose from, along ``dim`` or in the whole.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.max.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> values, indices = torch.max(torch.tensor([[1.0, 5.0], [7.0, 2.0]]), 1)
    >>> indices
    tensor([1, 0])
    """
    if other is not None:
        dim = other
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _max_or_min("max", input, dim, keepdim, True)


def min(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Smallest element; along ``dim``: (values, indices); of two tensors: the smaller, element by element.

    The arguments and the gradient are as those of :func:`max`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.min(torch.tensor([[1.0, 5.0], [7.0, 2.0]]), 1).values
    tensor([1., 2.])
    """
    if other is not None:
        dim = other
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _max_or_min("min", input, dim, keepdim, False)


def _max_or_min(name: str, input: Array, dim: Any, keepdim: bool, largest: bool) -> Any:
    require_tensor(name, input)
    require_bools(name, keepdim=keepdim)
    reject_complex(name, input)
    if dim is None:
        return _extremum(name, input, None, False, largest)
    if isinstance(dim, TensorBase) or not is_int(dim):
        if keepdim:
            raise wrong_type(name, "dim", "int", dim)
        return maximum(input, dim) if largest else minimum(input, dim)
    if input.ndim == 0:
        values, indices = _max_or_min(name, reshape(input, (1,)), dim, False, largest)
        return ValuesAndIndices(values, indices)
    dim = normalize_dim(name, dim, input.ndim)
    check_not_empty(name, input, (dim,))
    return ValuesAndIndices(*ExtremumAlongDim.apply(input, dim=dim, keepdim=keepdim, largest=largest))


def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Position of the largest element along ``dim``, or in the flattened tensor; int64."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _arg_extremum("argmax", input, dim, keepdim)


def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Position of the smallest element along ``dim``, or in the flattened tensor; int64."""
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _arg_extremum("argmin", input, dim, keepdim)


def _arg_extremum(name: str, input: Array, dim: int | None, keepdim: bool) -> Array:
    require_tensor(name, input)
    require_bools(name, keepdim=keepdim)
    reject_complex(name, input)
    reject_bool(name, input)
    dims = tuple(range(input.ndim)) if dim is None else (normalize_dim(name, dim, input.ndim),)
    check_not_empty(name, input, dims if input.ndim else ())
    axis = None if dim is None or input.ndim == 0 else dims[0]
    return Reduction.apply(input, method=name, axis=axis, keepdims=keepdim)
