"""Who works on a kernel: the calling thread alone, a team of threads that are awake, or a pool of threads that sleep.

Work that takes less than 25 microseconds is done by the calling thread. Above that, on Linux, the team of ``team.py``
shares it; elsewhere the pool of ``parallel.py``, from 150 microseconds on. With ``TINYGRAD_EDU_THREAD_TEAM=0`` in the
environment it is the pool everywhere.

The team uses parts of Numba that a new version may change. They are tried before they are used (``is_available``); if
something is missing, one notice says so, and the pool does the work.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_edu_kernels.threads import parallel
from tinygrad_edu_kernels.threads.noting import note, notes

WORTHWHILE_NANOSECONDS = 25_000  # less work than this is done sooner than it is shared

PARTS_FOR_A_THREAD = 4  # so that a helper that comes late still finds some
NUMBERS_IN_SUMS = 2**18  # in all sums together; a megabyte

NOTICE = (
    "tinygrad_edu: Numba {version} lacks something that threads which stay awake need ({error}). A plain pool of "
    "threads computes all the same, with several threads a bit slower. Versions of Numba known to work: {known}"
)
KNOWN_VERSIONS = "0.61 to 0.68"


@functools.cache
def _team() -> Any:
    """Return the module ``team``, or what went wrong when it was imported.

    It is imported with the first work that may be shared, as it imports Numba, which takes longer than all the rest of
    the engine. A kernel is about to be called by then: Numba has been imported, by one thread.
    """
    try:
        from tinygrad_edu_kernels.threads import team
    except Exception as error:  # an ImportError, or whatever else another Numba may answer
        return error
    return team


@functools.cache
def is_available() -> bool:
    """Tell whether there can be a team here: on Linux, with several cores, compiled kernels and a Numba that fits."""
    wanted = os.environ.get("TINYGRAD_EDU_THREAD_TEAM", "1") != "0"
    if not (wanted and sys.platform == "linux" and parallel.usable_cores() > 1):
        return False
    import numba

    if numba.config.DISABLE_JIT:
        return False
    team = _team()
    try:
        if isinstance(team, Exception):
            raise team
        team.check()
    except Exception as error:
        _give_notice(error)
        return False
    return True


class _Notice:
    """Whoever gets the lock gives the notice; it is never given back, so there is one in a process."""

    lock = threading.Lock()


def _give_notice(error: Exception) -> None:
    """Say that there is no team, and why."""
    if _Notice.lock.acquire(blocking=False):
        import numba

        what = f"{type(error).__name__}: {error}"
        message = NOTICE.format(version=numba.__version__, error=what, known=KNOWN_VERSIONS)
        warnings.warn(message, RuntimeWarning, stacklevel=2)


def is_small(nanoseconds: float) -> bool:
    """Tell whether work that takes one thread so long is never shared, with however many threads."""
    return nanoseconds < WORTHWHILE_NANOSECONDS and nanoseconds < parallel.WORTHWHILE_NANOSECONDS


def is_worthwhile(nanoseconds: float) -> bool:
    """Tell whether the team is to share work that takes one thread so long."""
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
    if notes.launches is not None:
        again = functools.partial(run_over, count, nanoseconds, kernel, *arguments)
        return note(again, kernel, arguments, count, nanoseconds)
    if nanoseconds < WORTHWHILE_NANOSECONDS or parallel.setting.num_threads == 1:
        kernel(*arguments, 0, count)
    elif is_available():
        _team().share_parts(count, _number_of_parts(count), kernel, arguments)
    else:
        parallel.run_over(count, nanoseconds, kernel, *arguments)


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what works on whole arrays, on the calling thread: a kernel, or a function of NumPy that has an ``out``."""
    if notes.launches is not None:
        return note(functools.partial(function, *arguments), function, arguments)
    return function(*arguments)


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
    return min(_number_of_parts(count), max(threads, NUMBERS_IN_SUMS // max(size, 1)))


def _number_of_parts(count: int) -> int:
    """Return into how many parts work on so many images, rows or elements is cut."""
    most = PARTS_FOR_A_THREAD * parallel.setting.num_threads
    return most if count > most else max(count, 1)
