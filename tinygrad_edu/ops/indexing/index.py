"""Indexing: x[index] in all its forms, x[index] = value, and their relatives.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.autograd.telling import constant, tell_read
from tinygrad_edu.backend import Array, array_module, device_of, is_on_host, to_device
from tinygrad_edu.ops.common import (
    in_rows,
    raw,
    require_tensor,
    unbroadcast,
)
from tinygrad_edu.ops.summation import add_at
from tinygrad_edu.scalars import check_long
from tinygrad_edu.type_names import refuse_strangers


def raw_index(index: Any, x: Array) -> Any:
    """Return an index with the arrays of its Tensors, and lists as arrays, as ``x`` wants it: on its device."""
    if isinstance(index, tuple):
        return tuple([raw_index(i, x) for i in index])
    if isinstance(index, list | range):
        array = np.asarray([raw(i) for i in index]) if len(index) else np.zeros(0, np.int64)
        if array.dtype == object:
            raise IndexError(f"index: expected a list of ints or bools, got {index!r}")
        moved = to_device(array, device_of(x))
        return constant(moved) if all(map(is_int, index)) else moved
    if isinstance(index, int) and not isinstance(index, bool):
        return int(index)  # of a class of its own, too, such as an enumeration
    array = raw(index)
    if getattr(array, "dtype", None) is not None:
        if array is index:  # no Tensor of ours
            refuse_strangers("index", index)
        if array.dtype.name not in ("bool", "uint8", "int32", "int64"):
            raise explained(
                IndexError(
                    f"tensors used as indices must be long, int, byte or bool tensors, got {array.dtype}"
                )
            )
        if array.ndim == 0 and array.dtype.kind != "b":
            tell_read("an index of no dimensions")
            return int(array)
        if array.dtype == np.uint8:
            array = array.astype(bool)
        if isinstance(array, np.bool_):
            return bool(array)
        return array if type(array) is type(x) else moved_index(array, x)
    return array


def moved_index(array: Array, x: Array) -> Array:
    """Return an index of the CPU on the GPU of ``x``; what is on a GPU is not for the CPU."""
    if is_on_host(x):
        raise RuntimeError(
            "indices should be either on cpu or on the same device as the indexed tensor (cpu), got "
            f"{device_of(array)}"
        )
    return to_device(array, device_of(x))


BASIC_TYPES = frozenset([int, slice, NoneType, EllipsisType])


def is_basic(index: Any) -> bool:
    """Tell whether an index makes a view: ints, slices, None and Ellipsis only."""
    return BASIC_TYPES.issuperset(map(type, index if isinstance(index, tuple) else (index,)))


def split_index(index: Any) -> tuple[Any, Any]:
    """Split an index into a basic one, which makes a view, and what is left, which is applied to the view.

    NumPy counts an int beside arrays as one of the arrays, which may move dimensions to the front; PyTorch
    takes the ints first: the shape of ``torch.zeros(2, 3, 4)[0, :, [1, 2]]`` is (3, 2), not (2, 3).
    """
    if is_basic(index):
        return index, ...
    if not isinstance(index, tuple) or not any(is_int(i) for i in index):
        return ..., index
    basic: list[Any] = []
    rest: list[Any] = []
    for i in index:
        if is_int(i) or i is None or isinstance(i, slice):
            basic.append(i)
            rest += [] if is_int(i) else [slice(None)]
        elif i is Ellipsis:
            basic.append(i)
            rest.append(i)
        else:  # an array takes one dimension, a mask as many as it has
            is_mask = isinstance(i, bool) or i.dtype.kind == "b"
            basic += [slice(None)] * (np.ndim(i) if is_mask else 1)
            rest.append(i)
    return tuple(basic), tuple(rest)


def is_int(i: Any) -> bool:
    """Tell whether a part of an index is a single position."""
    return isinstance(i, int | np.integer) and not isinstance(i, bool)


def has_mask(index: Any) -> bool:
    """Tell whether a part of an index is a mask."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(i, bool) or getattr(i, "dtype", None) == np.bool_ for i in parts)


def check_index(index: Any) -> None:
    """Raise for an index that is too long, or has a negative step."""
    check_steps(index)
    for i in index if isinstance(index, tuple) else (index,):
        if isinstance(i, int) and not -(2**63) <= i < 2**63:
            check_long("index", i)
        if not (i is None or i is Ellipsis or isinstance(i, int | slice) or hasattr(i, "dtype")):
            raise (TypeError if isinstance(i, str | bytes) else IndexError)(
                f"index: expected ints, slices, None, Ellipsis, lists or tensors, got {type(i).__name__}"
            )


def check_steps(index: Any) -> None:
    """Raise for a slice that goes backwards, which NumPy has and PyTorch has not."""
    for i in index if isinstance(index, tuple) else (index,):
        if isinstance(i, slice) and i.step is not None and i.step <= 0:
            raise ValueError("step must be greater than zero")


def view_at(x: Array, index: Any) -> Array:
    """Return ``x[index]`` for a basic index, as a view even if it is a single element."""
    index = index if isinstance(index, tuple) else (index,)
    return x[index] if EllipsisType in map(type, index) else x[(*index, ...)]


def items_at(x: Array, index: Any) -> Array:
    """Return ``x[index]`` by PyTorch's rules for any index, without checking it."""
    basic, rest = split_index(index)
    return view_at(x, basic)[rest]


def between(x: Array, dim: int, start: int, stop: int) -> Array:
    """Return x[start:stop] along ``dim``."""
    return x[(slice(None),) * dim + (slice(start, stop),)]


def explain_index(shape: tuple[int, ...], index: Any) -> None:
    """Say in PyTorch's words why an index does not fit: too many, out of bounds, a mask or arrays of other shapes."""
    check_index(index)
    parts = [i for i in (index if isinstance(index, tuple) else (index,)) if i is not None]
    counts = [0 if i is Ellipsis else dims_taken(i) for i in parts]
    if not shape and all(map(is_int, parts)):
        hint = "Use `tensor.item()` to convert a 0-dim tensor to a number"
        raise explained(IndexError(f"index: invalid index of a 0-dim tensor. {hint}"))
    if sum(counts) > len(shape):
        raise explained(IndexError(f"index: too many indices for tensor of dimension {len(shape)}"))
    dim = 0
    for i, count in zip(parts, counts, strict=True):
        explain_part(shape, dim, i)
        dim += len(shape) - sum(counts) if i is Ellipsis else count
    shapes = ", ".join([str(list(i.shape)) for i in parts if hasattr(i, "shape")])
    raise explained(
        IndexError(
            f"index: shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
            if shapes
            else f"index: expected an index that fits a tensor of shape {list(shape)}, got {index}"
        )
    )


def dims_taken(part: Any) -> int:
    """Return how many dimensions a part of an index stands for: a mask has as many as it has itself."""
    return part.ndim if hasattr(part, "dtype") and part.dtype.kind == "b" else 1


def explain_part(shape: tuple[int, ...], dim: int, part: Any) -> None:
    """Raise if the part of an index that begins at a dimension is out of bounds, or a mask of another shape."""
    if hasattr(part, "dtype") and part.dtype.kind == "b":
        for place, size in enumerate(part.shape, dim):
            if size != shape[place]:
                raise explained(
                    IndexError(
                        f"index: The shape of the mask {list(part.shape)} at index {place - dim} does not match the "
                        f"shape of the indexed tensor {list(shape)} at index {place}"
                    )
                )
    elif is_int(part) or (hasattr(part, "shape") and part.size):
        bounds = (part, part) if is_int(part) else (int(part.min()), int(part.max()))
        wrong = [i for i in bounds if not -shape[dim] <= i < shape[dim]]
        if wrong:
            raise explained(
                IndexError(
                    f"index: index {wrong[0]} is out of bounds for dimension {dim} with size {shape[dim]}"
                )
            )


def private_index(index: Any) -> Any:
    """Return an index with copies of its arrays: the program may change its own before backward runs."""
    if isinstance(index, tuple):
        return tuple([private_index(i) for i in index])
    return index.copy() if hasattr(index, "copy") else index


class GetItem(Op):
    """y = x[index] for a basic index: a view. The gradient goes back to where the elements were."""

    is_view = True

    def forward(self, x: Array, *, index: Any) -> Array:
        self.index, self.shape = index, x.shape
        return view_at(x, index)

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        explain_index(self.shape, self.index)

    def backward(self, grad_output: Array) -> Array:
        return index_put_zeros(grad_output, self.index, self.shape)


class GetItems(Op):
    """y = x[index] with arrays in the index: a copy. An element taken twice gets both gradients."""

    def forward(self, x: Array, *, index: Any) -> Array:
        self.index, self.shape = private_index(index), x.shape
        return in_rows(x[index])

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        explain_index(self.shape, self.index)

    def backward(self, grad_output: Array) -> Array:
        return index_put_zeros(grad_output, self.index, self.shape)


def getitem(input: Array, index: Any) -> Array:
    """Return ``input[index]``: a view for ints, slices, None and Ellipsis, a copy for lists and tensors.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensor_view.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.arange(6).reshape(2, 3)
    >>> x[:, [2, 0]]
    tensor([[2, 0],
            [5, 3]])
    """
    require_tensor("getitem", input)
    if is_basic(index):
        check_steps(index)
        return GetItem.apply(input, index=index)
    index = raw_index(index, raw(input))
    check_index(index)
    basic, rest = split_index(index)
    if basic is not Ellipsis:
        input = GetItem.apply(input, index=basic)
    if rest is Ellipsis:
        return input if basic is not Ellipsis else GetItem.apply(input, index=...)
    if this_thread.mode.observers and has_mask(rest):
        tell_read("a mask as an index, on whose numbers the shape of the result depends")
    return GetItems.apply(input, index=rest)


class IndexPutZeros(Op):
    """An array of zeros into which values are added at an index: the transpose of ``x[index]``."""

    def forward(self, values: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
        self.index = private_index(index)
        if not is_basic(index) and getattr(index, "dtype", None) != np.bool_:
            return add_at(index, values, shape)
        result = array_module(values).zeros(shape, values.dtype)
        result[index] = values  # no place occurs twice
        return result

    def backward(self, grad_output: Array) -> Array:
        return view_at(grad_output, self.index)


def index_put_zeros(values: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros of ``shape`` with ``values`` added at ``index``."""
    return IndexPutZeros.compute(values, index=index, shape=shape)


def chosen_shape(x: Array, basic: Any, rest: Any) -> tuple[int, ...]:
    """Return the shape of what an index, split in two by ``split_index``, chooses; say why if it does not fit."""
    for part in (basic, rest):
        try:
            x = view_at(x, part) if part is basic else x[part]
        except IndexError:
            explain_index(x.shape, part)
    return x.shape


class SetItem(Op):
    """x with x[index] = value. The old elements get no gradient, the new ones get what is there now."""

    moves_only = True

    def forward(self, x: Array, value: Array, *, index: Any, in_place: bool) -> Array:
        self.index, self.value_shape = private_index(index), np.shape(value)
        result = x if in_place else array_module(x).array(x)
        basic, rest = split_index(index)
        view_at(result, basic)[rest] = value  # a view of one element, too, takes a value of shape (1,)
        return result

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        check_same_device("__setitem__", arrays)
        basic, rest = split_index(self.index)
        place, shape = chosen_shape(raw(arrays[0]), basic, rest), self.value_shape
        raise explained(
            RuntimeError(
                f"shape mismatch: value tensor of shape {list(shape)} cannot be broadcast to indexing result of "
                f"shape {list(place)}"
            )
        )

    def backward(self, grad_output: Array) -> tuple[Array, Array | None]:
        zero = raw(grad_output).dtype.type(0)
        grad_x = SetItem.compute(grad_output, zero, index=self.index, in_place=False)
        grad_value = None
        if self.needs_input_grad[1]:
            grad_value = unbroadcast_leading(items_at(grad_output, self.index), self.value_shape)
        return grad_x, grad_value


def unbroadcast_leading(grad: Array, shape: tuple[int, ...]) -> Array:
    """Undo the broadcasting of an assigned value, which may have had extra leading dimensions of size 1."""
    core = shape
    while len(core) > grad.ndim and core[0] == 1:
        core = core[1:]
    return unbroadcast(grad, core).reshape(shape)


class ViewScatter(Op):
    """x with one of its views replaced by a value; every step ``op(**options)`` leads on towards the view."""

    moves_only = True

    def forward(self, x: Array, value: Array, *, steps: list[Any], in_place: bool) -> Array:
        self.steps = steps
        result = x if in_place else array_module(x).array(x)
        seen = result
        for op, options in steps:
            seen = op().forward(seen, **options)
        seen[...] = value
        return result

    def backward(self, grad_output: Array) -> tuple[Array, Array | None]:
        grad_x = ViewScatter.compute(grad_output, 0, steps=self.steps, in_place=False)
        grad_value = None
        if self.needs_input_grad[1]:
            grad_value = grad_output
            for op, options in self.steps:
                grad_value = op.compute(grad_value, **options)
        return grad_x, grad_value
