"""The functions that the lines of a list call, beside those of nodes."""

from __future__ import annotations

import itertools
import linecache
from types import CodeType
from typing import Any

from tinygrad_edu._tensor import tensor_from_array
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.replay.arrays import is_plain_array

count = itertools.count(1)


def compiled_text(name: str, arguments: str, lines: list[Any]) -> tuple[str, CodeType]:
    """Return lines as the text of a function, which a debugger can show, and its code."""
    source = f"def {name}({arguments}):\n" + "".join([f"    {line}\n" for line in lines])
    file = f"<replay {next(count)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    (code,) = [const for const in compile(source, file, "exec").co_consts if isinstance(const, CodeType)]
    return source, code


def accumulate(leaf: Any, grad: Any) -> Any:
    """Add a gradient to the ``grad`` of a leaf, as a backward does, and return the array of that."""
    leaf.accumulate_grad(grad)
    return leaf._grad.array


def keep(leaf: Any, grad: Any) -> Any:
    """Do the same with an array that nobody else has: the first one need not be copied."""
    if leaf._grad is None and is_plain_array(grad) and grad.base is None and grad.flags.c_contiguous:
        leaf._grad = tensor_from_array(grad)
        return grad
    return accumulate(leaf, grad)


def write(target: Any, values: Any) -> None:
    """Write an array into the memory of another one."""
    target[...] = values


def write_into(tensor: Any, values: Any) -> None:
    """Write an array into the memory of a tensor that outlives the step."""
    tensor.array[...] = values
    tensor.increment_version("a replayed step")


class Spent(Node):
    """The history of a result whose graph has been walked: a second backward is an error, as it is without replay."""

    saved = None

    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        """Return the name of the node that would be here."""
        return self._name


def result(array: Any) -> Any:
    """Return an array as a Tensor."""
    return tensor_from_array(array)


def spent(array: Any, name: str) -> Any:
    """Return an array as a Tensor whose graph has been walked."""
    tensor = tensor_from_array(array)
    tensor.set_history((Spent(name), 0))
    return tensor


def as_tuple(grads: Any) -> tuple[Any, ...]:
    """Return the only gradient of a backward, which may come as it is, as a tuple."""
    return grads if isinstance(grads, tuple) else (grads,)
