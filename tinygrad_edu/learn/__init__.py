"""Tools for looking at the engine: ``python -m tinygrad_edu.learn --help`` lists those with a command line."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_edu.learn.anomaly import detect_anomaly as detect_anomaly
    from tinygrad_edu.learn.breakpoints import break_on as break_on
    from tinygrad_edu.learn.drawing import Drawing as Drawing, draw as draw
    from tinygrad_edu.learn.explaining import explain as explain
    from tinygrad_edu.learn.formulas import formula_of as formula_of
    from tinygrad_edu.learn.gradcheck import gradcheck_report as gradcheck_report
    from tinygrad_edu.learn.ladder import KernelLadder as KernelLadder, kernels as kernels
    from tinygrad_edu.learn.memory_report import MemoryReport as MemoryReport, memory as memory
    from tinygrad_edu.learn.recorder import record as record
    from tinygrad_edu.learn.sentences import sentence as sentence
    from tinygrad_edu.learn.tape import Tape as Tape
    from tinygrad_edu.learn.torch_comparison import compare_with_torch as compare_with_torch
    from tinygrad_edu.learn.tracebacks import (
        full_traceback as full_traceback,
        short_tracebacks as short_tracebacks,
    )
    from tinygrad_edu.learn.watching import watch as watch
    from tinygrad_edu.learn.why import why_no_grad as why_no_grad

# Each name, and the file in which it is: that is imported when the name is used (PEP 562).
_FILES = {
    "Drawing": "drawing",
    "KernelLadder": "ladder",
    "MemoryReport": "memory_report",
    "Tape": "tape",
    "break_on": "breakpoints",
    "compare_with_torch": "torch_comparison",
    "detect_anomaly": "anomaly",
    "draw": "drawing",
    "explain": "explaining",
    "formula_of": "formulas",
    "full_traceback": "tracebacks",
    "gradcheck_report": "gradcheck",
    "kernels": "ladder",
    "memory": "memory_report",
    "record": "recorder",
    "sentence": "sentences",
    "short_tracebacks": "tracebacks",
    "watch": "watching",
    "why_no_grad": "why",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FILES})
