"""Where numbers leave the graph, noted for the one who asks why there is no gradient.

What cuts is ``detach()`` and ``.data``, ``torch.tensor()`` of a Tensor, an operation under ``no_grad()``, one that
makes integers or has no derivative. The result of one of the first three always knows how it was cut off; the line,
and the other cuts, are known only while an observer looks on (``tinygrad_edu.learn.explain``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_edu.autograd.grad_mode import this_thread


class Cut(NamedTuple):
    """A place where numbers have left the graph.

    Attributes
    ----------
    how : str
        What has cut, such as "detach()".
    line : str or None
        ``file:line`` of the user's program, if somebody looked on.
    leaves : frozenset of int
        The ``id`` of each leaf that the numbers were computed from.
    """

    how: str
    line: str | None = None
    leaves: frozenset[int] = frozenset()


DETACHED, DATA, COPIED = (Cut("detach()"),), (Cut(".data"),), (Cut("torch.tensor()"),)


def note_cut(tensor: Any, result: Any, cuts: tuple[Cut, ...]) -> None:
    """Note on a result that it was cut off, if there was anything to cut; observers see it, too."""
    if tensor._edge is not None or tensor._requires_grad:
        result._cuts = cuts
        tell_cut(cuts[0].how, tensor, result)
    elif tensor._cuts:
        result._cuts = tensor._cuts


def tell_cut(how: str, tensor: Any, result: Any) -> None:
    """Let this thread's observers see numbers leave the graph."""
    for observer in this_thread.mode.observers:
        observer.cut(how, tensor, result)
