"""Work that helpers go on with while its caller does something else.

A step of an optimizer is many kernels, none of which needs what another one computes: while the team of threads
updates a large weight, the calling thread can already prepare, in Python, the update of the next parameter.

    overlap.allow(True)
    try:
        ...  # kernels that can do so return early here
    finally:
        overlap.end()  # and have finished here

A kernel that returns early says so to ``begin``, before it begins: then its arrays are kept, and the next block or
the next such kernel waits for it if Ctrl-C came before the end. Kernels that are called in such blocks say by
``wait_for`` which arrays they use: two parameters may share their memory. While a debugger is at work no kernel
returns early: what it shows is finished.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

Array = Any

_monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on


Work: TypeAlias = "tuple[Callable[[], None], Array | None, Any]"
"""What has been begun: the function that waits until it is done (and does nothing if it has never begun); what
``memory_of`` says of the array that it writes to; and whatever holds the arrays that it needs."""


class _Late(threading.local):
    """What this thread has begun and not waited for; one piece of work at most."""

    is_allowed: bool = False
    work: Work | None = None


_late = _Late()


def allow(early_return: bool) -> None:
    """Let kernels of this thread return early from now on, or not; ``end`` must follow."""
    _late.is_allowed = early_return and not is_debugged()


def is_debugged() -> bool:
    """Tell whether a debugger steps through this program."""
    if sys.gettrace() is not None:
        return True
    return _monitoring is not None and _monitoring.get_tool(_monitoring.DEBUGGER_ID) is not None


def end() -> None:
    """Wait for what this thread has begun; from now on, every kernel finishes before it returns."""
    _late.is_allowed = False
    try:
        wait()
    except BaseException:  # Ctrl-C; the work shall be done all the same
        wait()
        raise


def is_allowed() -> bool:
    """Tell whether a kernel of this thread may return early."""
    return _late.is_allowed


def begin(finish: Callable[[], None], result: Array, kept: Any) -> Work:
    """Note what is about to begin, after waiting for what was begun before; return the note."""
    wait()
    _late.work = work = finish, memory_of(result), kept
    return work


def is_noted(work: Work) -> bool:
    """Tell whether somebody will wait for it: a signal handler that computes, too, may have waited before it began."""
    return _late.work is work


def wait() -> None:
    """Wait for what this thread has begun."""
    work = _late.work
    if work is not None:
        finish, _, _ = work
        finish()
        _late.work = None


def wait_for(arrays: Sequence[Array | None]) -> None:
    """Wait for what this thread has begun, if its result shares memory with one of these, or may do so."""
    work = _late.work
    if work is not None:
        _, written, _ = work
        for array in arrays:
            if array is not None:
                memory = array if array.base is None else memory_of(array)
                if memory is written or memory is None or written is None:
                    wait()
                    return


def memory_of(array: Array) -> Array | None:
    """Return the array that has the memory of this one: all its views have it as ``base``; None if NumPy has not."""
    base = array.base
    if base is None:
        return array
    return base if type(base) is np.ndarray and base.base is None else None


# The threads that do the work do not survive a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=wait)
