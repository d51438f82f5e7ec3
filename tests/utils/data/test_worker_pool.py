from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading

import pytest

from tests.utils.data.samples import Numbers
from tests.utils.data.test_worker import settings
from tinygrad_edu.utils.data.worker import Fetch
from tinygrad_edu.utils.data.worker_pool import WorkerPool, pickle_settings


class HasLock(Numbers):
    def __init__(self, length):
        super().__init__(length)
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dataset": HasLock(3)}, "got dataset HasLock with lock=.*: cannot pickle '_thread.lock' object"),
        ({"collate_fn": lambda batch: batch}, "got collate_fn=<function .*lambda"),
        ({"worker_init_fn": lambda worker_id: None}, "got worker_init_fn=<function .*lambda"),
    ],
)
def test_what_cannot_be_pickled_is_named(changes, expected):
    with pytest.raises(
        pickle.PicklingError, match=f"can be pickled.*num_workers=2.*{expected}.*num_workers=0"
    ):
        pickle_settings(settings(**changes))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_pool_that_was_forked_later_does_not_hold_the_pipes_of_another():
    context = multiprocessing.get_context("fork")
    first, second = WorkerPool(context, settings()), WorkerPool(context, settings())
    for connection in first._connections:
        connection.close()
    for process in first._processes:
        process.join(20)
        assert process.exitcode == 0  # by itself: it has seen the end of its pipe
    second.close()
    first.close()


def test_no_process_is_started_for_an_unpicklable_dataset():
    with pytest.raises(pickle.PicklingError):
        WorkerPool(multiprocessing.get_context("spawn"), settings(dataset=HasLock(3)))
    assert multiprocessing.active_children() == []


class BrokenContext:
    """Can make pipes, but no second process."""

    def __init__(self):
        self.context = multiprocessing.get_context()
        self.calls = 0

    def get_start_method(self):
        return self.context.get_start_method()

    def Pipe(self):
        return self.context.Pipe()

    def Process(self, **options):
        self.calls += 1
        if self.calls == 2:
            raise OSError("no more processes")
        return self.context.Process(**options)


def test_workers_that_were_started_end_if_another_cannot_be():
    with pytest.raises(OSError, match="no more processes"):
        WorkerPool(BrokenContext(), settings())
    assert multiprocessing.active_children() == []
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_a_pool_at_work():
    pool = WorkerPool(multiprocessing.get_context(), settings())
    assert pool.start_epoch() == 1
    pool.send(0, Fetch([0, 1]))
    pool.send(0, Fetch([2]))
    pool.send(1, Fetch([3]))
    assert pool.receive(0).tolist() == [0, 1]
    assert pool.first_ready([1]) == 1
    assert pool.receive(1, timeout=20).tolist() == [3]
    assert pool.start_epoch() == 2  # what worker 0 still owes is dropped
    pool.send(0, Fetch([3, 2]))
    assert pool.receive(0).tolist() == [3, 2]
    with pytest.raises(RuntimeError, match=r"timed out after 0\.01 seconds"):
        pool.receive(0, timeout=0.01)
    with pytest.raises(RuntimeError, match=r"timed out after 0\.01 seconds"):
        pool.first_ready([0, 1], timeout=0.01)
    processes = multiprocessing.active_children()
    assert len(processes) == 2
    pool.close()
    pool.close()
    assert multiprocessing.active_children() == []
    for call in (lambda: pool.receive(0), lambda: pool.send(0, Fetch([1])), lambda: pool.first_ready([0])):
        with pytest.raises(RuntimeError, match="got workers that have ended"):
            call()
