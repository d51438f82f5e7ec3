"""Schedules that let the learning rate fall along half a cosine."""

from __future__ import annotations

import math

from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.optim.lr_scheduler.scheduler import LearningRates, LRScheduler, group_values
from tinygrad_edu.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    r"""Fall from the initial learning rate to ``eta_min`` in ``T_max`` epochs, along a cosine.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        :math:`T`, the epochs of the fall; afterwards the learning rate rises again.
    eta_min : float
        The lowest learning rate.
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    Notes
    -----
    .. math:: \gamma_t = \gamma_{min} + (\gamma_0 - \gamma_{min}) \frac{1 + \cos(\pi t / T)}{2}

    computed from the learning rate before, so that it can be chained:

    .. math:: \gamma_t = \gamma_{min} + (\gamma_{t-1} - \gamma_{min})
        \frac{1 + \cos(\pi t / T)}{1 + \cos(\pi (t - 1) / T)}

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR, https://arxiv.org/abs/1608.03983, eq. 5, without the restarts.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates.append(round(scheduler.get_last_lr()[0], 4))
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.75, 0.25, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        require_numbers("CosineAnnealingLR", T_max=T_max, eta_min=eta_min)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of epoch ``last_epoch``."""
        self._warn_if_called_by_user()
        groups = self.optimizer.param_groups
        if self._is_initial:
            return group_values(self.optimizer, "lr")
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The last one was the lowest point: the quotient below would be 0/0.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                group["lr"] + (base_lr - self.eta_min) * rise
                for base_lr, group in zip(self.base_lrs, groups, strict=True)
            ]
        now = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        return [now / before * (group["lr"] - self.eta_min) + self.eta_min for group in groups]

    def _get_closed_form_lr(self) -> LearningRates:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (base_lr - self.eta_min) * height / 2 for base_lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    r"""Fall along a cosine, jump back to the initial learning rate, and fall again, more slowly each time.

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int
        Epochs of the first fall.
    T_mult : int
        Each fall takes so many times the epochs of the one before.
    eta_min : float
        The lowest learning rate.
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    Raises
    ------
    ValueError
        If ``T_0`` or ``T_mult`` is not a positive integer, or ``eta_min`` not a number.

    Notes
    -----
    .. math:: \gamma_t = \gamma_{min} + (\gamma_0 - \gamma_{min}) \frac{1 + \cos(\pi T_{cur} / T_i)}{2}

    with :math:`T_{cur}` epochs since the last restart, of :math:`T_i` until the next.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR, https://arxiv.org/abs/1608.03983, eq. 5.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> rates = []
    >>> for epoch in range(7):
    ...     rates.append(round(scheduler.get_last_lr()[0], 2))
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        require_numbers("CosineAnnealingWarmRestarts", T_0=T_0, T_mult=T_mult)
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> LearningRates:
        """Compute the learning rates ``T_cur`` epochs after a restart."""
        self._warn_if_called_by_user()
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base_lr - self.eta_min) * height / 2 for base_lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to any other, and set its learning rates.

        Parameters
        ----------
        epoch : float, optional
            May have a fraction: ``scheduler.step(epoch + batch / batches)`` after each batch makes a smooth
            curve.
        """
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            require_numbers("step", epoch=epoch)
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        self._set_lrs(self._get_lr_within_step())

    def _go_to(self, epoch: float) -> None:
        """Find the restart before an epoch: restart n is at epoch T_0 (1 + T_mult + ... + T_mult^(n-1))."""
        if not epoch >= 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
