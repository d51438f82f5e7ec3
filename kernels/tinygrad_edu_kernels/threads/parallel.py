"""How many threads compute; and a pool of them that sleep while there is nothing to do.

A kernel for several threads is an ordinary serial kernel, compiled with ``nogil=True``, that works on the part
``first..last`` of its arrays. Most of them are shared by the threads of ``team.py``. This file is for what those cannot
do: for NumPy's functions, for systems other than Linux, and where Numba does not fit the team. Plain Python threads run
the parts side by side, for compiled kernels let go of the GIL, and so do NumPy's products.

Why not Numba's ``prange``? A loop with it takes two to three times as long to compile; its threads come from
OpenMP, which a forked process must not touch again, and which spin while they wait. Measured, a part costs as
much to hand over as to OpenMP's sleeping threads.

The parts depend on the sizes and on the number of threads alone: with the same number of threads, every run
adds in the same order.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

# It takes about 50 microseconds until a sleeping thread has woken up: what one thread does in less than this
# is not worth a second one.
WORTHWHILE_NANOSECONDS = 150_000


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


MOST_THREADS = max(64, 4 * usable_cores())
"""The pool starts threads as they are needed, up to this many. Some thousands of them only wait for each other."""


def _initial_threads() -> int:
    """Return OMP_NUM_THREADS, which PyTorch obeys, too, up to the most there can be; else the number of cores."""
    wanted = (
        os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    )  # OpenMP takes a list, for nested loops
    return min(int(wanted), MOST_THREADS) if wanted.isdecimal() and int(wanted) else usable_cores()


class _Setting:
    """How many threads compute."""

    def __init__(self) -> None:
        self.num_threads = _initial_threads()


setting = _Setting()


def get_num_threads() -> int:
    """Return how many threads work on a large kernel, the calling thread included."""
    return setting.num_threads


def set_num_threads(num: int) -> None:
    """Let ``num`` threads work on a large kernel, the calling thread included."""
    setting.num_threads = num


def parts(count: int, nanoseconds: float) -> list[tuple[int, int]]:
    """Cut range(count) into a part (first, last) for every thread; into one if the work is small.

    Parameters
    ----------
    count : int
        How many images, rows or elements there are.
    nanoseconds : float
        How long one thread would need for all of them, roughly.
    """
    if nanoseconds < WORTHWHILE_NANOSECONDS:
        return [(0, count)]
    threads = max(min(setting.num_threads, count, 1 + int(nanoseconds // WORTHWHILE_NANOSECONDS)), 1)
    return _cut(count, threads)


# Functions of their own: a comprehension slows down every look at a variable of the function around it.


def _cut(count: int, pieces: int) -> list[tuple[int, int]]:
    return [(i * count // pieces, (i + 1) * count // pieces) for i in range(pieces)]


def run_over(count: int, nanoseconds: float, kernel: Callable[..., Any], *arguments: Any) -> None:
    """Call ``kernel(*arguments, first, last)`` for all parts of range(count), at the same time.

    Parameters
    ----------
    count, nanoseconds
        As in :func:`parts`.
    kernel : callable
        What does a part.
    *arguments
        What every call is given.
    """
    if nanoseconds < WORTHWHILE_NANOSECONDS:  # asked here, too: the shortest way for small arrays
        kernel(*arguments, 0, count)
    else:
        run(kernel, _with_parts(arguments, parts(count, nanoseconds)))


def _with_parts(arguments: tuple[Any, ...], parts: list[tuple[int, int]]) -> list[tuple[Any, ...]]:
    return [(*arguments, first, last) for first, last in parts]


def run(kernel: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> None:
    """Call ``kernel(*arguments)`` for each tuple of arguments, all at the same time, and wait for them.

    The first call runs in this thread. If one raises, the exception comes out here, after all have ended: the
    arrays are never written to behind the caller's back.
    """
    if len(calls) == 1:
        kernel(*calls[0])
        return
    futures: list[Future[Any]] = []
    try:
        for arguments in calls[1:]:
            futures.append(_pool().submit(kernel, *arguments))
    except RuntimeError:
        pass  # Python is coming to its end and takes no more work: what is left is done here
    try:
        for arguments in (calls[0], *calls[1 + len(futures) :]):
            kernel(*arguments)
    finally:
        _wait_for(futures)
    for future in futures:
        future.result()


def _wait_for(futures: list[Future[Any]]) -> None:
    """Wait until all have ended, however often Ctrl-C is pressed; raise it then."""
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            wait(futures)
            break
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
    if interrupted is not None:
        raise interrupted


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Return the pool; its threads start when they are first needed and sleep while they wait."""
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="tinygrad_edu_kernels")


# Threads do not survive a fork: the child makes itself new ones.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
