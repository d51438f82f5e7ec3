"""``profile``: the profiler as a program uses it."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.observer import attach, detach
from tinygrad_edu.cuda_availability import is_cuda_available
from tinygrad_edu.profiler import trace
from tinygrad_edu.profiler.averages import EventList
from tinygrad_edu.profiler.event import Category, FunctionEvent
from tinygrad_edu.profiler.recorder import Recorder, current_recorder
from tinygrad_edu.profiler.schedule import ProfilerAction, record_always

RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class ProfilerActivity(Enum):
    """Where time can be spent; accepted as in PyTorch, and everything is timed on the CPU."""

    CPU = 0
    CUDA = 2


def supported_activities() -> set[ProfilerActivity]:
    """Return the activities that this machine has."""
    return {ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if is_cuda_available() else [])}


class profile:
    """Record what every operation, forward and backward, costs; within a ``with`` block or from start to stop.

    Only the thread that starts it is recorded.

    Parameters
    ----------
    activities : iterable of ProfilerActivity, optional
        Accepted as in PyTorch; changes nothing.
    schedule : callable, optional
        Says for a step's number what to do, see ``schedule``. None records everything.
    on_trace_ready : callable, optional
        Called with this object at the end of each cycle of the schedule, and at the end of the block.
    record_shapes : bool
        Note the shapes of the inputs.
    profile_memory : bool
        Note the bytes of the new arrays that operations return, which is not all: temporary arrays and what is
        freed are not seen.
    with_stack : bool
        Note the lines of the user's program. This takes time.
    with_flops : bool
        Does not exist here.
    with_modules : bool
        A row for every module; its backward is that of its operations.
    experimental_config, execution_trace_observer : None
        Do not exist here.
    acc_events : bool
        Keep the events of earlier cycles.

    Attributes
    ----------
    step_num : int
        How often ``step`` has been called.
    clock : callable
        Returns nanoseconds; ``time.perf_counter_ns``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/profiler.html#torch.profiler.profile

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.ones(3, requires_grad=True)
    >>> with torch.profiler.profile(record_shapes=True) as prof:
    ...     (x * x).sum().backward()
    >>> for row in prof.key_averages(group_by_input_shape=True):
    ...     print(row.key, row.count, row.input_shapes)
    Mul 1 [[3], [3]]
    Sum 1 [[3]]
    run_backward 1 []
    AccumulateGrad 1 [[3]]
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: None = None,
        execution_trace_observer: None = None,
        acc_events: bool = False,
    ) -> None:
        missing = {
            "with_flops": with_flops,
            "experimental_config": experimental_config,
            "execution_trace_observer": execution_trace_observer,
        }
        for name, value in missing.items():
            if value:
                raise NotImplementedError(f"profile: {name} does not exist here, leave it out; got {value!r}")
        check_activities(activities)
        self.schedule = schedule or record_always
        self.on_trace_ready = on_trace_ready
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.with_stack = with_stack
        self.with_modules = with_modules
        self.acc_events = acc_events
        self.clock: Callable[[], int] = time.perf_counter_ns
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._has_steps = schedule is not None
        self._step_event: FunctionEvent | None = None
        self._recorder: Recorder | None = None
        self._events: EventList | None = None
        self._kernel_events: EventList | None = None

    def __repr__(self) -> str:
        if self._recorder is not None:
            state = f"recording step {self.step_num}"
        else:
            state = "nothing recorded" if self._events is None else f"{len(self._events)} events"
        return f"<profile: {state}>"

    # ---- recording -----------------------------------------------------------------------------------

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin; the same as entering the ``with`` block."""
        self._change_action(ProfilerAction.NONE, self.current_action)
        self._begin_step()

    def step(self) -> None:
        """Say that the next step of the training begins."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._change_action(before, self.current_action)
        self._begin_step()

    def stop(self) -> None:
        """End; the same as leaving the ``with`` block."""
        self._end_step()
        if self.current_action in RECORDING and self._recorder is None:
            raise RuntimeError("profile: expected stop() after start(), got stop() while it was not running")
        self._change_action(self.current_action, None)

    def _begin_step(self) -> None:
        if self._has_steps and self._recorder is not None:
            name = f"ProfilerStep#{self.step_num}"
            self._step_event = self._recorder.begin(name, Category.LABEL, key="ProfilerStep*")

    def _end_step(self) -> None:
        if self._recorder is not None and self._step_event is not None:
            self._recorder.end(self._step_event)
        self._step_event = None

    def _change_action(self, before: ProfilerAction, after: ProfilerAction | None) -> None:
        """Begin and end a recording as the schedule asks; ``after`` is None at the very end."""
        if before in RECORDING:
            if before is ProfilerAction.RECORD and after in RECORDING:
                return
            self._stop_recording()
            if before is ProfilerAction.RECORD and after is not None:
                warnings.warn(f"Incorrect schedule: RECORD followed by {after.name}", stacklevel=3)
            elif self.on_trace_ready is not None:
                self.on_trace_ready(self)
        elif before is ProfilerAction.WARMUP and after is ProfilerAction.NONE:
            warnings.warn("Incorrect schedule: WARMUP followed by NONE", stacklevel=3)
        if after in RECORDING:
            self._start_recording()

    def _start_recording(self) -> None:
        if current_recorder() is not None:
            raise RuntimeError(
                "Profiler is already enabled on this thread. Hint: leave the block of the other profile first"
            )
        self._recorder = Recorder(
            self.clock, self.record_shapes, self.profile_memory, self.with_stack, self.with_modules
        )
        attach(self._recorder)
        kernel_table.record_kernels(self._recorder)

    def _stop_recording(self) -> None:
        recorder = self._recorder
        if recorder is None or current_recorder() is not recorder:
            raise RuntimeError("profile: expected stop() in the thread that called start(), got another one")
        self._recorder = None
        detach(recorder)
        kernel_table.record_kernels(None)
        recorder.finish()
        if not self.acc_events or self._events is None or self._kernel_events is None:
            self._events, self._kernel_events = EventList(profile_memory=self.profile_memory), EventList()
        self._events.extend(recorder.events)
        self._kernel_events.extend(recorder.kernel_events)

    # ---- results -------------------------------------------------------------------------------------

    def events(self) -> EventList:
        """Return every event of the last recording by itself, in the order of their begins."""
        if self._events is None:
            raise AssertionError("Profiler must be initialized before accessing events")
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Return the events added up, one row for every operation.

        Parameters
        ----------
        group_by_input_shape : bool
            One row for every operation and shape of its inputs.
        group_by_stack_n : int
            One row for every operation and the ``n`` innermost lines of the user's program.
        """
        if self._events is None:
            raise AssertionError("Profiler must be initialized before getting key averages")
        return self._events.key_averages(group_by_input_shape, group_by_stack_n)

    def kernel_averages(self) -> EventList:
        """Return the calls of compiled kernels added up, one row for every kernel (PyTorch has no such method)."""
        if self._kernel_events is None:
            raise AssertionError("Profiler must be initialized before getting kernel averages")
        return self._kernel_events.key_averages()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a trace for chrome://tracing and https://ui.perfetto.dev; a name in ``.gz`` is compressed."""
        if self._events is None:
            raise AssertionError("Profiler must be initialized before exporting chrome trace")
        trace.export_chrome_trace(path, self._events)


def check_activities(activities: Iterable[ProfilerActivity] | None) -> None:
    """Raise if there is none or if one is unknown, warn if the machine lacks one."""
    wanted = supported_activities() if activities is None else set(activities)
    if not wanted:
        raise AssertionError("No valid profiler activities found")
    for activity in wanted:
        if not isinstance(activity, ProfilerActivity):
            raise TypeError(f"profile: expected activities to be ProfilerActivity, got {activity!r}")
    if wanted - supported_activities():
        warnings.warn("CUDA is not available, disabling CUDA profiling", stacklevel=3)


class TraceHandler:
    """Writes a trace file after every cycle; what ``tensorboard_trace_handler`` returns."""

    def __init__(self, dir_name: str, worker_name: str | None, use_gzip: bool) -> None:
        self.folder = Path(dir_name)
        self.worker_name = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        self.ending = ".pt.trace.json.gz" if use_gzip else ".pt.trace.json"

    def __call__(self, prof: profile) -> None:
        """Write the last recording of ``prof``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        prof.export_chrome_trace(self.folder / f"{self.worker_name}.{time.time_ns()}{self.ending}")


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> TraceHandler:
    """Return an ``on_trace_ready`` that writes each recording to a file of its own.

    Parameters
    ----------
    dir_name : str
        The folder; it is made if it is missing.
    worker_name : str, optional
        Begin of the file names; host and process by default.
    use_gzip : bool
        Compress the files.

    References
    ----------
    https://docs.pytorch.org/docs/stable/profiler.html#torch.profiler.tensorboard_trace_handler
    """
    return TraceHandler(dir_name, worker_name, use_gzip)
