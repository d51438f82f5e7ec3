"""tinygrad_edu_kernels.threads.team: threads that stay awake, and the mailbox through which they share work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from numba import njit

from tinygrad_edu_kernels import micro_kernel
from tinygrad_edu_kernels.matrix_product import panels
from tinygrad_edu_kernels.threads import mailbox, native_call, parallel, sharing, team

pytestmark = pytest.mark.skipif(not sharing.is_available(), reason="no team of threads here")
needs_vectors = pytest.mark.skipif(
    not micro_kernel.is_available(), reason="no micro-kernel for this processor"
)


@njit(nogil=True)
def count_parts(counts, work, first, last):
    """Count how often each was done, after some work."""
    total = np.float32(0)
    for i in range(work):
        total += np.float32(i % 3)
    for part in range(first, last):
        counts[part] += 1 if total >= 0 else 2


def share(mail, parts, counts, work):
    mailbox.post(mail, parts, parts, count_parts, (counts, work))


def run(parts, counts, work):
    sharing.run_over(parts, 1e9, count_parts, counts, work)


def eventually(condition):
    """Wait until the condition holds, for half a minute at most, and tell whether it does."""
    until = time.monotonic() + 30
    while not condition() and time.monotonic() < until:
        time.sleep(0.001)
    return condition()


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_every_part_is_done_once(threads, monkeypatch):
    monkeypatch.setattr(parallel.setting, "num_threads", threads)
    for parts in [*range(1, 20), 500]:
        for work in (0, 200):
            counts = np.zeros(parts, np.int64)
            run(parts, counts, work)
            np.testing.assert_array_equal(counts, 1)


def test_thousands_of_pieces_of_work_in_a_row(team_of_three):
    counts = np.zeros(4, np.int64)
    for _ in range(5000):
        run(4, counts, 50)
    np.testing.assert_array_equal(counts, 5000)


LONG = 50_000_000  # additions: some hundredths of a second


def test_a_part_is_done_when_it_has_ended():
    mail, counts = mailbox.new_mailbox(), np.zeros(1, np.int64)
    post(mail, counts, parts=1, work=LONG)
    thread = threading.Thread(target=mailbox.do_parts, args=(mail,))
    thread.start()
    while not mail[mailbox.DONE]:
        pass
    assert counts[0] == 1
    thread.join()


def post(mail, counts, parts, work):
    """Do what ``share`` does before it takes parts itself."""
    arguments = counts, work
    mail[native_call.KERNEL], write, _ = mailbox.native(count_parts, arguments)
    mail[mailbox.FUNCTION], mail[mailbox.CORE], mail[mailbox.DONE] = write(mail, arguments), -1, 0
    mail[native_call.COUNT] = mail[native_call.PARTS] = parts
    mail[mailbox.LEFT] = parts


def test_work_is_done_when_the_call_returns():
    """Also the part of a helper that began later than the calling thread."""
    mail, has_ended = mailbox.new_mailbox(), threading.Event()

    def help_out():
        while not has_ended.is_set():
            mailbox.do_parts(mail)

    thread = threading.Thread(target=help_out)
    thread.start()
    try:
        for _ in range(3):
            counts = np.zeros(2, np.int64)
            share(mail, 2, counts, LONG)
            np.testing.assert_array_equal(counts, 1)
            assert mail[mailbox.IN_USE] == 0
    finally:
        has_ended.set()
        thread.join()


def test_the_mailbox_is_free_when_the_call_returns(team_of_three):
    for _ in range(300):
        counts = np.zeros(40, np.int64)
        run(40, counts, 10)
        np.testing.assert_array_equal(counts, 1)
        assert mailbox_is_free()


def mailbox_is_free():
    return team._Current.team.mailbox[mailbox.IN_USE] == 0


def test_a_mailbox_that_is_in_use_is_left_alone():
    mail, first, second = mailbox.new_mailbox(), np.zeros(4, np.int64), np.zeros(4, np.int64)
    thread = threading.Thread(target=share, args=(mail, 4, first, LONG))
    thread.start()
    assert eventually(lambda: mail[mailbox.IN_USE] == 1)
    share(mail, 4, second, 10)
    assert thread.is_alive()
    thread.join()
    np.testing.assert_array_equal([first, second], np.ones((2, 4)))
    assert mail[mailbox.IN_USE] == 0


def test_several_threads_have_work_at_once(team_of_three):
    """One of them gets the mailbox, the others do theirs alone."""
    wrong = []

    def work():
        for _ in range(300):
            counts = np.zeros(9, np.int64)
            run(9, counts, 30_000)
            if not (counts == 1).all():
                wrong.append(counts)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert mailbox_is_free()


def test_helpers_do_help(team_of_three):
    """While the calling thread is kept from taking parts, somebody else takes them."""
    crew = team.Team()
    crew.wake(2)
    counts = np.zeros(50, np.int64)
    post(crew.mailbox, counts, parts=50, work=10)
    assert eventually(lambda: crew.wake(2) or crew.mailbox[mailbox.DONE] == 50)
    assert eventually(lambda: all(helper.asleep for helper in crew.helpers))
    post(crew.mailbox, counts, parts=50, work=10)
    crew.wake(2)
    assert eventually(lambda: crew.mailbox[mailbox.DONE] == 50)
    crew.dismiss()
    np.testing.assert_array_equal(counts, 2)


def test_helpers_go_to_sleep_and_wake_up(team_of_three):
    run(4, np.zeros(4, np.int64), 10)
    helpers = team._Current.team.helpers
    assert len(helpers) >= 2
    for _ in range(3):
        assert eventually(lambda: all(helper.asleep for helper in helpers))
        counts = np.zeros(4, np.int64)
        run(4, counts, 10)
        np.testing.assert_array_equal(counts, 1)


def test_no_thread_can_be_started(team_of_three, monkeypatch):
    def refuse(helper):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(team.Helper, "start", refuse)
    monkeypatch.setattr(team._Current, "team", team.Team())
    counts = np.zeros(6, np.int64)
    run(6, counts, 10)
    np.testing.assert_array_equal(counts, 1)


def test_dismissed_helpers_are_gone(team_of_three):
    crew = team.Team()
    crew.wake(2)
    threads = [helper._thread for helper in crew.helpers]
    crew.dismiss()
    assert not any(thread.is_alive() for thread in threads)
    crew.wake(2)
    assert crew.helpers == []


def test_fewer_helpers_are_wanted():
    """Those that are too many go to sleep, however much there is to do."""
    mail, counts = mailbox.new_mailbox(), np.zeros(1, np.int64)
    post(mail, counts, parts=1, work=10)
    mail[mailbox.HELPERS] = 2
    mailbox.help_out(mail, 2, np.zeros(2, np.int64), 0)
    assert not counts.any()
    mailbox.help_out(mail, 1, np.zeros(2, np.int64), 0)
    assert counts.all()
    crew = team.Team()
    crew.wake(3)
    crew.wake(1)
    assert eventually(lambda: all(helper.asleep for helper in crew.helpers[1:]))
    for helper in crew.helpers:
        helper.wake()
    assert eventually(lambda: all(helper.asleep for helper in crew.helpers[1:]))
    crew.dismiss()


def test_ctrl_c_at_any_moment(team_of_three):
    """Work that was begun is finished, and the mailbox is free again."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupts = 0
    counts = np.zeros(8, np.int64)
    try:
        for pause in np.random.default_rng(0).uniform(1e-6, 2e-3, 400):
            try:
                signal.setitimer(signal.ITIMER_REAL, pause)
                while True:
                    run(8, counts, 100)
            except KeyboardInterrupt:
                interrupts += 1
            assert (counts == counts[0]).all()
            assert mailbox_is_free()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts == 400
    assert eventually(lambda: all(helper.asleep for helper in team._Current.team.helpers))


def test_a_signal_handler_that_computes(team_of_three):
    """It finds the mailbox free, for compiled code is not interrupted; and leaves it as it was."""
    in_between, counts = np.zeros(9, np.int64), np.zeros(8, np.int64)
    calls = []

    def compute(number, frame):
        run(9, in_between, 10)
        calls.append(mailbox_is_free())

    before = signal.signal(signal.SIGALRM, compute)
    runs = 0
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        until = time.monotonic() + 30
        while len(calls) < 100 and time.monotonic() < until:
            run(8, counts, 100)
            runs += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(calls) >= 100
    assert all(calls)
    np.testing.assert_array_equal(in_between, len(calls))
    np.testing.assert_array_equal(counts, runs)


def test_leaving_a_core():
    usable = os.sched_getaffinity(0)
    assert team.leave_core(min(usable)) == (len(usable) > 1)
    assert os.sched_getaffinity(0) == usable


def test_a_helper_that_cannot_leave_the_core_goes_to_sleep(monkeypatch):
    monkeypatch.setattr(team, "help_out", lambda *arguments: True)
    monkeypatch.setattr(team, "leave_core", lambda core: False)
    helper = team.Helper(mailbox.new_mailbox(), 0)
    helper.start()
    assert eventually(lambda: helper.asleep)
    helper.leave()
    assert not helper._thread.is_alive()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_team_of_its_own(team_of_three):
    run(4, np.zeros(4, np.int64), 10)
    child = os.fork()
    if child == 0:  # pragma: no cover
        counts = np.zeros(4, np.int64)
        run(4, counts, 10)
        os._exit(0 if (counts == 1).all() and len(team._Current.team.helpers) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_computes(team_of_three):
    """Parent and child both end with the right numbers: the child leaves alone what is not its own."""
    theirs = np.zeros(4, np.int64)
    thread = threading.Thread(target=run, args=(4, theirs, LONG))
    thread.start()
    assert eventually(lambda: not mailbox_is_free())
    child = os.fork()
    if child == 0:  # pragma: no cover
        counts = np.zeros(40, np.int64)
        run(40, counts, 10)
        os._exit(0 if (counts == 1).all() and mailbox_is_free() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()
    np.testing.assert_array_equal(theirs, 1)
    assert mailbox_is_free()


PROGRAM = """
import threading
import numpy as np
import tinygrad_edu as torch
torch.set_num_threads(2)
layer = torch.nn.Linear(784, 128)
y = layer(torch.ones(64, 784))
print(sum(thread.name == "tinygrad_edu_team" for thread in threading.enumerate()))
{end}
"""


@needs_vectors
@pytest.mark.parametrize(
    ("setting", "end", "helpers"),
    [
        ("1", "", "1"),
        ("0", "", "0"),
        ("1", "import sys; sys.exit(0)", "1"),
        (
            "1",
            "run = lambda: [layer(torch.ones(64, 784)) for _ in range(10**6)]\n"
            "threading.Thread(target=run, daemon=True).start()",
            "1",
        ),
    ],
)
def test_a_program_comes_to_its_end(setting, end, helpers):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TINYGRAD_EDU_THREAD_TEAM": setting,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == helpers
    assert "Traceback" not in done.stderr


@needs_vectors
def test_products_of_many_sizes(team_of_three):
    rng = np.random.default_rng(0)
    for _ in range(300):
        m, k, n = rng.integers(1, 90, 3)
        a, b = rng.standard_normal((m, k)).astype(np.float32), rng.standard_normal((k, n)).astype(np.float32)
        y = panels.product(a, b, None, transposed=False)
        np.testing.assert_allclose(y, a @ b, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(panels.product(a, b.T.copy(), None, transposed=True), y)
