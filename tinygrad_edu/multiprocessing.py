"""``torch.multiprocessing``: Python's multiprocessing, by PyTorch's name. A Tensor goes to another process as a copy.

References
----------
https://docs.pytorch.org/docs/stable/multiprocessing.html
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
from collections.abc import Callable
from multiprocessing import (
    Array as Array,
    Barrier as Barrier,
    Condition as Condition,
    Event as Event,
    JoinableQueue as JoinableQueue,
    Lock as Lock,
    Manager as Manager,
    Pipe as Pipe,
    Pool as Pool,
    Process as Process,
    Queue as Queue,
    RLock as RLock,
    Semaphore as Semaphore,
    SimpleQueue as SimpleQueue,
    TimeoutError as TimeoutError,
    Value as Value,
    active_children as active_children,
    cpu_count as cpu_count,
    current_process as current_process,
    freeze_support as freeze_support,
    get_all_start_methods as get_all_start_methods,
    get_context as get_context,
    get_logger as get_logger,
    get_start_method as get_start_method,
    parent_process as parent_process,
    set_start_method as set_start_method,
)
from typing import TYPE_CHECKING, Any

from tinygrad_edu.missing_names import error_of_module as _error_of_module

STRATEGIES = {"file_descriptor", "file_system"}


class _Sharing:
    """Which of ``STRATEGIES`` has been set; there is nothing that it changes."""

    strategy = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """Return PyTorch's ways of sharing memory, by name."""
    return set(STRATEGIES)


def get_sharing_strategy() -> str:
    """Return the way that is set."""
    return _Sharing.strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Set the way of sharing memory; tensors are copied all the same."""
    if new_strategy not in STRATEGIES:
        raise AssertionError(f"expected one of {sorted(STRATEGIES)}, got {new_strategy!r}")
    _Sharing.strategy = new_strategy


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> list[Any] | None:
    """Run ``fn(0, *args)``, ``fn(1, *args)``, ... in a process each.

    Parameters
    ----------
    fn : callable
        A function of a module; its first argument is the number of the process.
    args : tuple
        The others.
    nprocs : int
        How many processes.
    join : bool
        Wait for all, and return None; otherwise return the processes at once.
    daemon : bool
        End them with this process.
    start_method : str
        See :func:`get_context`.

    Raises
    ------
    RuntimeError
        If one of them has failed, after it has printed why. The others are ended.

    References
    ----------
    https://docs.pytorch.org/docs/stable/multiprocessing.html#torch.multiprocessing.spawn.spawn
    """
    context: Any = multiprocessing.get_context(start_method)
    processes = [context.Process(target=fn, args=(nr, *args), daemon=daemon) for nr in range(nprocs)]
    for process in processes:
        process.start()
    if not join:
        return processes
    _join(processes)
    return None


def _join(processes: list[Any]) -> None:
    """Wait until all have ended; with the first that fails, end the others, which may wait for it, and raise."""
    running = processes
    while running:
        multiprocessing.connection.wait([process.sentinel for process in running])
        for process in running:
            process.join(0)
            if process.exitcode not in (0, None):
                for other in running:
                    other.terminate()
                    other.join()
                nr = processes.index(process)
                raise RuntimeError(f"spawn: process {nr} terminated with exit code {process.exitcode}")
        running = [process for process in running if process.exitcode is None]


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
