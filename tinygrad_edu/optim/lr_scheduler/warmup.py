"""Schedules that start with a smaller learning rate for some epochs."""

from __future__ import annotations

from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.optim.lr_scheduler.scheduler import LearningRates, LRScheduler, group_values
from tinygrad_edu.optim.optimizer import Optimizer


class ConstantLR(LRScheduler):
    """Multiply the learning rate by ``factor`` until epoch ``total_iters``.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float
        Between 0 and 1.
    total_iters : int
        The epoch that has the full learning rate again.
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    Raises
    ------
    ValueError
        If ``factor`` is not between 0 and 1.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> rates = []
    >>> for epoch in range(3):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.5, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        require_numbers("ConstantLR", factor=factor, total_iters=total_iters)
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of epoch ``last_epoch``."""
        self._warn_if_called_by_user()
        if self.last_epoch == 0:
            return [group["lr"] * self.factor for group in self.optimizer.param_groups]
        if self.last_epoch != self.total_iters:
            return group_values(self.optimizer, "lr")
        return [group["lr"] * (1.0 / self.factor) for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> LearningRates:
        factor = 1 if self.last_epoch >= self.total_iters else self.factor
        return [base_lr * factor for base_lr in self.base_lrs]


class LinearLR(LRScheduler):
    r"""Move the factor of the learning rate from ``start_factor`` to ``end_factor`` along a line.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float
        :math:`a` and :math:`b`, between 0 and 1; :math:`a` not 0.
    total_iters : int
        :math:`T`, the epoch that reaches ``end_factor``.
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    Raises
    ------
    ValueError
        If a factor is out of its range.

    Notes
    -----
    .. math:: \gamma_t = \gamma_0 \left(a + (b - a) \frac{\min(t, T)}{T}\right)

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require_numbers("LinearLR", start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1."
            )
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of epoch ``last_epoch``."""
        self._warn_if_called_by_user()
        if self.last_epoch == 0:
            return [group["lr"] * self.start_factor for group in self.optimizer.param_groups]
        if self._is_initial or self.last_epoch > self.total_iters:
            return group_values(self.optimizer, "lr")
        # (a + (b - a) t / T) / (a + (b - a) (t - 1) / T): this epoch's point on the line over the last one's
        rise = self.end_factor - self.start_factor
        growth = 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return [group["lr"] * growth for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> LearningRates:
        rise = self.end_factor - self.start_factor
        factor = self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters
        return [base_lr * factor for base_lr in self.base_lrs]
