"""Work that helpers go on with while its caller does something else.

A step of an optimizer is many kernels, none of which needs what another one computes: while the team of threads
updates a large weight, the calling thread can already prepare, in Python, the update of the next parameter.

    overlap.allow(True)
    try:
        ...  # kernels that can do so return early here
    finally:
        overlap.end()  # and have finished here

A kernel that returns early says so to ``begin``, before it begins: then its arrays are kept, and whoever is next
waits for it, even if Ctrl-C comes in between. Kernels that are called in such blocks say by ``wait_for`` what they
write to: two parameters may share their memory. While a debugger is at work no kernel returns early: what it shows is
finished.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any


class _Late(threading.local):
    """What this thread has begun and not waited for; one piece of work at most."""

    is_allowed: bool = False
    finish: Callable[[], None] | None = None
    owner: Array | None = None
    kept: Any = None


_late = _Late()


def allow(early_return: bool) -> None:
    """Let kernels of this thread return early from now on, or not; ``end`` must follow."""
    _late.is_allowed = early_return and not is_debugged()


def is_debugged() -> bool:
    """Tell whether a debugger steps through this program."""
    if sys.gettrace() is not None:
        return True
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None


def end() -> None:
    """Wait for what this thread has begun; from now on, every kernel finishes before it returns."""
    _late.is_allowed = False
    wait()


def is_allowed() -> bool:
    """Tell whether a kernel of this thread may return early."""
    return _late.is_allowed


def begin(finish: Callable[[], None], result: Array, kept: Sequence[Any]) -> None:
    """Note what is about to begin, after waiting for what was begun before.

    Parameters
    ----------
    finish : callable
        Waits until the work is done; does nothing if it has never begun.
    result : array
        What the work writes to.
    kept : sequence
        What else it needs: it is kept until the work is done.
    """
    wait()
    _late.owner, _late.kept = owner(result), (result, kept)
    _late.finish = finish


def wait() -> None:
    """Wait for what this thread has begun."""
    if _late.finish is not None:
        _late.finish()
        _late.finish = _late.owner = _late.kept = None


def wait_for(array: Array) -> None:
    """Wait for what this thread has begun, if its result shares memory with this array, or may do so."""
    if _late.finish is not None:
        ours, theirs = owner(array), _late.owner
        if ours is theirs or ours is None or theirs is None:
            wait()


def owner(array: Array) -> Array | None:
    """Return the array that has the memory of this one: all its views have it as ``base``; None if NumPy has not."""
    base = array.base
    if base is None:
        return array
    return base if type(base) is np.ndarray and base.base is None else None


# The threads that do the work do not survive a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=wait)
