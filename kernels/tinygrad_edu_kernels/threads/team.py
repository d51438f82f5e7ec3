"""A team of threads that stay awake for a while, and share the work of kernels without Python.

Waking a thread that sleeps takes the operating system about 50 microseconds, and handing work to it from Python can
take as long again: whoever wants the GIL while another thread holds it goes to sleep. Most kernels are done by then. So
here threads are awake, and the work goes from one to the other in compiled code.

Work is a number of *parts* that may be done in any order, by anybody. Thread after thread takes the next part until
none is left; the calling thread is one of them, so nobody waits for a helper that comes late. (One that is interrupted
with a part in its hand has to be waited for. That is why helpers keep out of the way of others. And to wake one that is
asleep takes some tens of microseconds: a single short kernel after a pause is slower by them.)
After its last part a helper looks out for the next work for half a millisecond, then goes to sleep. Between two looks
it offers its core to other programs, and goes to sleep at once if one of them took it. A helper that finds itself on
the core of the calling thread moves to another one: Linux often wakes it there, and then neither gets on.

The *mailbox* through which they do that is in ``mailbox.py``, how arguments get into it in ``native_call.py``; what
the team is given to do is decided in ``sharing.py``.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu_kernels.kernel_cache import njit
from tinygrad_edu_kernels.threads import parallel
from tinygrad_edu_kernels.threads.mailbox import help_out, new_mailbox, post
from tinygrad_edu_kernels.threads.native_call import CORE, HELPERS
from tinygrad_edu_kernels.threads.numba_private import compute_fingerprint

Array = Any

PATIENCE_NANOSECONDS = 500_000  # for how long a helper looks out for work


def share_parts(count: int, parts: int, kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Call ``kernel(*arguments, first, last)`` for so many parts of range(count); return when all are done."""
    team, threads = _Current.team, parallel.setting.num_threads
    team.wake((threads if parts > threads else parts) - 1)
    post(team.mailbox, count, parts, kernel, arguments)


class Helper:
    """A thread that helps.

    Attributes
    ----------
    asleep : bool
        Whether it waits to be woken. It alone changes this.
    """

    def __init__(self, mailbox: Array, number: int) -> None:
        self.mailbox = mailbox
        self.number = number
        self.asleep = False
        self._bell = threading.Lock()  # held, unless somebody rings; an Event may stay locked after Ctrl-C
        self._bell.acquire()
        self._leaving = False
        self._thread = threading.Thread(target=self._help, name="tinygrad_edu_team", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _help(self) -> None:
        clock = np.zeros(2, np.int64)
        while not self._leaving:
            is_in_the_way = help_out(self.mailbox, self.number, clock, PATIENCE_NANOSECONDS)
            if is_in_the_way and leave_core(int(self.mailbox[CORE])):
                continue
            self.asleep = True
            self._bell.acquire()
            self.asleep = False

    def wake(self) -> None:
        """Wake the thread; if it is awake, it will not fall asleep the next time."""
        with contextlib.suppress(RuntimeError):  # it has been rung already
            self._bell.release()

    def leave(self) -> None:
        """End the thread, and wait for its end."""
        self._leaving = True
        while self._thread.is_alive():
            self.wake()
            self._thread.join(0.001)


def leave_core(core: int) -> bool:
    """Move this thread to another core, and let the system choose again from then on; tell whether it went."""
    usable = os.sched_getaffinity(0)
    if not usable > {core}:
        return False
    try:
        os.sched_setaffinity(0, usable - {core})
        os.sched_setaffinity(0, usable)
    except OSError:  # not allowed here
        return False
    return True


class Team:
    """The mailbox, and the helpers who look into it."""

    def __init__(self) -> None:
        self.mailbox = new_mailbox()
        self.helpers: list[Helper] = []
        self.is_dismissed = False
        self._hiring = threading.RLock()  # a signal handler may come here, too

    def wake(self, count: int) -> None:
        """Have ``count`` helpers awake, and no more of them."""
        self.mailbox[HELPERS] = count
        helpers = self.helpers
        if len(helpers) < count and not self.is_dismissed:
            self._hire(count)
        for helper in helpers if len(helpers) == count else helpers[:count]:
            if helper.asleep:
                helper.wake()

    def _hire(self, count: int) -> None:
        with self._hiring:
            # Compiled here: a fork must not find a helper at it, with the compiler's lock in its hands.
            help_out(new_mailbox(), 0, np.zeros(2, np.int64), 0)
            while len(self.helpers) < count:
                helper = Helper(self.mailbox, len(self.helpers))
                self.helpers.append(helper)
                try:
                    helper.start()
                except RuntimeError:  # the system has no more threads, or Python is coming to its end
                    self.is_dismissed = True
                    return

    def dismiss(self) -> None:
        """End all threads, for good."""
        self.is_dismissed = True
        while self.helpers:
            self.helpers.pop().leave()


class _Current:
    """The team of this process."""

    team = Team()


def _make_new_team() -> None:
    _Current.team = Team()


def _dismiss() -> None:
    _Current.team.dismiss()


atexit.register(_dismiss)  # before Python throws away the code that the threads run
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_make_new_team)  # threads do not survive a fork


# ---- is Numba as it is expected? -------------------------------------------------------------------------------


def check() -> None:
    """Have a small kernel called as the team calls kernels; raise an error if that goes wrong.

    It uses all that ``numba_private.py`` names. What it compiles comes out of Numba's cache the next time.
    """
    total, table = np.arange(7.0), np.ones((7, 2), np.float32)
    arguments = total, table[:, 1], (2, 3), None, True, 0.5
    post(new_mailbox(), 7, 3, _add, arguments)
    if not np.array_equal(total, 3.0 * np.arange(7) + 3.5):
        raise RuntimeError("the self-check got wrong numbers")
    kinds = total, table, table[0], table[:, 1], (total,), 1, 1.0, True, None
    if len({compute_fingerprint((kind,)) for kind in kinds}) < len(kinds):
        raise RuntimeError("different types have one fingerprint")


@njit(cache=True, error_model="numpy", nogil=True)
def _add(total, column, pair, nothing, is_wanted, weight, first, last):
    """Add to ``total``; the other arguments are of all the kinds that kernels are given."""
    if nothing is None and is_wanted:
        for i in range(first, last):
            total[i] += pair[0] * i + pair[1] + weight * column[i]
