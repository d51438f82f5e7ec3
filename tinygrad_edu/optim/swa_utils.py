"""Averages of weights: of the last epochs (SWA), or exponential ones (EMA); they generalise better than the last ones.

References
----------
Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018;
https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tinygrad_edu import creation, dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import is_int
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.nn.batch_norm import _BatchNorm
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim.lr_scheduler.scheduler import LearningRates, LRScheduler, one_per_group
from tinygrad_edu.optim.optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


class Average:
    """How an average takes in one more value: a function of the average, the value, and how many were averaged so far.

    ``decay`` is the part of the average that is kept; without one, every value has the same weight.
    """

    def __init__(self, decay: float | None = None) -> None:
        if decay is not None and not 0.0 <= decay <= 1.0:
            raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")
        self.decay = decay

    @no_grad()
    def __call__(self, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        if self.decay is not None:
            return self.decay * averaged + (1 - self.decay) * current
        return averaged + (current - averaged) / (num_averaged + 1)


class AverageInPlace(Average):
    """The same for lists of tensors, in place."""

    @no_grad()
    def __call__(self, averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:  # type: ignore[override]
        for average, value in zip(averaged, current, strict=True):
            average.copy_(super().__call__(average, value, num_averaged))


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """Return the function average, value, count -> decay average + (1 - decay) value."""
    return Average(decay)


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """Return the function average, value, count -> average + (value - average) / (count + 1)."""
    return Average()


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """Return what :func:`get_ema_avg_fn` does as a function that changes a list of averages in place."""
    return AverageInPlace(decay)


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """Return what :func:`get_swa_avg_fn` does as a function that changes a list of averages in place."""
    return AverageInPlace()


class AveragedModel(Module):
    """A copy of a model with the averages of its parameters.

    Parameters
    ----------
    model : Module
        Whose parameters are averaged; it is copied.
    device : device, optional
        Where the averages are kept.
    avg_fn : function, optional
        average, value, number averaged so far -> new average. By default, all have the same weight.
    multi_avg_fn : function, optional
        The same for lists of averages and values; it changes the averages in place.
    use_buffers : bool
        Whether buffers are averaged, too; else they are those of the model at the last update.

    Raises
    ------
    AssertionError
        If both functions are given.

    Notes
    -----
    The first ``update_parameters`` copies. The statistics of batch normalisation do not belong to averaged parameters:
    :func:`update_bn` computes them anew.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.AveragedModel.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> average = torch.optim.swa_utils.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     _ = model.weight.detach().fill_(weight)
    ...     average.update_parameters(model)
    >>> average(torch.ones(1)).detach()
    tensor([3.])
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: DeviceLike = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[Sequence[Tensor], Sequence[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", creation.tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged model."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the present parameters of a model into the averages."""
        averages, values = averaged_of(self.module, self.use_buffers), averaged_of(model, self.use_buffers)
        values = [value.to(average.device) for average, value in zip(averages, values, strict=False)]
        if self.n_averaged == 0:
            for average, value in zip(averages, values, strict=True):
                average.copy_(value)
        elif self.multi_avg_fn is not None:
            for some, others in by_dtype(averages, values):
                self.multi_avg_fn(some, others, self.n_averaged)
        else:
            average_of = get_swa_avg_fn() if self.avg_fn is None else self.avg_fn
            for average, value in zip(averages, values, strict=True):
                average.copy_(average_of(average, value, self.n_averaged))
        if not self.use_buffers:
            for kept, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
                kept.detach().copy_(buffer.detach().to(kept.device))
        self.n_averaged += 1


def averaged_of(model: Module, use_buffers: bool) -> list[Tensor]:
    """Return the tensors of a model that are averaged, without their history."""
    buffers = model.buffers() if use_buffers else ()
    return [x.detach() for x in itertools.chain(model.parameters(), buffers)]


def by_dtype(averages: list[Tensor], values: list[Tensor]) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Return two lists of tensors in parts, each of one dtype and device."""
    parts: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for average, value in zip(averages, values, strict=True):
        some, others = parts.setdefault((average.device, average.dtype), ([], []))
        some.append(average)
        others.append(value)
    return list(parts.values())


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: DeviceLike = None) -> None:
    """Compute the statistics of batch normalisation anew: the means over all batches of a loader.

    Parameters
    ----------
    loader : iterable
        Of batches, each a Tensor, or a list or tuple whose first item is the model's input.
    model : Module
        Nothing happens if it has no batch normalisation.
    device : device, optional
        Where the batches are put first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.update_bn.html
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # the mean of all batches
    for batch in loader:
        input = batch[0] if isinstance(batch, list | tuple) else batch
        model(input if device is None else input.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Go from the present learning rate to a constant one, at which weights are averaged.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float or list of float
        The constant learning rate, of all groups or of each.
    anneal_epochs : int
        In how many epochs it is reached.
    anneal_strategy : {"cos", "linear"}
        Along half a cosine, or a line.
    last_epoch : int
        The last epoch that has been done; -1 starts anew.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.SWALR.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.swa_utils.SWALR(optimizer, 0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = one_per_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not is_int(anneal_epochs) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """Return which part of the way is behind at a part ``t`` of the time."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> LearningRates:
        """Compute the learning rates of epoch ``last_epoch``."""
        self._warn_if_called_by_user()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = [
            self.anneal_func(max(0, min(1, t / max(1, self.anneal_epochs)))) for t in (step - 1, step)
        ]
        rates = []
        for group in self.optimizer.param_groups:
            lr, swa_lr = group["lr"], group["swa_lr"]
            first = swa_lr if before == 1 else (lr - before * swa_lr) / (1 - before)
            rates.append(swa_lr * now + first * (1 - now))
        return rates


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
