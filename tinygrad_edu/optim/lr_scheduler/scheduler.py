"""The base class of the schedulers."""

from __future__ import annotations

import math
import warnings
from typing import Any, TypeAlias

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_ints, require_numbers
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.type_names import type_name

LearningRates: TypeAlias = list[Any]
"""One learning rate for each parameter group: a float, or a Tensor where the optimizer was given one."""

STEP_ORDER_WARNING = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. "
    "In PyTorch 1.1.0 and later, you should call them in the opposite order: "
    "`optimizer.step()` before `lr_scheduler.step()`.  Failure to do this "
    "will result in PyTorch skipping the first value of the learning rate schedule. "
    "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
)

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being "
    "deprecated where possible. Please use `scheduler.step()` to step the "
    "scheduler. During the deprecation, if epoch is different from None, the "
    "closed form is used instead of the new chainable form, where available."
)


class LRScheduler:
    r"""Base class of all schedulers: writes the learning rate of each epoch into the optimizer's groups.

    A subclass computes the learning rates in ``get_lr``. Most do so from the CURRENT learning rate, not from
    the initial one ("chainable"): :math:`\gamma_t = f(\gamma_{t-1}, t)`. So several schedulers can act on one
    optimizer, and their factors multiply.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are scheduled. The first scheduler keeps the initial ones in the groups, as
        "initial_lr".
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LRScheduler.html

    Examples
    --------
    A schedule of one's own:

    >>> import tinygrad_edu as torch
    >>> class Halve(torch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         if self.last_epoch == 0:
    ...             return [group["lr"] for group in self.optimizer.param_groups]
    ...         return [group["lr"] / 2 for group in self.optimizer.param_groups]
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Halve(optimizer)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    _is_initial = False  # while the constructor does the step that sets the first learning rate
    _get_lr_called_within_step = (
        False  # get_lr belongs to step(): called by a user it would count a decay twice
    )

    optimizer: Optimizer
    base_lrs: LearningRates
    last_epoch: int
    _step_count: int
    _last_lr: LearningRates

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_is_optimizer(optimizer)
        require_ints(type(self).__name__, last_epoch=last_epoch)
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copy_of(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming scheduler "
                    "with last_epoch >= 0.\nThis typically happens when:\n"
                    "1. You're trying to resume training from a checkpoint but haven't properly loaded the "
                    "optimizer state\n"
                    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
                )
        self.base_lrs = group_values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the learning rates of the first epoch."""
        self._optimizer_steps_before = self.optimizer.step_count
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of epoch ``last_epoch``; called by ``step``, which counts that up."""
        raise NotImplementedError(f"{type(self).__name__}: expected a subclass with get_lr(), got none")

    def get_last_lr(self) -> LearningRates:
        """Return the learning rates that the last ``step`` has set, one for each parameter group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch and set its learning rates; call it after ``optimizer.step()``.

        Parameters
        ----------
        epoch : int, optional
            Go to this epoch instead (deprecated).
        """
        self._warn_about_order()
        self._step_count += 1
        if epoch is not None:
            require_numbers("step", epoch=epoch)
            if not math.isfinite(epoch):
                raise ValueError(f"step: expected a finite epoch, got {epoch}")
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _warn_about_order(self) -> None:
        """Warn at the first call if the optimizer has not stepped (as far as it counts that)."""
        counts = type(self.optimizer).step is Optimizer.step
        if self._step_count == 1 and counts and self.optimizer.step_count == self._optimizer_steps_before:
            warnings.warn(STEP_ORDER_WARNING, UserWarning, stacklevel=3)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to the given one by the closed form where there is one."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed_form = getattr(self, "_get_closed_form_lr", None)
        if epoch is None or closed_form is None:
            self._set_lrs(self._get_lr_within_step())
        else:
            self._set_lrs(closed_form())

    def _get_lr_within_step(self) -> LearningRates:
        """Call ``get_lr`` without its warning."""
        self._get_lr_called_within_step = True
        try:
            return self.get_lr()
        finally:
            self._get_lr_called_within_step = False

    def _set_lrs(self, lrs: LearningRates) -> None:
        """Write learning rates into the parameter groups."""
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            set_group_value(group, "lr", lr)
        self._last_lr = group_values(self.optimizer, "lr")

    def _warn_if_called_by_user(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer; save the optimizer's ``state_dict()`` beside it."""
        left_out = ("optimizer", "_optimizer_steps_before")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the attributes from ``state_dict()``."""
        self.__dict__.update(state_dict)


def check_is_optimizer(optimizer: object) -> None:
    """Raise unless it is an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type_name(optimizer)} is not an Optimizer")


def copy_of(value: Any) -> Any:
    """Return a copy of a Tensor, anything else as it is: a saved Tensor must not follow the group's."""
    return value.detach().clone() if isinstance(value, Tensor) else value


def group_values(optimizer: Optimizer, key: str) -> list[Any]:
    """Return the value of ``key`` in each parameter group."""
    return [copy_of(group[key]) for group in optimizer.param_groups]


def set_group_value(group: dict[str, Any], key: str, value: Any) -> None:
    """Set ``group[key]``; a Tensor in it is filled, so that it stays the user's Tensor."""
    if isinstance(group[key], Tensor):
        group[key].fill_(float(value))
    else:
        group[key] = value


def one_per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Return a list with one value for each parameter group, from such a list or from a single value.

    Raises
    ------
    ValueError
        If it is a list of another length.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [copy_of(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {count}."
        )
    return [copy_of(item) for item in value]
