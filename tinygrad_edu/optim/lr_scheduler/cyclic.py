"""A learning rate that goes up and down between two bounds, again and again."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any, Literal

from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.optim.lr_scheduler.momentum import set_momentum, start_momentum
from tinygrad_edu.optim.lr_scheduler.scheduler import (
    LearningRates,
    LRScheduler,
    check_is_optimizer,
    one_per_group,
    set_group_value,
)
from tinygrad_edu.optim.optimizer import Optimizer

MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    r"""Go up from ``base_lr`` to ``max_lr`` and down again in every cycle; called after every batch.

    Parameters
    ----------
    optimizer : Optimizer
    base_lr, max_lr : float or list of float
        The bounds, of all groups or one of each.
    step_size_up : int
        Steps of the way up.
    step_size_down : int, optional
        Steps of the way down; as many as up by default.
    mode : {"triangular", "triangular2", "exp_range"}
        Whether all cycles are equally high, each half as high as the one before, or lower by ``gamma`` with each step.
    gamma : float
        See ``mode``.
    scale_fn : callable, optional
        The height of a cycle (or of a step) as a part of 1, in the place of ``mode``.
    scale_mode : {"cycle", "iterations"}
        Whether ``scale_fn`` gets the number of the cycle, from 1, or of the step.
    cycle_momentum : bool
        Whether the momentum falls while the learning rate rises.
    base_momentum, max_momentum : float or list of float
        Its bounds.
    last_epoch : int
        The last step that has been done; -1 starts anew.

    Notes
    -----
    .. math:: \gamma_t = \gamma_{base} + (\gamma_{max} - \gamma_{base}) \cdot h(t) \cdot s(t)

    with :math:`h` from 0 to 1 and back in each cycle, and the scale :math:`s`.

    References
    ----------
    L. Smith, Cyclical Learning Rates for Training Neural Networks, https://arxiv.org/abs/1506.01186.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=1.0, max_lr=3.0, step_size_up=2)
    >>> rates = []
    >>> for batch in range(6):
    ...     rates.append(scheduler.get_last_lr()[0])
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 2.0, 3.0, 2.0, 1.0, 2.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_is_optimizer(optimizer)
        step_size_down = step_size_up if step_size_down is None else step_size_down
        require_numbers("CyclicLR", step_size_up=step_size_up, step_size_down=step_size_down, gamma=gamma)
        if mode not in MODES and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        base_lrs = one_per_group("base_lr", optimizer, base_lr)
        self.max_lrs = one_per_group("max_lr", optimizer, max_lr)
        self.total_size = float(step_size_up + step_size_down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom = scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1, self.base_momentums, self.max_momentums = start_momentum(
                optimizer, base_momentum, max_momentum, last_epoch == -1
            )
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_group_value(group, "lr", lr)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Return the height of cycle (or step) ``x``, as a part of 1."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1.0 if self.mode == "triangular" else 0.5 ** (x - 1)

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of step ``last_epoch``, and set the momentum that goes with them."""
        self._warn_if_called_by_user()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        place = 1.0 + self.last_epoch / self.total_size - cycle  # in the cycle, from 0 to 1
        if place <= self.step_ratio:
            height = place / self.step_ratio
        else:
            height = (place - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in bounds:
                set_momentum(group, high - (high - low) * height, self.use_beta1)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return the attributes; of ``scale_fn`` the attributes of an object, nothing of a function."""
        state = super().state_dict()
        scale = self._scale_fn_custom
        is_plain = scale is None or isinstance(scale, types.FunctionType)
        state["_scale_fn_custom"] = None if is_plain else scale.__dict__.copy()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the attributes from ``state_dict()``; a function stays that of the constructor."""
        attributes = state_dict["_scale_fn_custom"]
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        if attributes is not None:
            self._scale_fn_custom.__dict__.update(attributes)
