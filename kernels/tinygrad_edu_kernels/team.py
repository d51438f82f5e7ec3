"""A team of threads that stay awake for a while, and share the work of kernels without Python.

A kernel for several threads is an ordinary serial kernel, compiled with ``nogil=True``, that works on the part
``first..last`` of its arrays:

    team.run_over(len(x), 0.3 * x.size, _softmax_rows, x, y)  # calls _softmax_rows(x, y, first, last)

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

The *mailbox* through which they do that is in ``mailbox.py``, how arguments get into it in ``native_call.py``.

On Linux only. Elsewhere, and with ``TINYGRAD_EDU_THREAD_TEAM=0`` in the environment, the kernels use ``parallel.py``.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from tinygrad_edu_kernels import parallel
from tinygrad_edu_kernels.mailbox import address_of, help_out, new_mailbox, share
from tinygrad_edu_kernels.native_call import CORE, HELPERS

Array = Any

WORTHWHILE_NANOSECONDS = 25_000  # less work than this is done sooner than it is shared
PATIENCE_NANOSECONDS = 500_000  # for how long a helper looks out for work

PARTS_FOR_A_THREAD = 4  # so that a helper that comes late still finds some
NUMBERS_IN_SUMS = 2**18  # in all sums together; a megabyte


@functools.cache
def is_available() -> bool:
    """Tell whether there can be a team here: on Linux, with several cores and compiled kernels."""
    wanted = os.environ.get("TINYGRAD_EDU_THREAD_TEAM", "1") != "0"
    possible = sys.platform == "linux" and not numba.config.DISABLE_JIT
    return wanted and possible and parallel.usable_cores() > 1


def is_worthwhile(nanoseconds: float) -> bool:
    """Tell whether work that takes one thread so long is to be shared."""
    return nanoseconds >= WORTHWHILE_NANOSECONDS and parallel.setting.num_threads > 1 and is_available()


def run_over(count: int, nanoseconds: float, kernel: Callable[..., Any], *arguments: Any) -> None:
    """Call ``kernel(*arguments, first, last)`` for parts of range(count), by all threads if it is worthwhile.

    Parameters
    ----------
    count : int
        How many images, rows or elements there are.
    nanoseconds : float
        How long one thread would need for all of them, roughly.
    kernel : compiled function
        What does a part.
    *arguments
        What every call is given.
    """
    if nanoseconds < WORTHWHILE_NANOSECONDS or parallel.setting.num_threads == 1:
        kernel(*arguments, 0, count)
    elif is_available():
        parts, address = _parts(count), address_of(kernel, arguments)
        share(_mailbox(parts), address, count, parts, arguments)
    else:
        parallel.run_over(count, nanoseconds, kernel, *arguments)


def number_of_sums(count: int, nanoseconds: float, size: int) -> int:
    """Return in how many sums a kernel shall add up what becomes one: threads that share the work need several.

    One for each part of the work; but large ones, which take long to be added to each other, only one for each thread.
    It depends on the sizes and on the number of threads alone: with the same number of threads, every run adds in the
    same order.

    Parameters
    ----------
    count, nanoseconds
        As in :func:`run_over`.
    size : int
        How many numbers a sum has.
    """
    threads = parallel.setting.num_threads
    if nanoseconds < WORTHWHILE_NANOSECONDS or threads == 1:
        return 1
    return min(_parts(count), max(threads, NUMBERS_IN_SUMS // max(size, 1)))


def _parts(count: int) -> int:
    """Return into how many parts work on so many images, rows or elements is cut."""
    most = PARTS_FOR_A_THREAD * parallel.setting.num_threads
    return most if count > most else max(count, 1)


def _mailbox(parts: int) -> Array:
    """Return the mailbox, with helpers at the ready."""
    team, threads = _Current.team, parallel.setting.num_threads
    team.wake((threads if parts > threads else parts) - 1)
    return team.mailbox


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
