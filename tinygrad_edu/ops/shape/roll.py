"""Turning: elements moved along a dimension and around its end, mirrored, or turned by right angles.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int, as_ints, is_int
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.memory_formats import contiguous_format
from tinygrad_edu.ops.common import copy_in_order, in_rows, normalize_dim, require_tensor
from tinygrad_edu.ops.shape.layout import clone, reshape, transpose
from tinygrad_edu.ops.shape.sizes import sizes_of


class Flip(Op):
    """Elements in reverse order along some dimensions; so is the gradient."""

    def forward(self, x: Array, *, dims: tuple[int, ...]) -> Array:
        self.dims = dims
        return copy_in_order(array_module(x).flip(x, dims))

    def backward(self, grad_output: Array) -> Array:
        return Flip.compute(grad_output, dims=self.dims)


def flip(input: Tensor, *args: Any, dims: Any = None) -> Tensor:
    """Return a copy in reverse order along ``dims``, given one by one or as one sequence.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    require_tensor("flip", input)
    given = sizes_of("flip", args if dims is None else (dims,), "dims")
    dims = tuple([normalize_dim("flip", d, input.ndim) for d in given])
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"flip: expected each dimension once, got dims={dims}")
    return Flip.apply(input, dims=dims if input.ndim else ())


class Roll(Op):
    """y[i] = x[i - shift], counted around the end; the gradient is rolled back."""

    def forward(self, x: Array, *, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Array:
        self.shifts, self.dims = shifts, dims
        return in_rows(array_module(x).roll(x, shifts, dims))

    def backward(self, grad_output: Array) -> Array:
        return Roll.compute(grad_output, shifts=tuple([-n for n in self.shifts]), dims=self.dims)


def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """Move the elements along dimensions; those that fall off the end come back at the beginning.

    Parameters
    ----------
    input : Tensor
        Any shape.
    shifts : int or sequence of int
        By how many places, for each of ``dims``; backwards if negative.
    dims : int or sequence of int, optional
        Along which dimensions; without it, the flattened tensor is rolled and gets its shape back.

    Raises
    ------
    RuntimeError
        If there are not as many shifts as dimensions.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.roll.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.roll(torch.tensor([[1, 2, 3], [4, 5, 6]]), 1, 1)
    tensor([[3, 1, 2],
            [6, 4, 5]])
    """
    require_tensor("roll", input)
    moves = as_ints("roll", "shifts", (shifts,) if is_int(shifts) else shifts)
    given = as_ints("roll", "dims", (dims,) if is_int(dims) else dims)
    if not given and len(moves) == 1:
        return reshape(Roll.apply(reshape(input, (input.numel(),)), shifts=moves, dims=(0,)), input.shape)
    if not moves or len(moves) != len(given):
        raise RuntimeError(f"roll: expected as many shifts as dims, got {list(moves)} and {list(given)}")
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {given[0]} but tensor has no dimensions")
    axes = tuple([normalize_dim("roll", d, input.ndim) for d in given])
    return Roll.apply(input, shifts=moves, dims=axes)


def fliplr(input: Tensor) -> Tensor:
    """Return a copy with the columns, the second dimension, in reverse order."""
    require_tensor("fliplr", input)
    if input.ndim < 2:
        raise RuntimeError(f"fliplr: Input must be >= 2-d, got {input.ndim} dimensions")
    return flip(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """Return a copy with the rows, the first dimension, in reverse order."""
    require_tensor("flipud", input)
    if input.ndim < 1:
        raise RuntimeError("flipud: Input must be >= 1-d, got 0 dimensions")
    return flip(input, (0,))


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turn the plane of two dimensions by 90 degrees, ``k`` times, from the first towards the second.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    require_tensor("rot90", input)
    k, axes = as_int("rot90", "k", k), as_ints("rot90", "dims", dims)
    if len(axes) != 2 or input.ndim < 2:
        raise RuntimeError(
            f"rot90: expected two dims and a tensor of at least two dimensions, got dims={list(axes)} and "
            f"{input.ndim} dimensions"
        )
    if not all(-input.ndim <= d < input.ndim for d in axes):
        raise RuntimeError(f"rot90: expected dims within {input.ndim} dimensions, got {list(axes)}")
    a, b = [d % input.ndim for d in axes]
    if a == b:
        raise RuntimeError(f"rot90: expected two different dims, got {list(axes)}")
    if k % 4 == 0:
        return clone(input, memory_format=contiguous_format)
    if k % 4 == 2:
        return flip(input, (a, b))
    return transpose(flip(input, (b,) if k % 4 == 1 else (a,)), a, b)
