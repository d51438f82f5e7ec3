"""tinygrad_edu_kernels.threads.sharing: who works on a kernel, and what happens where Numba does not fit the team."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import warnings

import numba
import numpy as np
import pytest
from numba import njit

from tinygrad_edu_kernels.threads import mailbox, native_call, numba_private, parallel, sharing, team

needs_team = pytest.mark.skipif(not sharing.is_available(), reason="no team of threads here")


@njit(nogil=True)
def add_one(numbers, first, last):
    for i in range(first, last):
        numbers[i] += 1


# ---- who works -------------------------------------------------------------------------------------------------


@pytest.fixture
def workers(monkeypatch):
    """Who has been asked to work: the names are "team" and "pool"."""
    asked = []
    monkeypatch.setattr(team, "share_parts", lambda *call: asked.append("team"))
    monkeypatch.setattr(parallel, "run_over", lambda *call: asked.append("pool"))
    return asked


@pytest.mark.parametrize(
    ("nanoseconds", "threads", "has_team", "expected"),
    [
        (24_000, 4, True, []),
        (26_000, 4, True, ["team"]),
        (1e9, 1, True, []),
        (26_000, 4, False, ["pool"]),
        (1e9, 1, False, []),
    ],
)
def test_who_works(nanoseconds, threads, has_team, expected, workers, monkeypatch):
    monkeypatch.setattr(parallel.setting, "num_threads", threads)
    monkeypatch.setattr(sharing, "is_available", lambda: has_team)
    numbers = np.zeros(9)
    sharing.run_over(9, nanoseconds, add_one, numbers)
    assert workers == expected
    np.testing.assert_array_equal(numbers, 0 if expected else 1)


@pytest.mark.parametrize("nanoseconds", [1e3, 1e9])
@pytest.mark.usefixtures("way")
def test_everything_is_done_once(nanoseconds):
    for count in (0, 1, 2, 3, 7, 500):
        numbers = np.zeros(count)
        sharing.run_over(count, nanoseconds, add_one, numbers)
        np.testing.assert_array_equal(numbers, 1)


def test_what_is_worthwhile(monkeypatch):
    answers = []
    for threads, has_team in [(1, True), (2, True), (2, False)]:
        monkeypatch.setattr(parallel.setting, "num_threads", threads)
        monkeypatch.setattr(sharing, "is_available", lambda has_team=has_team: has_team)
        answers.append([sharing.is_worthwhile(nanoseconds) for nanoseconds in (20_000, 30_000)])
    assert answers == [[False, False], [False, True], [False, False]]
    assert [sharing.is_small(nanoseconds) for nanoseconds in (20_000, 30_000)] == [True, False]


@pytest.mark.parametrize(
    ("size", "sums"), [(3, 12), (2**18 // 12, 12), (2**16, 4), (2**17, 3), (2**30, 3), (0, 12)]
)
def test_large_sums_are_fewer(size, sums, team_of_three):
    assert sharing.number_of_sums(1000, 1e9, size) == sums
    assert sharing.number_of_sums(2, 1e9, size) == 2


# ---- private parts of Numba ------------------------------------------------------------------------------------


def test_the_private_names_exist():
    for name in numba_private.__all__:
        assert callable(getattr(numba_private, name)), name


@needs_team
def test_what_is_used_without_an_import():
    """The names that ``numba_private.py`` tells of; ``team.check`` calls all of them."""
    native_call.native_address(add_one, (numba.float64[::1],))
    (signature,) = [s for s in add_one.overloads if s[0] == numba.float64[::1]]
    compiled = add_one.overloads[signature]
    assert isinstance(compiled.fndesc.llvm_func_name, str)
    assert compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name) > 0
    assert hasattr(add_one.stats, "cache_path")


@needs_team
def test_the_check_passes():
    team.check()


# ---- what does not fit -----------------------------------------------------------------------------------------


def fail(*arguments):
    raise AttributeError("no such thing in this Numba")


def one_fingerprint(arguments):
    return b"the same for all"


def run_three_times(numbers):
    for _ in range(3):
        sharing.run_over(9, 1e9, add_one, numbers)


def do_nothing(*arguments):
    pass


def team_that_cannot_be_imported():
    return ImportError("cannot import name 'x'")


FAULTS = {
    "AttributeError: no such thing in this Numba": (mailbox, "native_address", fail),
    "RuntimeError: the self-check got wrong numbers": (team, "post", do_nothing),
    "RuntimeError: different types have one fingerprint": (team, "compute_fingerprint", one_fingerprint),
    "ImportError: cannot import name 'x'": (sharing, "_team", team_that_cannot_be_imported),
}


@needs_team
@pytest.mark.parametrize("what", FAULTS)
def test_a_numba_that_does_not_fit(what, monkeypatch):
    """One notice that says what is missing; the pool does the work."""
    monkeypatch.setattr(*FAULTS[what])
    monkeypatch.setattr(mailbox, "_known", {})
    monkeypatch.setattr(sharing._Notice, "lock", threading.Lock())
    monkeypatch.setattr(parallel.setting, "num_threads", 3)
    monkeypatch.setattr(sharing, "is_available", sharing.is_available.__wrapped__)
    numbers = np.zeros(9)
    with pytest.warns(RuntimeWarning, match=re.escape(what)) as caught:
        run_three_times(numbers)
    assert len(caught) == 1
    assert numba.__version__ in str(caught[0].message)
    assert sharing.KNOWN_VERSIONS in str(caught[0].message)
    np.testing.assert_array_equal(numbers, 3)


@needs_team
def test_a_notice_that_is_made_an_error_comes_once(monkeypatch):
    """The work after it is done."""
    monkeypatch.setattr(sharing, "_team", team_that_cannot_be_imported)
    monkeypatch.setattr(sharing._Notice, "lock", threading.Lock())
    is_available = sharing.is_available.__wrapped__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="Versions of Numba known to work"):
            is_available()
        assert not is_available()


def test_nothing_is_said_where_no_team_is_wanted(monkeypatch):
    monkeypatch.setattr(sharing, "_team", team_that_cannot_be_imported)
    monkeypatch.setenv("TINYGRAD_EDU_THREAD_TEAM", "0")
    assert not sharing.is_available.__wrapped__()


# A training step, with three threads; prints a checksum of the weights, and how many helpers there are.
PROGRAM = """
import threading
{prepare}
import numpy as np
import tinygrad_edu as torch
torch.set_num_threads(3)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x, target = torch.rand(64, 784), torch.arange(64) % 10
for _ in range(3):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x), target).backward()
    optimizer.step()
helpers = sum(thread.name == "tinygrad_edu_team" for thread in threading.enumerate())
print(sum(float(p.detach().double().abs().sum()) for p in model.parameters()), helpers)
"""
WITHOUT_A_PRIVATE_NAME = """
import numba
from numba import _dispatcher
del _dispatcher.compute_fingerprint
"""


@needs_team
def test_a_program_with_a_numba_that_lacks_a_private_name():
    results, errors = [], []
    for prepare in ("", WITHOUT_A_PRIVATE_NAME):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(prepare=prepare)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        checksum, helpers = done.stdout.split()
        results.append((float(checksum), int(helpers)))
        errors.append(done.stderr)
    assert results[0][1] == 2
    assert results[1] == (pytest.approx(results[0][0], rel=1e-5), 0)
    assert "Versions of Numba known to work" not in errors[0]
    assert errors[1].count("Versions of Numba known to work") == 1
    assert "ImportError: cannot import name 'compute_fingerprint'" in errors[1]
