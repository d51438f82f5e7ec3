"""tinygrad_edu_kernels.threads.parallel: the pool of threads."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from tinygrad_edu_kernels.threads import parallel


def test_small_work_is_one_part():
    assert parallel.parts(1000, nanoseconds=1000) == [(0, 1000)]


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 1000])
def test_parts_cover_everything_once(count):
    parts = parallel.parts(count, nanoseconds=1.0)
    assert [i for first, last in parts for i in range(first, last)] == list(range(count))
    assert len(parts) == max(min(count, 3), 1)


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("nanoseconds", [1.0, 1e9])
def test_run_over_covers_everything_once(nanoseconds, monkeypatch):
    seen = []
    parallel.run_over(7, nanoseconds, lambda *call: seen.append(call), "x", "y")
    assert {call[:2] for call in seen} == {("x", "y")}
    assert sorted(i for *_, first, last in seen for i in range(first, last)) == list(range(7))
    monkeypatch.setattr(parallel, "WORTHWHILE_NANOSECONDS", 10.0)
    seen.clear()
    parallel.run_over(7, nanoseconds, lambda *call: seen.append(call))
    assert len(seen) == (1 if nanoseconds == 1.0 else 3)


def test_no_more_parts_than_threads(monkeypatch):
    monkeypatch.setattr(parallel.setting, "num_threads", 2)
    assert parallel.parts(1000, nanoseconds=1e9) == [(0, 500), (500, 1000)]


def test_calls_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=30)  # broken unless all three meet here
    parallel.run(barrier.wait, [(), (), ()])
    assert not barrier.broken


def test_an_exception_comes_out_after_all_have_ended():
    ended = []

    def work(number, wait_for=threading.Event()):  # noqa: B008
        if number == 1:
            wait_for.set()
            raise ValueError("on purpose")
        wait_for.wait(30)
        ended.append(number)

    with pytest.raises(ValueError, match="on purpose"):
        parallel.run(work, [(0,), (1,), (2,)])
    assert sorted(ended) == [0, 2]


def test_when_the_pool_takes_no_more_work(monkeypatch):
    """At the end of the interpreter: everything is done here, one after another."""
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(parallel, "_pool", lambda: pool)
    done = []
    parallel.run(done.append, [(0,), (1,), (2,)])
    assert done == [0, 1, 2]


def test_ctrl_c_waits_for_all_parts(monkeypatch):
    """However often it is pressed."""
    presses = [KeyboardInterrupt, KeyboardInterrupt, None]

    def wait_or_interrupt(futures):
        press = presses.pop(0)
        if press is not None:
            raise press
        return wait(futures)

    monkeypatch.setattr(parallel, "wait", wait_or_interrupt)
    with pytest.raises(KeyboardInterrupt):
        parallel.run(int, [("1",), ("2",)])
    assert presses == []


def test_many_threads_may_call_at_once():
    results = []

    def caller(number):
        numbers = [0] * 4
        parallel.run(numbers.__setitem__, [(i, number) for i in range(4)])
        results.append(numbers)

    threads = [threading.Thread(target=caller, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == [[i] * 4 for i in range(20)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    seen = [0, 0, 0]
    parallel.run(seen.__setitem__, [(0, 1), (1, 1), (2, 1)])
    child = os.fork()
    if child == 0:  # pragma: no cover
        parallel.run(seen.__setitem__, [(0, 2), (1, 2), (2, 2)])
        os._exit(0 if seen == [2, 2, 2] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads_to_begin_with(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert parallel._initial_threads() == 3
    for nonsense in ("", "0", "many", "-1"):
        monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
        assert parallel._initial_threads() == parallel.usable_cores()
