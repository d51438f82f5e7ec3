"""Which steps of a long training are recorded."""

from __future__ import annotations

import warnings
from enum import Enum


class ProfilerAction(Enum):
    """What the profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class StepSchedule:
    """Cycles of waiting, warming up and recording; what ``schedule`` returns. Call it with the step's number."""

    def __init__(
        self, wait: int, warmup: int, active: int, repeat: int, skip_first: int, skip_first_wait: int
    ) -> None:
        self.wait = wait
        self.warmup = warmup
        self.active = active
        self.repeat = repeat
        self.skip_first = skip_first
        self.skip_first_wait = skip_first_wait

    def __call__(self, step: int) -> ProfilerAction:
        """Return what to do in a step."""
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        step -= self.skip_first
        if step < 0:
            return ProfilerAction.NONE
        if self.skip_first_wait:
            step += self.wait
        cycle, place = divmod(step, self.wait + self.warmup + self.active)
        if (self.repeat and cycle >= self.repeat) or place < self.wait:
            return ProfilerAction.NONE
        if place < self.wait + self.warmup:
            return ProfilerAction.WARMUP
        is_last = place == self.wait + self.warmup + self.active - 1
        return ProfilerAction.RECORD_AND_SAVE if is_last else ProfilerAction.RECORD


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> StepSchedule:
    """Return a schedule for ``profile``: wait, warm up, record, and again.

    Parameters
    ----------
    wait, warmup, active : int
        Steps of one cycle: not looked at, run without being recorded so that compiling and first allocations
        are over, recorded.
    repeat : int
        How many cycles; 0 for as many as there are.
    skip_first : int
        Steps before the first cycle.
    skip_first_wait : int
        Not 0: the first cycle begins with its warm-up.

    References
    ----------
    https://docs.pytorch.org/docs/stable/profiler.html#torch.profiler.schedule

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> plan = torch.profiler.schedule(wait=1, warmup=1, active=2)
    >>> [plan(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)
    return StepSchedule(wait, warmup, active, repeat, skip_first, skip_first_wait)


def record_always(step: int) -> ProfilerAction:
    """Record from the first step on: the schedule of a profiler that is given none."""
    return ProfilerAction.RECORD
