"""Which observers see what a thread runs, and how they are shown it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.observer import NOTHING, Block, Observer


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


def run_forward_observed(
    run: Callable[..., Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return ``run(node, arrays, options)``; this thread's observers look on."""
    seen: Callable[[], Any] = functools.partial(run, node, arrays, options)
    for observer in this_thread.mode.observers:
        seen = functools.partial(observer.forward, seen, node, arrays, options)
    return seen()
