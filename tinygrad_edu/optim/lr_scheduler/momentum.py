"""A momentum that falls while the learning rate rises."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.optim.lr_scheduler.scheduler import one_per_group
from tinygrad_edu.optim.optimizer import Optimizer


def start_momentum(
    optimizer: Optimizer, base_momentum: Any, max_momentum: Any, is_new: bool
) -> tuple[bool, list[Any], list[Any]]:
    """Keep the bounds of the momentum in the parameter groups, and start at the upper one.

    Returns
    -------
    bool
        Whether the momentum is called beta1, the first of "betas".
    list, list
        The lower and the upper bound of each group.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    use_beta1 = "betas" in optimizer.defaults
    lowest = one_per_group("base_momentum", optimizer, base_momentum)
    highest = one_per_group("max_momentum", optimizer, max_momentum)
    if is_new:
        for group, high, low in zip(optimizer.param_groups, highest, lowest, strict=True):
            set_momentum(group, high, use_beta1)
            group["max_momentum"], group["base_momentum"] = high, low
    return use_beta1, lowest, highest


def set_momentum(group: dict[str, Any], momentum: Any, use_beta1: bool) -> None:
    """Write the momentum into a parameter group."""
    if use_beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
