"""The parent's side of worker processes: start them, talk to them, end them."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import multiprocessing.process
import os
import pickle
import signal
import time
import warnings
import weakref
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, ClassVar

from tinygrad_edu.utils.data.transfer import PICKLE_PROTOCOL, receive
from tinygrad_edu.utils.data.worker import Fetch, NewEpoch, WorkerSettings, fork_hint, worker_main

SECONDS_TO_END = 5.0  # how long workers may take to end by themselves
SCRIPT_BEGAN_ANEW = 86  # the exit code of a worker that came to the loop that has started it


class WorkerPool:
    """Some worker processes, each at the other end of a pipe.

    Parameters
    ----------
    context : multiprocessing context
        How processes are started.
    settings : WorkerSettings
        What the workers have to know.

    Raises
    ------
    pickle.PicklingError
        If the dataset, or a function, cannot be sent to another process.
    """

    def __init__(self, context: Any, settings: WorkerSettings) -> None:
        end_if_script_begins_anew()
        method = context.get_start_method()
        inherited, sent = (settings, None) if method == "fork" else (None, pickle_settings(settings))
        self._owner = os.getpid()
        self._processes: list[Any] = []
        self._connections: list[Connection] = []
        self._owed = [0] * settings.num_workers  # replies that are still to come
        self.epoch = 0
        self.is_closed = False
        _Open.pools.add(self)
        if method == "forkserver":
            preload_engine()
        try:
            with _starting_by(method):
                for worker_id in range(settings.num_workers):
                    self._start(context, worker_id, inherited)
            for worker_id in range(settings.num_workers):
                if sent is not None:  # only now: they all start up at the same time
                    self._send_bytes(worker_id, sent)
        except BaseException:
            self.close()
            raise

    def _start(self, context: Any, worker_id: int, settings: WorkerSettings | None) -> None:
        ours, theirs = context.Pipe()
        self._connections.append(ours)
        process = context.Process(target=worker_main, args=(theirs, worker_id, settings), daemon=True)
        try:
            process.start()
            self._processes.append(process)
        finally:
            theirs.close()  # or the pipe would not end when the worker does

    def start_epoch(self, timeout: float = 0) -> int:
        """Drop what an epoch that was broken off has left; return the number of the new epoch."""
        for worker_id in range(len(self._connections)):
            while self._owed[worker_id] > 0:
                self.receive(worker_id, timeout)
            self.send(worker_id, NewEpoch())
        self.epoch += 1
        return self.epoch

    def send(self, worker_id: int, message: Fetch | NewEpoch) -> None:
        """Send a message to a worker. It owes a reply to a Fetch."""
        self._send_bytes(worker_id, pickle.dumps(message, PICKLE_PROTOCOL))
        self._owed[worker_id] += isinstance(message, Fetch)

    def _send_bytes(self, worker_id: int, data: bytes) -> None:
        self._check_open()
        try:
            self._connections[worker_id].send_bytes(data)
        except OSError:
            raise self._death_of(worker_id) from None
        except BaseException:  # Ctrl-C: half a message may be in the pipe
            self.close()
            raise

    def receive(self, worker_id: int, timeout: float = 0) -> Any:
        """Wait for the next reply of a worker.

        Raises
        ------
        RuntimeError
            If it does not come within ``timeout`` seconds (0: wait for ever), or if the worker has died.
        """
        self._check_open()
        connection = self._connections[worker_id]
        try:
            has_come = timeout <= 0 or connection.poll(timeout)
            reply = receive(connection) if has_come else None
        except (EOFError, OSError):
            raise self._death_of(worker_id) from None
        except BaseException:  # Ctrl-C: half a message may have been read
            self.close()
            raise
        if not has_come:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        self._owed[worker_id] -= 1
        return reply

    def first_ready(self, worker_ids: list[int], timeout: float = 0) -> int:
        """Wait until one of these workers has a reply (or has died); return its number."""
        self._check_open()
        connections = [self._connections[worker_id] for worker_id in worker_ids]
        ready = multiprocessing.connection.wait(connections, timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        return next(i for i, connection in zip(worker_ids, connections, strict=True) if connection in ready)

    def _check_open(self) -> None:
        if self.is_closed:
            raise RuntimeError(
                "DataLoader: expected running workers, got workers that have ended; start a new loop"
            )

    def _death_of(self, worker_id: int) -> RuntimeError:
        """End all workers; return the error that says how this one died."""
        process = self._processes[worker_id]
        process.join(SECONDS_TO_END)
        pid, exit_code = process.pid, process.exitcode
        self.close()
        if exit_code == SCRIPT_BEGAN_ANEW:
            return RuntimeError(
                'DataLoader: expected a script that starts its work under `if __name__ == "__main__":`, because '
                "workers import it anew, got one that comes to this loop again"
            )
        if exit_code is not None and exit_code < 0:
            reason = f"is killed by signal: {signal.strsignal(-exit_code)}."
            if -exit_code == getattr(signal, "SIGKILL", None):
                reason += (
                    " The system does that when memory runs out: each worker holds batches, and a dataset."
                )
        else:
            reason = (
                f"exited unexpectedly with exit code {exit_code}. Details are lost due to multiprocessing. "
                "Rerunning with num_workers=0 may give better error trace."
            )
        if exit_code == 1:  # all that comes through a fork server
            reason += (
                " If this happens at the first batch: workers import your script anew, so it must start its "
                'work under `if __name__ == "__main__":`.'
            )
        return RuntimeError(f"DataLoader worker (pid {pid}) {reason}")

    def close(self) -> None:
        """End the workers and close the pipes. They may finish the batch they are at, if it is quick."""
        if self.is_closed or os.getpid() != self._owner:  # a forked copy of the parent leaves them alone
            return
        self.is_closed = True
        _Open.pools.discard(self)
        for connection in self._connections:
            connection.close()
        self._join_all()
        for process in self._processes:
            if process.is_alive():
                process.terminate()
        self._join_all()
        for process in self._processes:
            if process.is_alive():
                process.kill()
                process.join()
            process.close()

    def _join_all(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_END
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))

    def leave_to_parent(self) -> None:
        """Close the ends of the pipes that a fork has inherited: a worker is to see when its parent closes them."""
        self.is_closed = True
        for connection in self._connections:
            connection.close()


class _Open:
    """The pools of this process that have workers."""

    pools: ClassVar[weakref.WeakSet[WorkerPool]] = weakref.WeakSet()


def _leave_pools_to_parent() -> None:
    for pool in list(_Open.pools):
        pool.leave_to_parent()
    _Open.pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_pools_to_parent)


def end_if_script_begins_anew() -> None:
    """End a process that is being started and imports the user's script, in silence: the parent says why."""
    if getattr(
        multiprocessing.process.current_process(), "_inheriting", False
    ):  # what multiprocessing asks, too
        raise SystemExit(SCRIPT_BEGAN_ANEW)


def preload_engine() -> None:
    """Have the fork server import this engine before it makes the first worker; no worker has to, then."""
    modules = getattr(forkserver._forkserver, "_preload_modules", ["__main__"])
    if worker_main.__module__ not in modules:
        forkserver.set_forkserver_preload([*modules, worker_main.__module__])


@contextlib.contextmanager
def _starting_by(method: str) -> Iterator[None]:
    """Hold back Ctrl-C while processes are started by "fork" or "spawn".

    They inherit that and look at it only when they have made ready to ignore it; otherwise a Ctrl-C in the
    first half second would show a traceback for every worker. (Not by "forkserver": the server would hand it on to
    all its later children.)

    Python warns of a fork where there are several threads. This engine's own hold no lock that a child needs.
    """
    if method == "forkserver" or not hasattr(signal, "pthread_sigmask"):  # the latter is Windows
        yield
        return
    if method == "spawn":
        resource_tracker.ensure_running()  # starting it would end the blocking
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def pickle_settings(settings: WorkerSettings) -> bytes:
    """Pickle what the workers have to know; an error names the part that cannot be pickled.

    Raises
    ------
    pickle.PicklingError
        With the cause.
    """
    try:
        return pickle.dumps(settings, PICKLE_PROTOCOL)
    except Exception as error:
        culprit = _find_unpicklable(settings) or "parts that cannot be pickled together"
        raise pickle.PicklingError(
            "DataLoader: expected a dataset and functions that can be pickled, because workers are new "
            f"processes (num_workers={settings.num_workers}), got {culprit}: {error}. "
            f"Use functions and classes defined at the top of a module, or num_workers=0{fork_hint()}."
        ) from error


def _find_unpicklable(settings: WorkerSettings) -> str | None:
    for name in ("dataset", "collate_fn", "worker_init_fn"):
        part = getattr(settings, name)
        if not _can_be_pickled(part):
            for attribute, value in getattr(part, "__dict__", {}).items():
                if not _can_be_pickled(value):
                    return f"{name} {type(part).__name__} with {attribute}={value!r}"
            return f"{name}={part!r}"
    return None


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dumps(value, PICKLE_PROTOCOL)
    except Exception:
        return False
    return True
