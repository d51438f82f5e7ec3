"""Where the time of a program goes, operation by operation (``torch.profiler``).

References
----------
https://docs.pytorch.org/docs/stable/profiler.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.profiler.label import record_function
from tinygrad_edu.profiler.profile import (
    ProfilerActivity,
    profile,
    supported_activities,
    tensorboard_trace_handler,
)
from tinygrad_edu.profiler.schedule import ProfilerAction, schedule

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
