"""Errors that know more: ``with learn.explain():`` notes lines while it is on, for errors and for ``why_no_grad``.

Most errors of the engine say at which line of your program they were raised, what the operands are called there, and
their shapes; that costs nothing. Some questions are about the past: which line saved the tensor that was changed in
place? where was the graph cut? Somebody must have looked on. ``explain()`` does, for as long as the block lasts.

Examples
--------
>>> import tinygrad_edu as torch
>>> from tinygrad_edu import learn
>>> w = torch.ones(3, requires_grad=True)
>>> with learn.explain():
...     h = (w * 2).detach()
...     loss = (h + 1).sum()
>>> learn.why_no_grad(loss)
loss was computed from numbers that detach() cut off from the graph, at <doctest ...>:2.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from types import FrameType, TracebackType
from typing import Any

from tinygrad_edu.autograd.callers import is_of_the_user, user_line
from tinygrad_edu.autograd.errors.cuts import Cut
from tinygrad_edu.autograd.errors.explaining import explained, short_path
from tinygrad_edu.autograd.errors.layers import running_layer
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.graph import topological_order
from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.autograd.observer import Observer, attach, detach
from tinygrad_edu.autograd.tensor_base import TensorBase, array_of
from tinygrad_edu.learn.cut_log import CutLog
from tinygrad_edu.learn.why import reason_without_history

MOST_CUTS = 4
"""How many places are remembered on one Tensor."""


def leaves_of(tensor: TensorBase) -> frozenset[int]:
    """Return the ``id`` of each leaf that a Tensor was computed from."""
    edge = tensor.edge()
    nodes = [] if edge is None else topological_order([edge[0]])
    return frozenset(id(node.variable) for node in nodes if isinstance(node, AccumulateGrad))


def place() -> str:
    """Return ``file:line`` of the user's program, as short as it can be."""
    return short_path(user_line())


def cuts_of(inputs: tuple[Any, ...]) -> tuple[Cut, ...]:
    """Return where the numbers that came in had left the graph, each place once."""
    cuts = [cut for x in inputs if isinstance(x, TensorBase) and not x.requires_grad for cut in x._cuts]
    return tuple(dict.fromkeys(cuts))[:MOST_CUTS]


class Explainer(Observer):
    """Notes the line of every node, and where numbers leave the graph."""

    def __init__(self, broadcasts: bool) -> None:
        self.broadcasts = broadcasts
        self.log = CutLog()

    def made(self, node: Node, inputs: tuple[Any, ...], results: tuple[Any, ...]) -> None:
        """Note the line, and what was cut off, on the node or on what it made."""
        node.made_at, node.made_in = user_line(), running_layer()
        tensors = [x for x in results if isinstance(x, TensorBase)]
        if self.broadcasts:
            warn_of_broadcast(node, inputs, tensors)
        wanted = [x for x in inputs if isinstance(x, TensorBase) and x.requires_grad]
        for result in tensors:
            if result.requires_grad:
                node.cuts = cuts_of(inputs)
            elif wanted:
                leaves = frozenset().union(*[leaves_of(x) for x in wanted])
                result._cuts = (Cut(how_cut(node, result), place(), leaves),)
            else:
                result._cuts = cuts_of(inputs)

    def cut(self, how: str, tensor: Any, result: Any) -> None:
        """Note the line at which numbers leave the graph."""
        if tensor.requires_grad:
            cut = Cut(how, place(), leaves_of(tensor))
            self.log.add(cut, result)
            if result is not None:
                result._cuts = (cut,)

    def why_no_gradient(self, tensor: Any, name: str) -> str:
        """Say what ``why_no_grad`` would say."""
        return f"{name} {reason_without_history(tensor, name)}"


def called_function() -> str:
    """Return the name of the function that the user's program has called; nothing if it called a layer."""
    frame: FrameType | None = sys._getframe(1)
    name = ""
    while frame is not None and not is_of_the_user(frame):
        name, frame = frame.f_code.co_name, frame.f_back
    return "" if name in ("__call__", "apply") else name.strip("_")


def how_cut(node: Node, result: TensorBase) -> str:
    """Say why an operation on Tensors that need a gradient made one that does not."""
    name = called_function() or node.operation_name().lower()
    if this_thread.mode.inference:
        return f"{name} under inference_mode()"
    if not this_thread.mode.grad_enabled:
        return f"{name} under no_grad()"
    kind = array_of(result).dtype.kind
    if kind in "biu":
        return f"{name}, which makes {'booleans' if kind == 'b' else 'integers'},"
    return f"{name}, which has no derivative,"


def warn_of_broadcast(node: Node, inputs: tuple[Any, ...], results: list[TensorBase]) -> None:
    """Warn if two Tensors of as many elements were both stretched: (N,) and (N, 1) make (N, N)."""
    tensors = [x for x in inputs if isinstance(x, TensorBase)]
    if len(tensors) != 2 or len(results) != 1:
        return
    a, b, made = tuple(tensors[0].shape), tuple(tensors[1].shape), tuple(results[0].shape)
    count = tensors[0].numel()
    if count == tensors[1].numel() and count > 1 and {len(a), len(b)} == {1, 2} and made == (count, count):
        narrow = "second" if len(b) == 2 else "first"
        file, _, line = user_line().rpartition(":")
        warnings.warn_explicit(
            f"{node.operation_name().lower()}: {list(a)} and {list(b)} were stretched to {list(made)}: every element "
            f"of one meets every element of the other. If they were to meet one by one, squeeze the {narrow}.",
            UserWarning,
            file,
            int(line),
        )


class explain(contextlib.ContextDecorator):
    """Note lines while the block runs, so that errors and :func:`why_no_grad` can name them.

    It costs time: use it to look for a fault. Within it,

    - an in-place error names the line that saved the tensor beside the one that changed it;
    - "does not require grad" says why: ``detach()`` at which line, ``no_grad()``, an ``argmax``;
    - (N,) beside (N, 1), which makes (N, N), is warned of;
    - every error of the engine, also the rare ones, names your line and your operands.

    Parameters
    ----------
    broadcasts : bool
        Whether to warn of (N,) beside (N, 1).
    """

    def __init__(self, broadcasts: bool = True) -> None:
        self.broadcasts = broadcasts
        self._attached: list[Explainer] = []

    def __enter__(self) -> None:
        self._attached.append(Explainer(self.broadcasts))
        attach(self._attached[-1])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, Exception):
                explained(error)
        finally:
            detach(self._attached.pop())
