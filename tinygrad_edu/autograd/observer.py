"""Watching from outside: how a profiler, anomaly detection or a recorder of graphs sees what runs.

The engine knows only that there may be observers, and none by name. Nodes and modules run the same whether
somebody watches or not.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.backend import Array

Block: TypeAlias = contextlib.AbstractContextManager[Any]
NOTHING: Block = contextlib.nullcontext()


class Observer:
    """Base class of those who watch; a subclass overrides what it wants to see.

    ``forward`` and ``backward`` stand round what they see: they call ``run()`` once and return what that returned.
    ``block`` and ``module`` return a context manager that is entered before and left after.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.autograd.observer import Observer, observed_by
    >>> class Names(Observer):
    ...     def forward(self, run, node, arrays, options):
    ...         result = run()
    ...         print(type(node).__name__, [array.shape for array in arrays], "->", result.shape)
    ...         return result
    >>> with observed_by(Names()):
    ...     y = torch.ones(2, 3) @ torch.ones(3, 4)
    MatMul [(2, 3), (3, 4)] -> (2, 4)
    """

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """See a node compute its result from the arrays of its inputs."""
        return run()

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Array | None]
    ) -> tuple[Any, ...]:
        """See a node turn the gradients of its outputs into those of its inputs."""
        return run()

    def block(self, name: str, kind: str) -> Block:
        """See a labelled piece of work.

        Its kind is "backward" (a whole one), "optimizer" (a step), "data" (a batch is loaded) or "user_annotation".
        """
        return NOTHING

    def module(self, module: Any) -> Block:
        """See the forward of a module, with its hooks."""
        return NOTHING

    def made(self, node: Node, inputs: tuple[Any, ...], results: tuple[Any, ...]) -> None:
        """See the Tensors that a node was applied to, as they were given, and those that it made."""

    def cut(self, how: str, tensor: Any, result: Any) -> None:
        """See numbers leave the graph: by ``detach()`` or ``.data``, or by ``item()``, with None as the result."""

    def called(self, function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> None:
        """See a function called on arrays outside of a node: the sum of two gradients, a seed, an optimizer's step."""

    def within(self, function: Callable[..., Any]) -> Block:
        """See such a function begin, and end."""
        return NOTHING

    def constant(self, array: Array) -> None:
        """See an array that was made of Python's values alone."""

    def wrote(self, tensor: Any, values: Any) -> None:
        """See an array be written into the memory of a Tensor."""

    def read(self, how: str, tensor: Any = None, number: Any = None) -> None:
        """See Python look at the numbers of a Tensor, by ``item()``, ``if x`` or ``numpy()``."""

    def gave_grad(self, tensor: Any, grad: Any) -> None:
        """See a Tensor be given a ``grad``, or None."""

    def why_no_gradient(self, tensor: Any, name: str) -> str:
        """Say why a Tensor, which the user calls so, needs no gradient; nothing if that was not seen."""
        return ""


def attach(observer: Observer) -> None:
    """Let an observer see from now on what this thread runs."""
    mode = this_thread.mode
    mode.observers = (*mode.observers, observer)


def detach(observer: Observer) -> None:
    """Let an observer see nothing more of this thread."""
    mode = this_thread.mode
    mode.observers = tuple([other for other in mode.observers if other is not observer])


@contextlib.contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Let an observer see what this thread runs within a ``with`` block."""
    attach(observer)
    try:
        yield
    finally:
        detach(observer)


def observed_block(name: str, kind: str) -> Block:
    """Return a ``with`` block that this thread's observers see begin and end."""
    if not this_thread.mode.observers:
        return NOTHING
    return entered_by_all([observer.block(name, kind) for observer in this_thread.mode.observers])


def observed_module(module: Any) -> Block:
    """Return a ``with`` block for the forward of a module, which this thread's observers see begin and end."""
    return entered_by_all([observer.module(module) for observer in this_thread.mode.observers])


@contextlib.contextmanager
def entered_by_all(blocks: list[Block]) -> Iterator[None]:
    """Enter several ``with`` blocks, one in the other."""
    with contextlib.ExitStack() as stack:
        for block in blocks:
            stack.enter_context(block)
        yield


def tell_made(node: Node, inputs: tuple[Any, ...], made: Any) -> Any:
    """Let this thread's observers see what a node has made, a Tensor or a tuple of them; return it."""
    for observer in this_thread.mode.observers:
        observer.made(node, inputs, made if isinstance(made, tuple) else (made,))
    return made


def run_forward_observed(
    run: Callable[..., Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return ``run(node, arrays, options)``; this thread's observers look on."""
    seen: Callable[[], Any] = functools.partial(run, node, arrays, options)
    for observer in this_thread.mode.observers:
        seen = functools.partial(observer.forward, seen, node, arrays, options)
    return seen()
