"""Watching from outside: how a profiler, anomaly detection or a recorder of graphs sees what runs.

The engine knows only that there may be observers, and none by name. Nodes and modules run the same whether
somebody watches or not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias

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
    >>> from tinygrad_edu.autograd.observing import observed_by
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
        """See a labelled piece of work: a whole backward, a step of an optimizer, what the user has labelled."""
        return NOTHING

    def module(self, module: Any) -> Block:
        """See the forward of a module, with its hooks."""
        return NOTHING
