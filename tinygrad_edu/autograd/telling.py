"""Telling this thread's observers what happens to arrays outside of nodes, so that somebody can write it all down.

Mostly nobody observes, and each of these functions looks at an empty tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.autograd.grad_mode import this_thread


def tell_called(function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> Any:
    """Let observers see a function that was called on arrays, and what it returned; return that."""
    for observer in this_thread.mode.observers:
        observer.called(function, arguments, result)
    return result


def tell_wrote(tensor: Any, values: Any) -> None:
    """Let observers see an array be written into the memory of a tensor."""
    for observer in this_thread.mode.observers:
        observer.wrote(tensor, values)


def tell_read(how: str, tensor: Any = None, number: Any = None) -> None:
    """Let observers see Python look at the numbers of a tensor; by ``item()`` they see which one, and the number."""
    for observer in this_thread.mode.observers:
        observer.read(how, tensor, number)


def tell_grad(tensor: Any, grad: Any) -> None:
    """Let observers see a tensor be given a ``grad``, or None."""
    for observer in this_thread.mode.observers:
        observer.gave_grad(tensor, grad)
