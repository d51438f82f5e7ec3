"""Several schedules, one after the other or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.arguments import require_ints, wrong_type
from tinygrad_edu.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, group_values, set_group_value
from tinygrad_edu.optim.optimizer import Optimizer


class Several(LRScheduler):
    """What schedulers that are made of others share."""

    _schedulers: Sequence[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer, with the ``state_dict()`` of each scheduler."""
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the attributes from ``state_dict()``."""
        pairs = list(zip(self._schedulers, state_dict["_schedulers"], strict=True))  # first what may fail
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for scheduler, state in pairs:
            scheduler.load_state_dict(state)


class SequentialLR(Several):
    """Use the first scheduler until the first milestone, then the second, and so on.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of LRScheduler
        All of this optimizer.
    milestones : list of int
        The epochs in which the next scheduler starts, with its own epoch 0.
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    Raises
    ------
    ValueError
        If there is no scheduler, one is a ``ReduceLROnPlateau`` or belongs to another optimizer, or there is
        not one milestone less than schedulers.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> warmup = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = SequentialLR(optimizer, [warmup, decay], milestones=[2])
    >>> rates = []
    >>> for epoch in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        require_ints(type(self).__name__, last_epoch=last_epoch)
        check_schedulers(type(self).__name__, optimizer, schedulers)
        if not isinstance(milestones, Sequence):
            raise wrong_type(type(self).__name__, "milestones", "a list of ints", milestones)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more "
                f"than the number of milestone points, but got number of schedulers {len(schedulers)} and "
                f"the number of milestones to be equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer

        # Each scheduler has set its first learning rate when it was made: take that back, and let only the
        # one that is to run first do it again.
        for group in optimizer.param_groups:
            set_group_value(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: LRScheduler | None = None) -> None:
        """Take back the step that the constructors of the schedulers have counted, also of nested ones."""
        scheduler = self if sched is None else sched
        if not hasattr(scheduler, "_schedulers"):
            scheduler.last_epoch -= 1
            return
        for inner in scheduler._schedulers:
            self.recursive_undo(inner)

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch, with the scheduler that it belongs to."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(Several):
    """Let several schedulers act on one optimizer in every epoch: their factors multiply.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        All of one optimizer.
    optimizer : Optimizer, optional
        Theirs.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ChainedScheduler.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> half = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> tenth = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1)
    >>> scheduler = torch.optim.lr_scheduler.ChainedScheduler([half, tenth])
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.05]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if optimizer is None and isinstance(schedulers, Sequence) and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        check_schedulers("ChainedScheduler", optimizer, schedulers)
        self._schedulers = schedulers
        self.optimizer = schedulers[0].optimizer
        self._last_lr = group_values(self.optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch, with each scheduler in turn."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = group_values(self.optimizer, "lr")


def check_schedulers(name: str, optimizer: Optimizer | None, schedulers: Sequence[LRScheduler]) -> None:
    """Raise unless these schedulers can take turns on one optimizer."""
    if not isinstance(schedulers, Sequence):
        raise wrong_type(name, "schedulers", "a sequence of schedulers", schedulers)
    if len(schedulers) < 1:
        raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
    for index, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {index} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{name} does not support `ReduceLROnPlateau` scheduler as it "
                "requires additional kwargs to be specified when calling `step`, "
                f"but got one at index {index} in the given schedulers sequence."
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but "
                f"got scheduler {type(scheduler).__name__} at index {index} has {scheduler.optimizer}, "
                f"which is different from {type(optimizer).__name__}."
            )
