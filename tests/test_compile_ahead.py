"""A second process compiles ahead: where that is sensible, once, and without a tie to the process that it helps."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import pytest

from tinygrad_edu import compile_ahead, compiling
from tinygrad_edu_kernels import threads

pytestmark = pytest.mark.host("kernels of the CPU")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="forks of Linux")

PROGRAM = """
import json, os, signal, sys, threading
import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import compile_ahead

folder = sys.argv[1]
kept = open(os.path.join(folder, "kept"), "w")
signal.signal(signal.SIGINT, lambda *_: None)

def report():
    print("said on the way", flush=True)
    os.write(1, b"written on the way")
    facts = {
        "files": sorted({os.readlink(f) for n in range(100) if os.path.lexists(f := f"/proc/self/fd/{n}")}),
        "leads its session": os.getsid(0) == os.getpid(),
        "interrupt": signal.getsignal(signal.SIGINT) == signal.SIG_DFL,
        "seconds": signal.alarm(0),
    }
    with open(os.path.join(folder, f"{os.getpid()}.new"), "w") as file:
        json.dump(facts, file)
    os.rename(file.name, file.name.replace(".new", ".json"))
    yield
    raise RuntimeError("whatever happens")

compile_ahead.kernels_of_training = report
torch.set_num_threads(2)
F.relu(torch.ones(3))
F.mse_loss(torch.ones(3, requires_grad=True).relu(), torch.zeros(3)).backward()
torch.optim.SGD([torch.nn.Parameter(torch.ones(3))], lr=0.1)
print(threading.active_count())
try:
    print(os.wait())
except ChildProcessError:
    print("no children")
"""


@LINUX
def test_a_fork_without_ties(tmp_path):
    """Two kernels are compiled, and one fork is made; who starts the program hears nothing of it and need not wait."""
    settings = {
        compile_ahead.SWITCH: "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),  # empty
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr.replace(compiling.NOTICE, "").strip()
    assert (done.returncode, said) == (0, "1\nno children\n")
    until = time.monotonic() + 60
    while not list(tmp_path.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)  # a second one would be there by now
    (report,) = tmp_path.glob("*.json")
    facts = json.loads(report.read_text())
    assert facts.pop("files") == [os.devnull]
    assert facts == {"leads its session": True, "interrupt": True, "seconds": compile_ahead.MOST_SECONDS}


@pytest.fixture
def sensible(monkeypatch):
    """A process in which it would be sensible, whoever runs this test."""
    main = threading.main_thread()
    monkeypatch.setenv(compile_ahead.SWITCH, "1")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(threads, "get_num_threads", lambda: 2)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setattr(threading, "enumerate", lambda: [main])
    monkeypatch.setattr(threading, "current_thread", lambda: main)
    monkeypatch.setattr(compile_ahead, "THREADS_OF_OTHERS", ("a_library",))
    assert compile_ahead.is_sensible("folder")
    return monkeypatch


CHANGES = {
    "switched off": lambda patch: patch.setenv(compile_ahead.SWITCH, "0"),
    "another system": lambda patch: patch.setattr(sys, "platform", "darwin"),
    "one thread": lambda patch: patch.setattr(threads, "get_num_threads", lambda: 1),
    "a worker": lambda patch: patch.setattr(multiprocessing, "parent_process", object),
    "a debugger": lambda patch: patch.setattr(sys, "gettrace", object),
    "one core": lambda patch: patch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False),
    "a thread of the program": lambda patch: patch.setattr(threading, "enumerate", lambda: [object()]),
    "in a thread": lambda patch: patch.setattr(threading, "current_thread", object),
    "threads of a library": lambda patch: patch.setitem(sys.modules, "a_library", compile_ahead),
}


@pytest.mark.parametrize("change", CHANGES)
def test_where_it_is_not_sensible(sensible, change):
    CHANGES[change](sensible)
    assert not compile_ahead.is_sensible("folder")


def test_without_a_cache_it_is_not_sensible(sensible):
    assert not compile_ahead.is_sensible(None)


def test_no_error_where_the_system_forks_no_more(sensible):
    def no_more():
        raise BlockingIOError("too many processes")

    sensible.setattr(compile_ahead._Begun, "value", False)
    sensible.setattr(os, "fork", no_more, raising=False)
    compile_ahead.start("folder")
