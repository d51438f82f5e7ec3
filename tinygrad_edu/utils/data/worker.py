"""Worker processes: they read batches ahead while the parent trains.

Each worker is joined to its parent by one pipe. Downwards go :class:`NewEpoch` and :class:`Fetch` messages; upwards
goes one reply for each Fetch, in the same order (``transfer.py``). Nothing is shared between workers, so one that dies
cannot hold a lock that another needs, and the parent sees the end of its pipe at once. When the parent closes its end,
the worker stops.

A worker that is a fork of its parent has all that the parent has. One that starts as a new Python is sent its settings
through the pipe, before everything else.
"""

from __future__ import annotations

import collections
import gc
import os
import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.random import manual_seed
from tinygrad_edu.threads import set_num_threads
from tinygrad_edu.utils.data.fetch import IterableFetcher, MapFetcher, make_fetcher
from tinygrad_edu.utils.data.transfer import Parcel, pack, send


@dataclass(frozen=True)
class WorkerInfo:
    """What :func:`get_worker_info` returns in a worker.

    Attributes
    ----------
    id : int
        Which worker this is, from 0.
    num_workers : int
        How many there are.
    seed : int
        What this worker's random numbers were seeded with: ``base_seed + id``.
    dataset : Dataset
        This worker's copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _CurrentWorker:
    """Holds the WorkerInfo of this process; None in the parent."""

    info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what a worker process knows about itself; None outside of workers.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.get_worker_info

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.utils.data.get_worker_info() is None
    True
    """
    return _CurrentWorker.info


# ---- what goes through the pipe ------------------------------------------------------------------------


@dataclass(frozen=True)
class WorkerSettings:
    """All that a worker has to know."""

    dataset: Any
    auto_collation: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    worker_init_fn: Callable[[int], None] | None
    base_seed: int
    num_workers: int


@dataclass(frozen=True)
class Fetch:
    """Ask for one batch."""

    index: Any


class NewEpoch:
    """Say that the next Fetch starts anew."""


class EndOfStream:
    """The reply when an IterableDataset has nothing left."""


class _MultiLineKeyError(str):
    """A KeyError shows the repr of its argument; this one's repr keeps the lines of the traceback apart."""

    def __repr__(self) -> str:
        return str(self)


class WorkerError:
    """The reply when an exception was raised in a worker.

    Parameters
    ----------
    error : Exception
        What was raised.
    worker_id : int
        Where.
    """

    def __init__(self, error: Exception, worker_id: int) -> None:
        self.type: type[Exception] = type(error)
        original = "".join(traceback.format_exception(error))
        self.message = (
            f"Caught {self.type.__name__} in DataLoader worker process {worker_id}.\nOriginal {original}"
        )
        try:
            pickle.dumps(self.type)
        except Exception:  # a class that the parent could not find, such as one defined in a function
            self.type = RuntimeError

    def reraise(self) -> None:
        """Raise the same type of exception, with the worker's traceback as its message."""
        try:
            error = self.type(_MultiLineKeyError(self.message) if self.type is KeyError else self.message)
        except Exception:  # a type that needs more than a message
            error = RuntimeError(self.message)
        raise error


# ---- the worker's side ---------------------------------------------------------------------------------


def worker_main(connection: Connection, worker_id: int, settings: WorkerSettings | None = None) -> None:
    """Answer the parent's messages until it closes the pipe. This is what a worker process runs.

    Parameters
    ----------
    connection : Connection
        This end of the pipe.
    worker_id : int
        Which worker this is.
    settings : WorkerSettings, optional
        What a fork knows; otherwise they come first through the pipe.
    """
    ignore_interrupts()
    failure: WorkerError | None = None
    if settings is None:
        try:
            settings, failure = _unpack_settings(connection.recv_bytes(), worker_id)
        except EOFError:
            return
    else:
        _leave_to_parent()
    replies: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
    threading.Thread(target=_send_replies, args=(connection, replies), daemon=True).start()
    if settings is not None:
        failure = _set_up(settings, worker_id)
    fetcher: MapFetcher | IterableFetcher | None = None
    for message in _read_messages(connection):
        reply: Any = failure
        if isinstance(message, NewEpoch):
            fetcher = None
            continue
        if settings is not None and failure is None:
            try:
                if fetcher is None:
                    fetcher = make_fetcher(
                        settings.dataset, settings.auto_collation, settings.collate_fn, settings.drop_last
                    )
                reply = fetcher.fetch(message.index)
            except StopIteration:
                reply = EndOfStream()
            except Exception as error:
                reply = WorkerError(error, worker_id)
        replies.put(_pack(reply, worker_id))


def ignore_interrupts() -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the parent: it ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked by the parent until here


def _leave_to_parent() -> None:
    """Let a fork keep its hands off what it has inherited: a profiler, and the garbage of its parent.

    What lies on the GPU cannot be freed from here, and pages that nobody writes to are shared with the parent.
    """
    this_thread.mode.observers = ()
    gc.freeze()


def _unpack_settings(
    settings_pickle: bytes, worker_id: int
) -> tuple[WorkerSettings | None, WorkerError | None]:
    try:
        return pickle.loads(settings_pickle), None
    except Exception as error:
        failure = WorkerError(error, worker_id)
        if isinstance(error, AttributeError) and str(error).startswith("Can't get attribute"):
            failure.message = (
                "DataLoader: a worker is a new process and cannot see what was typed into a shell or a notebook, or "
                'stands under `if __name__ == "__main__":`; put it at the top of a module, or use num_workers=0'
                f"{fork_hint()}: {error}"
            )
        return None, failure


def fork_hint() -> str:
    """Return, for an error, the way out that there is where processes can be forked."""
    return ' or multiprocessing_context="fork"' if hasattr(os, "fork") else ""


def _set_up(settings: WorkerSettings, worker_id: int) -> WorkerError | None:
    """Seed the random numbers and run the user's worker_init_fn."""
    set_num_threads(1)  # the processes share the cores; PyTorch's workers do the same
    seed = settings.base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    np.random.seed(np.random.SeedSequence((settings.base_seed, worker_id)).generate_state(4))
    _CurrentWorker.info = WorkerInfo(worker_id, settings.num_workers, seed, settings.dataset)
    try:
        if settings.worker_init_fn is not None:
            settings.worker_init_fn(worker_id)
    except Exception as error:
        return WorkerError(error, worker_id)
    return None


def _read_messages(connection: Connection) -> Iterator[Any]:
    """Yield the parent's messages; stop as soon as it has closed the pipe, even if some are still waiting."""
    waiting: collections.deque[Any] = collections.deque()
    while True:
        try:
            while not waiting or connection.poll():
                waiting.append(connection.recv())
        except (EOFError, OSError):
            return
        yield waiting.popleft()


def _pack(reply: Any, worker_id: int) -> Parcel:
    try:
        return pack(reply)
    except Exception as error:
        error.add_note(
            f"DataLoader: expected a batch that can be sent to the parent process, got {type(reply)}"
        )
        return pack(WorkerError(error, worker_id))


def _send_replies(connection: Connection, replies: queue.SimpleQueue[Parcel]) -> None:
    """Send replies in a thread of its own: a full pipe must not keep the worker from the next batch."""
    try:
        while True:
            send(connection, replies.get())
    except OSError:  # the parent has closed its end
        return
