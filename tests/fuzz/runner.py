"""Choose wrong calls, hand them to workers, and collect what became of them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import queue
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.fuzz import judge
from tests.fuzz.right_calls import right_calls
from tests.fuzz.spoil import Wrong, spoil

LONGEST = 20 * judge.SECONDS  # a call that the alarm cannot end, because it never comes back to Python


@dataclasses.dataclass(frozen=True)
class Result:
    """A call, what became of it here, and what PyTorch does."""

    call: Wrong
    here: judge.Outcome
    there: str


def wrong_calls(count: int, seed: int, names: list[str] | None = None) -> list[Wrong]:
    """Return this many calls, spread over all names; the same ones for the same seed."""
    known = right_calls()
    chosen = [name for name in known if not names or any(part in name for part in names)]
    if not chosen:
        raise ValueError(f"names: expected parts of public names, got {names}")
    made: dict[str, Wrong] = {}
    for i in range(4 * count):  # some come twice
        name = chosen[i % len(chosen)]
        rng = random.Random(f"{seed} {i}")
        call = spoil(rng.choice(known[name]), rng)
        if call.wrong != call.right:
            made.setdefault(call.wrong, call)
        if len(made) == count:
            break
    return list(made.values())


def run_all(calls: list[Wrong], done: Callable[[], Any]) -> list[Result]:
    """Run all calls; where a worker dies or stands still, a new one goes on with the next call."""
    results: list[Result] = []
    while len(results) < len(calls):
        run_some(calls[len(results) :], results, done)
    return results


def run_some(calls: list[Wrong], results: list[Result], done: Callable[[], Any]) -> None:
    """Run calls in one worker, to the end or to its own."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdin is not None
    threading.Thread(target=send, args=(worker.stdin, calls), daemon=True).start()
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=read, args=(worker, lines), daemon=True)
    reader.start()
    try:
        for call in calls:
            results.append(result_of(call, lines))
            done()
            if results[-1].there == "lost":
                if worker.poll() is not None and worker.returncode > 0:  # not by a signal
                    raise RuntimeError(f"the worker itself failed at {call.wrong}")
                return
    finally:
        worker.kill()
        reader.join()


def send(stdin: Any, calls: list[Wrong]) -> None:
    with contextlib.suppress(BrokenPipeError), stdin:
        json.dump([dataclasses.astuple(call) for call in calls], stdin)


def read(worker: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Hand on the lines of a worker as they come; an empty one is its end."""
    assert worker.stdout is not None
    with worker.stdout:
        for line in worker.stdout:
            lines.put(line)
    worker.wait()
    lines.put("")


def result_of(call: Wrong, lines: queue.Queue[str]) -> Result:
    """Wait for the answer about one call."""
    stage = "start"
    while True:
        try:
            line = lines.get(timeout=60 if stage == "start" else LONGEST)
        except queue.Empty:
            lost = judge.HANG
        else:
            lost = "" if line else judge.CRASH
        if lost and stage == "there":  # PyTorch's fault
            return Result(call, judge.Outcome(judge.CLEAR), "lost")
        if lost:
            return Result(call, judge.Outcome(lost, message=f"the worker was lost ({stage})"), "lost")
        answer = json.loads(line)
        if isinstance(answer, dict):
            there = answer.pop("there")
            return Result(call, judge.Outcome(**answer), there)
        stage = answer
