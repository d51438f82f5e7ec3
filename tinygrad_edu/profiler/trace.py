"""Writing events as a Chrome trace, which chrome://tracing and https://ui.perfetto.dev draw as a timeline.

References
----------
Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

from tinygrad_edu.profiler.event import Category, FunctionEvent

TraceEvent = dict[str, Any]


def export_chrome_trace(path: str | os.PathLike[str], events: list[FunctionEvent]) -> None:
    """Write a trace file; a name that ends in ``.gz`` is compressed."""
    text = json.dumps({"traceEvents": trace_events(events), "displayTimeUnit": "ms"}, indent=1)
    data = text.encode()
    Path(path).write_bytes(gzip.compress(data) if str(path).endswith(".gz") else data)


def trace_events(events: list[FunctionEvent]) -> list[TraceEvent]:
    """Return what the file lists: a bar for every event and kernel, an arrow from each forward to its backward."""
    pid = os.getpid()
    threads = sorted({event.thread for event in events})
    trace = [
        {"name": "process_name", "ph": "M", "pid": pid, "tid": 0, "args": {"name": "tinygrad_edu"}},
        *[
            {"name": "thread_name", "ph": "M", "pid": pid, "tid": tid, "args": {"name": f"thread {tid}"}}
            for tid in threads
        ],
    ]
    for event in events:
        if event.category is not Category.KERNEL:  # else it is only the place of a kernel outside operations
            trace.append(bar(event, pid))
        trace.extend([bar(kernel, pid) for kernel in event.kernels])
        if event.forward is not None:
            trace.extend(arrow(event.forward, event, pid))
    return trace


def bar(event: FunctionEvent, pid: int) -> TraceEvent:
    """Return a complete event ("X"): a bar from its begin to its end."""
    details: dict[str, Any] = {}
    if event.sequence_nr >= 0:
        details["Sequence number"] = event.sequence_nr
    if event.input_shapes:
        details["Input Dims"] = event.input_shapes
    if event.self_cpu_memory_usage:
        details["Bytes"] = event.self_cpu_memory_usage
    if event.stack:
        details["Call stack"] = ";".join(reversed(event.stack))
    return {
        "ph": "X",
        "cat": event.category.value,
        "name": event.name,
        "ts": event.start_ns / 1000,
        "dur": event.elapsed_ns / 1000,
        "pid": pid,
        "tid": event.thread,
        "args": details,
    }


def arrow(start: FunctionEvent, end: FunctionEvent, pid: int) -> list[TraceEvent]:
    """Return the two ends of an arrow from one bar to another."""
    both = {"cat": "fwdbwd", "name": "fwdbwd", "id": end.id, "pid": pid}
    return [
        {"ph": "s", **both, "ts": start.start_ns / 1000, "tid": start.thread},
        {"ph": "f", "bp": "e", **both, "ts": end.start_ns / 1000, "tid": end.thread},
    ]
