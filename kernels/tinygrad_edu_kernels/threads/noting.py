"""Noting what kernels are called, on which arrays: for whoever wants to call the same ones again (``torch.compile``).

Mostly nobody does, and ``run_over`` and ``call`` look at a None.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Launch(NamedTuple):
    """A call of a kernel.

    Attributes
    ----------
    function : callable
        The kernel, or one of NumPy's functions.
    arguments : tuple
        What it was given.
    elements, nanoseconds
        The count and the time of ``run_over``; None of ``call``.
    result
        What it returned; kernels return None.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    elements: int | None
    nanoseconds: float | None
    result: Any


class _Notes(threading.local):
    """Where this thread notes them; None: nowhere."""

    launches: list[Launch] | None = None


notes = _Notes()


@contextlib.contextmanager
def noted() -> Iterator[list[Launch]]:
    """Note all calls of kernels by this thread, within a ``with`` block, in the list that it gives."""
    launches: list[Launch] = []
    notes.launches = launches
    try:
        yield launches
    finally:
        notes.launches = None


def note(
    run: Callable[[], Any],
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    count: int | None = None,
    nanoseconds: float | None = None,
) -> Any:
    """Run a kernel, and note it, with the arrays that it has written to."""
    launches, notes.launches = notes.launches, None
    assert launches is not None
    try:
        result = run()
    finally:
        notes.launches = launches
    launches.append(Launch(function, arguments, count, nanoseconds, result))
    return result
