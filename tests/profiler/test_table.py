"""The table and the trace file."""

from __future__ import annotations

import gzip
import itertools
import json
import re

import pytest

import tinygrad_edu as torch
from tinygrad_edu.profiler.table import memory_text, share_text, time_text


@pytest.fixture
def prof():
    """Return the profile of a small program, by a clock that goes on by one millisecond a reading."""
    prof = torch.profiler.profile(record_shapes=True, profile_memory=True)
    ticks = itertools.count()
    prof.clock = lambda: next(ticks) * 1_000_000
    x = torch.ones(2, 3, requires_grad=True)
    with prof, torch.profiler.record_function("all of it"):
        for _ in range(2):
            torch.exp(x).sum().backward()
        torch.nn.functional.max_pool2d(torch.ones(1, 1, 2, 2), 2)
    return prof


def table_of(text):
    """Return the lines of a table as dictionaries."""
    lines = [line for line in text.splitlines() if line and line[0] not in "-="]
    titles = re.split(r"\s{2,}", lines[0].strip())
    return [
        dict(zip(titles, re.split(r"\s{2,}", line.strip()), strict=True))
        for line in lines[1:]
        if not line.startswith("Self CPU time total")
    ]


def test_rows(prof):
    found = {row["Name"]: row for row in table_of(prof.key_averages().table())}
    assert found["Exp"] == {
        "Name": "Exp",
        "Self CPU %": "13.79%",
        "Self CPU": "4.000ms",
        "CPU total %": "13.79%",
        "CPU total": "4.000ms",
        "CPU time avg": "2.000ms",
        "Forward": "2.000ms",
        "Backward": "2.000ms",
        "Kernel": "-",
        "CPU Mem": "96 B",
        "Self CPU Mem": "96 B",
        "# of Calls": "2",
    }
    assert found["all of it"]["CPU total %"] == "100.00%"
    assert found["MaxPool2d"]["Kernel"] == "1.000ms"


def test_sorting_and_limit(prof):
    text = prof.key_averages().table(sort_by="cpu_time_total", row_limit=3, header="Title")
    assert text.splitlines()[:2] == ["=" * len(text.splitlines()[0]), "Title"]
    times = [float(row["CPU total"].removesuffix("ms")) for row in table_of(text.split("Title\n")[1])]
    assert len(times) == 3
    assert times == sorted(times, reverse=True)
    assert text.rstrip().endswith("Self CPU time total: 29.000ms")
    assert len(table_of(prof.key_averages().table(row_limit=-1))) == len(prof.key_averages())
    with pytest.raises(AttributeError, match="expected sort_by to be one of cpu_time_total, .* got 'speed'"):
        prof.key_averages().table(sort_by="speed")


def test_top_level_only(prof):
    (row,) = table_of(prof.key_averages().table(top_level_events_only=True))
    assert row["Name"] == "all of it"


def test_units_and_widths(prof):
    text = prof.key_averages().table(time_unit="s", max_name_column_width=6)
    assert "0.029s" in text
    assert "all..." in text
    with pytest.raises(ValueError, match="expected time_unit to be 's', 'ms' or 'us', got 'h'"):
        prof.key_averages().table(time_unit="h")
    by_shape = prof.key_averages(group_by_input_shape=True).table(max_shapes_column_width=6)
    assert "[[2..." in by_shape


def test_columns_without_content_are_left_out():
    with torch.profiler.profile() as prof:
        torch.ones(2) * 2
    assert list(table_of(prof.key_averages().table())[0]) == [
        "Name",
        "Self CPU %",
        "Self CPU",
        "CPU total %",
        "CPU total",
        "CPU time avg",
        "Forward",
        "# of Calls",
    ]


def test_events_have_a_table_too(prof):
    assert len(table_of(prof.events().table())) == len(prof.events())
    assert str(prof.events()) == prof.events().table()


def test_texts():
    assert [time_text(t) for t in (0.5, 999, 1000, 2.5e6)] == ["0.500us", "999.000us", "1.000ms", "2.500s"]
    assert [memory_text(n) for n in (0, 1023, 1536, 3 << 20, 5 << 30)] == [
        "0 B",
        "1023 B",
        "1.50 KB",
        "3.00 MB",
        "5.00 GB",
    ]
    assert (share_text(1, 3), share_text(1, 0)) == ("33.33%", "NaN")


def test_the_trace(prof, tmp_path):
    path = tmp_path / "trace.json"
    prof.export_chrome_trace(path)
    trace = json.loads(path.read_text())["traceEvents"]
    bars = [event for event in trace if event["ph"] == "X"]
    assert {bar["cat"] for bar in bars} == {"forward", "backward", "kernel", "user_annotation"}
    assert len(bars) == len(prof.events()) + 1
    exp = next(bar for bar in bars if bar["name"] == "Exp")
    assert (exp["ts"], exp["dur"]) == (2000, 1000)
    assert exp["args"]["Input Dims"] == [[2, 3]]
    for a, b in itertools.combinations(bars, 2):
        ends = (a["ts"] + a["dur"], b["ts"] + b["dur"])
        apart = ends[0] <= b["ts"] or ends[1] <= a["ts"]
        within = (a["ts"] < b["ts"] and ends[1] < ends[0]) or (b["ts"] < a["ts"] and ends[0] < ends[1])
        assert apart or within, (a, b)


def test_arrows_lead_from_forward_to_backward(prof, tmp_path):
    path = tmp_path / "trace.json.gz"
    prof.export_chrome_trace(str(path))
    trace = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    bars = {bar["ts"]: bar["name"] for bar in trace if bar["ph"] == "X"}
    starts = {e["id"]: bars[e["ts"]] for e in trace if e["ph"] == "s"}
    ends = {e["id"]: bars[e["ts"]] for e in trace if e["ph"] == "f"}
    assert sorted(starts.values()) == ["Exp", "Exp", "Sum", "Sum"]
    assert ends == {number: f"{name}Backward0" for number, name in starts.items()}


@pytest.mark.torch_parity
def test_columns_are_those_of_pytorch(prof):
    pytorch = pytest.importorskip("torch")
    with pytorch.profiler.profile(record_shapes=True, profile_memory=True) as theirs:
        pytorch.ones(2, 3) * 2
    for options in ({}, {"group_by_input_shape": True}):
        titles = list(table_of(theirs.key_averages(**options).table(row_limit=0))) or re.split(
            r"\s{2,}", theirs.key_averages(**options).table().splitlines()[1].strip()
        )
        ours = re.split(r"\s{2,}", prof.key_averages(**options).table().splitlines()[1].strip())
        assert [title for title in ours if title not in ("Forward", "Backward", "Kernel")] == titles


@pytest.mark.torch_parity
def test_names_and_defaults_are_those_of_pytorch():
    inspect = pytest.importorskip("inspect")
    pytorch = pytest.importorskip("torch")
    for name in ("profile", "record_function", "schedule", "tensorboard_trace_handler"):
        ours = inspect.signature(getattr(torch.profiler, name)).parameters
        theirs = inspect.signature(getattr(pytorch.profiler, name)).parameters
        assert {n: p.default for n, p in ours.items()}.items() <= {
            n: p.default for n, p in theirs.items()
        }.items(), name
    ours, theirs = torch.profiler.ProfilerActivity, pytorch.profiler.ProfilerActivity
    assert all(getattr(theirs, activity.name).value == activity.value for activity in ours)
