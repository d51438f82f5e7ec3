"""The 1cycle schedule: up, down, and out."""

from __future__ import annotations

import math
from typing import Any, Literal, TypedDict

from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.optim.lr_scheduler.momentum import set_momentum, start_momentum
from tinygrad_edu.optim.lr_scheduler.scheduler import (
    LearningRates,
    LRScheduler,
    check_is_optimizer,
    one_per_group,
)
from tinygrad_edu.optim.optimizer import Optimizer


class SchedulePhase(TypedDict):
    """A stretch of the cycle: where it ends, and between which entries of the parameter group it moves."""

    end_step: float
    start_lr: str
    end_lr: str
    start_momentum: str
    end_momentum: str


class OneCycleLR(LRScheduler):
    r"""Raise the learning rate to ``max_lr``, then let it fall far below where it started.

    One cycle is one training; step it after every batch. The momentum goes the other way: it is least where
    the learning rate is highest.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float or list of float
        The peak; one for all groups or one for each.
    total_steps : int, optional
        Steps of the cycle; or give the next two.
    epochs, steps_per_epoch : int, optional
        ``total_steps = epochs * steps_per_epoch``.
    pct_start : float
        The part of the steps (0 to 1) in which the learning rate rises.
    anneal_strategy : {"cos", "linear"}
        Along a cosine or along a line.
    cycle_momentum : bool
        Move the momentum (Adam: the first beta) too.
    base_momentum, max_momentum : float or list of float
        The momentum at the peak, and at start and end.
    div_factor : float
        ``initial_lr = max_lr / div_factor``.
    final_div_factor : float
        ``min_lr = initial_lr / final_div_factor``.
    three_phase : bool
        Fall back to ``initial_lr`` as fast as it rose, and only then to ``min_lr``.
    last_epoch : int
        The last step that has been done; -1 starts anew.

    Raises
    ------
    ValueError
        If the number of steps is missing or not positive, ``pct_start`` is no part of 1, ``anneal_strategy``
        is unknown, the optimizer has no momentum to cycle, or there are more steps than were told.

    References
    ----------
    L. Smith and N. Topin, Super-Convergence, https://arxiv.org/abs/1708.07120.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], momentum=0.9)
    >>> scheduler = torch.optim.lr_scheduler.OneCycleLR(
    ...     optimizer, max_lr=1.0, total_steps=5, pct_start=0.6, div_factor=10, anneal_strategy="linear"
    ... )
    >>> for batch in range(5):
    ...     print(round(scheduler.get_last_lr()[0], 4), round(optimizer.param_groups[0]["momentum"], 4))
    ...     optimizer.step()
    ...     scheduler.step()
    0.1 0.95
    0.55 0.9
    1.0 0.85
    0.5 0.9
    0.0 0.95
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_is_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = count_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        self._schedule_phases = schedule_phases(self.total_steps, pct_start, three_phase)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy

        max_lrs = one_per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, peak in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1, _, _ = start_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of step ``last_epoch``, and set the momentum that goes with them."""
        self._warn_if_called_by_user()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is {self.total_steps}"
            )
        phase, done = self._phase_of(step)
        lrs = []
        for group in self.optimizer.param_groups:
            lrs.append(self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], done))
            if self.cycle_momentum:
                start, end = group[phase["start_momentum"]], group[phase["end_momentum"]]
                set_momentum(group, self._anneal(start, end, done), self.use_beta1)
        return lrs

    def _phase_of(self, step: int) -> tuple[SchedulePhase, float]:
        """Return the phase of a step, and the part of the phase (0 to 1) that is done by then."""
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if step <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        return phase, (step - start) / (phase["end_step"] - start)

    def _anneal(self, start: Any, end: Any, done: float) -> Any:
        """Go from ``start`` to ``end`` while ``done`` goes from 0 to 1."""
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (1 + math.cos(math.pi * done))
        return (end - start) * done + start


def count_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """Return the steps of the cycle, from ``total_steps`` or else from the other two."""
    if total_steps is not None:
        require_numbers("OneCycleLR", total_steps=total_steps)
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    if not isinstance(epochs, int) or epochs <= 0:
        raise ValueError(f"Expected positive integer epochs, but got {epochs}")
    if not isinstance(steps_per_epoch, int) or steps_per_epoch <= 0:
        raise ValueError(f"Expected positive integer steps_per_epoch, but got {steps_per_epoch}")
    return epochs * steps_per_epoch


def schedule_phases(total_steps: int, pct_start: float, three_phase: bool) -> list[SchedulePhase]:
    """Return the phases of the cycle; the names in them are entries of the parameter groups."""
    up: SchedulePhase = {
        "end_step": float(pct_start * total_steps) - 1,
        "start_lr": "initial_lr",
        "end_lr": "max_lr",
        "start_momentum": "max_momentum",
        "end_momentum": "base_momentum",
    }
    down: SchedulePhase = {
        "end_step": float(2 * pct_start * total_steps) - 2 if three_phase else total_steps - 1,
        "start_lr": "max_lr",
        "end_lr": "initial_lr" if three_phase else "min_lr",
        "start_momentum": "base_momentum",
        "end_momentum": "max_momentum",
    }
    out: SchedulePhase = {
        "end_step": total_steps - 1,
        "start_lr": "initial_lr",
        "end_lr": "min_lr",
        "start_momentum": "max_momentum",
        "end_momentum": "max_momentum",
    }
    return [up, down, out] if three_phase else [up, down]
