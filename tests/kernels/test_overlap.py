"""tinygrad_edu_kernels.overlap: work from which the caller returns early."""

from __future__ import annotations

import os
import signal
import sys
import threading

import numpy as np
import pytest
from numba import njit

from tinygrad_edu_kernels import mailbox, overlap, parallel, team

needs_team = pytest.mark.skipif(not team.is_available(), reason="no team of threads here")


is_debugged = overlap.is_debugged


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch):
    monkeypatch.setattr(overlap, "is_debugged", lambda: False)  # a tool that measures coverage looks like one
    yield
    overlap.end()


@pytest.fixture
def finished():
    """The names of the work that was waited for."""
    return []


def begin(finished, name, result):
    overlap.begin(lambda: finished.append(name), result, result)


def test_the_end_waits(finished):
    overlap.allow(True)
    assert overlap.is_allowed()
    begin(finished, "a", np.zeros(3))
    assert finished == []
    overlap.end()
    assert finished == ["a"]
    assert not overlap.is_allowed()
    overlap.end()
    assert finished == ["a"]


def test_while_a_debugger_is_at_work_nothing_returns_early(monkeypatch):
    monkeypatch.setattr(overlap, "is_debugged", lambda: True)
    overlap.allow(True)
    assert not overlap.is_allowed()


def test_a_debugger_is_noticed():
    before = sys.gettrace()
    sys.settrace(lambda *event: None)
    try:
        assert is_debugged()
    finally:
        sys.settrace(before)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python has no sys.monitoring before 3.12")
def test_a_debugger_that_monitors_is_noticed():
    sys.monitoring.use_tool_id(sys.monitoring.DEBUGGER_ID, "a debugger")
    try:
        assert is_debugged()
    finally:
        sys.monitoring.free_tool_id(sys.monitoring.DEBUGGER_ID)


def test_one_piece_of_work_at_a_time(finished):
    begin(finished, "a", np.zeros(3))
    begin(finished, "b", np.zeros(3))
    assert finished == ["a"]
    overlap.wait()
    assert finished == ["a", "b"]


def test_an_end_that_is_interrupted_waits_all_the_same():
    calls = []

    def finish():
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    overlap.allow(True)
    overlap.begin(finish, np.zeros(1), None)
    with pytest.raises(KeyboardInterrupt):
        overlap.end()
    assert len(calls) == 2
    assert not overlap.is_allowed()


def test_every_thread_waits_for_its_own(finished):
    begin(finished, "a", np.zeros(3))
    overlap.allow(True)
    seen = []
    thread = threading.Thread(target=lambda: (overlap.wait(), seen.append(overlap.is_allowed())))
    thread.start()
    thread.join()
    assert finished == []
    assert seen == [False]


def test_a_finish_that_is_interrupted_comes_again():
    calls = []

    def finish():
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    overlap.begin(finish, np.zeros(1), None)
    with pytest.raises(KeyboardInterrupt):
        overlap.wait()
    overlap.wait()
    assert len(calls) == 2


WHOLE = np.zeros((4, 4), np.float32)
FOREIGN = bytearray(64)


@pytest.mark.parametrize(
    ("result", "other", "waits"),
    [
        (WHOLE, WHOLE, True),
        (WHOLE, WHOLE[1:], True),
        (WHOLE[:, 1], WHOLE.T, True),
        (WHOLE.reshape(-1)[:3], WHOLE[2:][1:], True),  # they do not touch; nobody looks so closely
        (WHOLE, np.zeros((4, 4), np.float32), False),
        (WHOLE[1:], np.zeros((4, 4), np.float32)[1:], False),
        (np.frombuffer(FOREIGN, np.float32), np.frombuffer(FOREIGN, np.float32), True),
        (np.frombuffer(FOREIGN, np.float32)[1:], np.zeros(3), True),
        (np.zeros(3), np.frombuffer(FOREIGN, np.float32)[1:], True),
    ],
)
def test_what_shares_memory_is_waited_for(finished, result, other, waits):
    begin(finished, "a", result)
    overlap.wait_for([None, other])
    assert finished == (["a"] if waits else [])


def test_arrays_are_kept_until_then():
    import weakref

    class Kept:
        pass

    kept = Kept()
    gone = weakref.ref(kept)
    overlap.begin(lambda: None, np.zeros(1), (kept,))
    del kept
    assert gone() is not None
    overlap.wait()
    assert gone() is None


# ---- with the team -----------------------------------------------------------------------------------------


@njit(nogil=True)
def count_parts(counts, first, last):
    """Count how often each was done."""
    for part in range(first, last):
        counts[part] += 1


def begin_counting(counts):
    team.begin_over(counts, len(counts), 1e9, count_parts, counts)


def mailbox_is_free():
    return team._Current.team.mailbox[mailbox.IN_USE] == 0


@needs_team
def test_work_is_done_at_the_end_of_the_block(team_of_three):
    for _ in range(300):
        counts = np.zeros(40, np.int64)
        overlap.allow(True)
        begin_counting(counts)
        assert not mailbox_is_free()
        overlap.end()
        np.testing.assert_array_equal(counts, 1)
        assert mailbox_is_free()


@needs_team
def test_outside_of_a_block_it_is_done_at_once(team_of_three):
    for _ in range(300):
        counts = np.zeros(40, np.float32)
        begin_counting(counts)
        np.testing.assert_array_equal(counts, 1)
        assert mailbox_is_free()


@needs_team
def test_other_work_in_between_is_done_alone(team_of_three):
    first, second = np.zeros(9, np.float32), np.zeros(9, np.float32)
    overlap.allow(True)
    begin_counting(first)
    team.run_over(9, 1e9, count_parts, second)
    np.testing.assert_array_equal(second, 1)
    overlap.end()
    np.testing.assert_array_equal(first, 1)


@needs_team
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_signal_handler_that_computes_in_between(moment, team_of_three, monkeypatch):
    """It waits for what it finds, and nobody else does: so what begins after that must not be late."""

    def interrupted(*arguments):
        if moment == "before":
            overlap.wait()
        share(*arguments)
        if moment == "after":
            overlap.wait()

    share = team.share
    monkeypatch.setattr(team, "share", interrupted)
    counts = np.zeros(40, np.float32)
    overlap.allow(True)
    begin_counting(counts)
    np.testing.assert_array_equal(counts, 1)
    assert mailbox_is_free()


@needs_team
def test_several_threads_have_blocks_at_once(team_of_three):
    wrong = []

    def work():
        for _ in range(300):
            counts = np.zeros((2, 9), np.float32)
            overlap.allow(True)
            begin_counting(counts[0])
            begin_counting(counts[1])
            overlap.end()
            if not (counts == 1).all():
                wrong.append(counts)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert mailbox_is_free()


@needs_team
def test_ctrl_c_at_any_moment(team_of_three):
    """What was begun is finished at last, and the mailbox is free again."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupts = 0
    counts = np.zeros(8, np.float32)
    try:
        for pause in np.random.default_rng(0).uniform(1e-6, 1e-3, 600):
            try:
                signal.setitimer(signal.ITIMER_REAL, pause)
                while True:
                    try:
                        overlap.allow(True)
                        begin_counting(counts)
                    finally:
                        overlap.end()
            except KeyboardInterrupt:
                interrupts += 1
            overlap.end()
            assert (counts == counts[0]).all()
            assert mailbox_is_free()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts == 600


@needs_team
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_waits(team_of_three):
    counts = np.zeros(200, np.float32)
    overlap.allow(True)
    begin_counting(counts)
    child = os.fork()
    if child == 0:  # pragma: no cover
        overlap.end()
        os._exit(0 if (counts == 1).all() and mailbox_is_free() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(counts, 1)


@needs_team
def test_less_is_worthwhile_if_nobody_waits(monkeypatch):
    monkeypatch.setattr(parallel.setting, "num_threads", 2)
    answers = []
    for allowed in (False, True):
        overlap.allow(allowed)
        answers += [team.may_be_late(nanoseconds) for nanoseconds in (5_000, 15_000, 30_000)]
    assert answers == [False, False, False, False, True, True]
    monkeypatch.setattr(parallel.setting, "num_threads", 1)
    assert not team.may_be_late(30_000)
