"""The first run of all: from the start of Python to the end of the CNN's first step, with nothing compiled.

As a program it is the child, which records what Numba compiles; ``measure`` starts it with an empty cache.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

from tests.benchmarks.child import STARTED, prepare
from tests.benchmarks.runner import environment_for, run_module


def measure(threads: int) -> object:
    """Run the child twice with one cache, empty at first; return what both measured."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**environment_for(sys.executable, threads), "NUMBA_CACHE_DIR": cache}
        arguments = ["tests.benchmarks.first_run", str(threads)]
        empty = run_module(sys.executable, arguments, environment)
        cached = run_module(sys.executable, arguments, environment)
    return {"threads": threads, "empty": empty, "cached": cached}


def own_seconds(events: list[tuple[float, bool, str]]) -> dict[str, float]:
    """Return how long each function was compiled itself, without those that it calls.

    Parameters
    ----------
    events : list of (time, is_start, name)
        In the order of time; a function that is compiled while another one is lies inside it.
    """
    seconds: dict[str, float] = {}
    compiling: list[str] = []
    last = 0.0
    for now, is_start, name in events:
        if compiling:
            seconds[compiling[-1]] = seconds.get(compiling[-1], 0.0) + now - last
        if is_start:
            compiling.append(name)
        else:
            compiling.pop()
        last = now
    return seconds


def first_step(threads: int) -> dict[str, object]:
    """Run the first step in this process and return its times, in seconds."""
    from numba.core import event

    with event.install_recorder("numba:compile") as recorder:
        scope, _ = prepare("first", "tinygrad_edu", threads)
        ready = time.time()
        scope["step"]()  # type: ignore[operator]
        done = time.time()
    started = float(os.environ[STARTED])
    events = [
        (moment, bool(entry.is_start), entry.data["dispatcher"].py_func.__qualname__)
        for moment, entry in recorder.buffer
    ]
    return {
        "total": done - started,
        "import_and_setup": ready - started,
        "first_step": done - ready,
        "compiling": own_seconds(events),
    }


if __name__ == "__main__":
    print(json.dumps(first_step(int(sys.argv[1]))))
