"""Steps, schedules, and what is called when a recording is ready."""

from __future__ import annotations

import itertools
import json

import pytest

import tinygrad_edu as torch

ProfilerAction = torch.profiler.ProfilerAction


def run(steps=10, **options):
    """Return the names of the events of every recording that became ready."""
    ready = []
    with torch.profiler.profile(
        on_trace_ready=lambda prof: ready.append([e.name for e in prof.events()]), **options
    ) as prof:
        for _ in range(steps):
            torch.ones(2) * 2
            prof.step()
    return ready


def test_two_cycles():
    ready = run(schedule=torch.profiler.schedule(wait=1, warmup=1, active=2, repeat=2))
    assert ready == [
        ["ProfilerStep#2", "Mul", "ProfilerStep#3", "Mul"],
        ["ProfilerStep#6", "Mul", "ProfilerStep#7", "Mul"],
    ]


def test_cycles_without_a_pause():
    with pytest.warns(UserWarning, match="won't be using warmup"):
        plan = torch.profiler.schedule(wait=0, warmup=0, active=1, repeat=2)
    assert run(3, schedule=plan) == [["ProfilerStep#0", "Mul"], ["ProfilerStep#1", "Mul"]]


def test_the_end_may_come_within_a_cycle():
    plan = torch.profiler.schedule(wait=0, warmup=1, active=5)
    assert run(2, schedule=plan) == [["ProfilerStep#1", "Mul", "ProfilerStep#2"]]


def test_steps_have_one_row():
    plan = torch.profiler.schedule(wait=0, warmup=1, active=3, repeat=1)
    counts = []
    with torch.profiler.profile(
        schedule=plan,
        on_trace_ready=lambda prof: counts.extend([(r.key, r.count) for r in prof.key_averages()]),
    ) as prof:
        for _ in range(4):
            prof.step()
    assert counts == [("ProfilerStep*", 3)]


def test_no_schedule_is_one_recording_without_step_labels():
    assert run(2) == [["Mul", "Mul"]]


def test_all_cycles_together():
    plan = torch.profiler.schedule(wait=1, warmup=1, active=1, repeat=2)
    assert [len(names) for names in run(schedule=plan, acc_events=True)] == [2, 4]


def test_a_schedule_that_forgets_to_save():
    plan = [ProfilerAction.RECORD, ProfilerAction.NONE, ProfilerAction.NONE]
    with pytest.warns(UserWarning, match="Incorrect schedule: RECORD followed by NONE"):
        assert run(1, schedule=plan.__getitem__) == []
    plan = [ProfilerAction.WARMUP, ProfilerAction.NONE]
    with pytest.warns(UserWarning, match="Incorrect schedule: WARMUP followed by NONE"):
        assert run(1, schedule=plan.__getitem__) == []


def test_wrong_schedules():
    with pytest.raises(AssertionError, match="Got wait=-1"):
        torch.profiler.schedule(wait=-1, warmup=1, active=1)
    with pytest.raises(AssertionError, match="Step must be non-negative. Got -1"):
        torch.profiler.schedule(wait=1, warmup=1, active=1)(-1)


def test_trace_files(tmp_path):
    for use_gzip, ending in ((False, ".pt.trace.json"), (True, ".pt.trace.json.gz")):
        handler = torch.profiler.tensorboard_trace_handler(
            tmp_path / "new" / ending, "worker", use_gzip=use_gzip
        )
        with torch.profiler.profile(on_trace_ready=handler):
            torch.ones(2) * 2
        (path,) = (tmp_path / "new" / ending).iterdir()
        assert path.name.startswith("worker.")
        assert path.name.endswith(ending)
        if not use_gzip:
            assert json.loads(path.read_text())["traceEvents"]


@pytest.mark.torch_parity
@pytest.mark.parametrize("skip_first_wait", [0, 1])
def test_schedules_are_those_of_pytorch(skip_first_wait):
    pytorch = pytest.importorskip("torch")
    for wait, warmup, active, repeat, skip_first in itertools.product([0, 2], [1, 2], [1, 3], [0, 2], [0, 3]):
        options = {
            "wait": wait,
            "warmup": warmup,
            "active": active,
            "repeat": repeat,
            "skip_first": skip_first,
            "skip_first_wait": skip_first_wait,
        }
        ours, theirs = torch.profiler.schedule(**options), pytorch.profiler.schedule(**options)
        assert [ours(n).name for n in range(25)] == [theirs(n).name for n in range(25)], options
