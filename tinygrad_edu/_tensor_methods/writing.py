"""Writing into the memory of a tensor: what all methods do whose names end in an underscore.

Such a method computes the new tensor with the function of the same name in ``ops`` and then writes it into the old
one's memory: ``write_result`` does that for all of them, and tells autograd. ``in_place`` makes the method of the
function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.autograd.callers import user_line
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import Node, next_sequence_nr
from tinygrad_edu.autograd.telling import tell_called, tell_wrote
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, to_device
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.ops.indexing.index import SetItem, check_index, is_basic, raw_index
from tinygrad_edu.scalars import check_long, element_scalar
from tinygrad_edu.type_names import refuse_strangers


def in_place(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """Return the method that writes what a function returns into the function's first argument.

    Parameters
    ----------
    function : callable
        Its first argument is a Tensor, and so is its result.
    name : str
        Of the method; by default the function's, with an underscore.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor([1.0, 4.0])
    >>> in_place(torch.sqrt)(x)
    tensor([1., 2.])
    >>> x
    tensor([1., 2.])
    """
    name = name or f"{function.__name__}_"

    @functools.wraps(function)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        start = next_sequence_nr()
        return write_result(self, function(self, *args, **options), name, start)

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    method.__doc__ = f"See ``torch.{function.__name__}``; changes the tensor in place."
    return method


def write_result(tensor: TensorBase, result: TensorBase, name: str, start: int | None = None) -> Any:
    """Write ``result`` into the memory of ``tensor``, which takes over its history.

    ``start`` is the age of the oldest node that the result may have been computed by, if that were several; all of
    them keep copies of the numbers that are overwritten here. A result without a gradient, such as that of a
    comparison, is a constant: the old numbers get none.
    """
    recorded = this_thread.mode.grad_enabled and (result.requires_grad or tensor.requires_grad)
    tensor.check_may_change(recorded)
    if result.array.shape != tensor.array.shape:
        raise explained(
            RuntimeError(
                f"{name}: output with shape {list(tensor.shape)} doesn't match the broadcast shape "
                f"{list(result.shape)}"
            )
        )
    if result.dtype.category > tensor.dtype.category:
        raise explained(
            RuntimeError(
                f"{name}: result type {result.dtype} can't be cast to the desired output type {tensor.dtype}"
            )
        )
    check_writeable(tensor.array, name)
    if recorded and not result.requires_grad:
        result = ops.copy_of(tensor, result)
    if recorded and result.grad_fn is not None:
        keep_copies(result.grad_fn, tensor.array, result.grad_fn.sequence_nr if start is None else start)
    result = ops.cast(result, tensor.array.dtype)
    tensor.array[...] = result.array
    tell_wrote(tensor, result.array)
    tensor.increment_version(f"{name} at {user_line()}")
    if recorded:
        tensor.rebase_history(result)
    return tensor


def keep_copies(node: Node, array: Array, start: int) -> None:
    """Have a node, and those before it that are not older than ``start``, copy an array that they have saved."""
    nodes, seen = [node], set()
    while nodes:
        node = nodes.pop()
        if node.sequence_nr >= start and node not in seen:
            seen.add(node)
            node.keep_copies_of(array)
            tell_called(node.keep_copies_of, (array,), None)
            nodes += [edge[0] for edge in node.next_edges if edge is not None]


def check_writeable(array: Array, name: str) -> None:
    """Raise if an array cannot be changed, element by element."""
    if array.size and any(
        stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)
    ):
        raise RuntimeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    if not getattr(array.flags, "writeable", True):
        raise RuntimeError(f"{name}: the tensor's array is read-only. Please clone() the tensor first.")


def write_numbers(tensor: TensorBase, values: Array, name: str) -> Any:
    """Write an array drawn on the host into the memory of ``tensor``."""
    drawn = tensor_from_array(to_device(values.astype(tensor.array.dtype), tensor.device))
    return write_result(tensor, ops.copy_of(tensor, drawn), name)


def compute_each(tensor: Any, name: str, function: Callable[..., Any], others: tuple[Any, ...]) -> Any:
    """Write ``function(element, ...)`` of Python's numbers into each place of ``tensor``."""
    if tensor.requires_grad:
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
        )
    for argument, other in zip(("other",) if len(others) == 1 else ("x", "y"), others, strict=False):
        require_tensor(name, other, argument)
    columns = [x.expand(tensor.shape).flatten().tolist() for x in (tensor, *others)]
    values = [function(*numbers) for numbers in zip(*columns, strict=True)]
    return write_numbers(tensor, np.array(values).reshape(tensor.shape), name)


def set_item(tensor: TensorBase, index: Any, value: Any) -> None:
    """Do ``tensor[index] = value``."""
    index = raw_index(index, tensor.array)
    check_index(index)
    if isinstance(value, TensorBase):
        if value.device != tensor.device and (value.ndim == 0 or is_basic(index)):
            value = value.to(tensor.device)
        value = ops.cast(value, tensor.array.dtype)
    elif hasattr(value, "shape"):
        refuse_strangers("__setitem__", value)
        value = ops.cast(to_device(value, tensor.device), tensor.array.dtype)
    else:
        check_long("__setitem__", value)
        value = element_scalar("__setitem__", value, tensor.array.dtype)
    recorded = this_thread.mode.grad_enabled and (
        tensor.requires_grad or getattr(value, "requires_grad", False)
    )
    tensor.check_may_change(recorded)
    check_writeable(tensor.array, "__setitem__")
    result = SetItem.apply(tensor, value, index=index, in_place=True)
    tensor.increment_version(f"__setitem__ at {user_line()}")
    if recorded:
        tensor.rebase_history(result)


def zero_grad_in_place(tensor: TensorBase) -> None:
    """Fill the ``grad`` of a tensor with zeros, where it lies; it has a graph after ``backward(create_graph=True)``."""
    grad: Any = tensor.grad
    grad.detach_()
    grad.zero_()
