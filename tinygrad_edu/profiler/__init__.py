"""Where the time of a program goes, operation by operation (``torch.profiler``).

References
----------
https://docs.pytorch.org/docs/stable/profiler.html
"""

from __future__ import annotations

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
