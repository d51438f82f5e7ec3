"""Telling this thread's observers what happens to arrays outside of nodes, so that somebody can write it all down.

Mostly nobody observes, and each of these functions looks at an empty tuple.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tinygrad_edu.autograd.grad_mode import this_thread


def tell_called(function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> Any:
    """Let observers see a function that was called on arrays, and what it returned; return that."""
    for observer in this_thread.mode.observers:
        observer.called(function, arguments, result)
    return result


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns that makes an array, or looks at numbers, so that observers see it as one call."""
    observers = this_thread.mode.observers
    if not observers:
        return function(*arguments)
    with contextlib.ExitStack() as stack:
        for observer in observers:
            stack.enter_context(observer.within(function))
        result = function(*arguments)
    return tell_called(function, arguments, result)


def constant(array: Any) -> Any:
    """Return an array that was made of Python's values alone; observers see it."""
    for observer in this_thread.mode.observers:
        observer.constant(array)
    return array


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
