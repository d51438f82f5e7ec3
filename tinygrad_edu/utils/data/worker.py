"""Worker processes: they read batches ahead while the parent trains.

Each worker is joined to its parent by one pipe. Downwards go the settings, then :class:`NewEpoch` and
:class:`Fetch` messages; upwards goes one reply for each Fetch, in the same order. Nothing is shared between
workers, so one that dies cannot hold a lock that another needs, and the parent sees the end of its pipe at
once. When the parent closes its end, the worker stops.

Workers are spawned, not forked: the thread pool that numba's parallel kernels use does not survive a fork.
"""

from __future__ import annotations

import collections
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

from tinygrad_edu.random import manual_seed
from tinygrad_edu.threads import set_num_threads
from tinygrad_edu.utils.data.fetch import IterableFetcher, MapFetcher, make_fetcher

PICKLE_PROTOCOL = 5  # copies the bytes of an array once, not twice


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


def worker_main(connection: Connection, worker_id: int) -> None:
    """Answer the parent's messages until it closes the pipe. This is what a worker process runs."""
    ignore_interrupts()
    try:
        settings_pickle = connection.recv_bytes()
    except EOFError:
        return
    replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_send_replies, args=(connection, replies), daemon=True).start()
    settings, failure = _set_up(settings_pickle, worker_id)
    fetcher: MapFetcher | IterableFetcher | None = None
    for message in _read_messages(connection):
        reply: Any = failure
        if isinstance(message, NewEpoch):
            fetcher = None
            continue
        if failure is None:
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


def _set_up(settings_pickle: bytes, worker_id: int) -> tuple[Any, WorkerError | None]:
    """Unpack the settings, seed the random numbers and run the user's worker_init_fn."""
    try:
        settings: WorkerSettings = pickle.loads(settings_pickle)
    except Exception as error:
        failure = WorkerError(error, worker_id)
        if isinstance(error, AttributeError) and str(error).startswith("Can't get attribute"):
            failure.message = (
                "DataLoader: a worker is a new process and cannot see what was typed into a shell or a notebook, or "
                'stands under `if __name__ == "__main__":`; put it at the top of a module, or use num_workers=0: '
                f"{error}"
            )
        return None, failure
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
        return None, WorkerError(error, worker_id)
    return settings, None


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


def _pack(reply: Any, worker_id: int) -> bytes:
    try:
        return pickle.dumps(reply, PICKLE_PROTOCOL)
    except Exception as error:
        error.add_note(
            f"DataLoader: expected a batch that can be sent to the parent process, got {type(reply)}"
        )
        return pickle.dumps(WorkerError(error, worker_id), PICKLE_PROTOCOL)


def _send_replies(connection: Connection, replies: queue.SimpleQueue[bytes]) -> None:
    """Send replies in a thread of its own: a full pipe must not keep the worker from the next batch."""
    try:
        while True:
            connection.send_bytes(replies.get())
    except OSError:  # the parent has closed its end
        return
