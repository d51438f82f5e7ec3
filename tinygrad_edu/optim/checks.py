"""What optimizers ask of their options."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_number, require_numbers


def check_numbers(**options: Any) -> None:
    """Raise unless each option is a number, or a Tensor of one element."""
    for name, value in options.items():
        if not isinstance(value, Tensor):
            require_numbers("optimizer", **{name: value})


def as_option(name: str, value: Any) -> Any:
    """Return an option as a step takes it: a Tensor of one element as a number, but the learning rate as it is."""
    if not isinstance(value, Tensor) or name == "lr":
        return value
    if value.array.size != 1:
        raise ValueError(
            f"optimizer: expected {name} to be a number, got a Tensor of shape {list(value.shape)}"
        )
    return value.item()


def check_lr_size(lr: Any) -> None:
    """Raise if the learning rate is a Tensor of more or less than one element."""
    if isinstance(lr, Tensor) and lr.array.size != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_foreach(foreach: bool | None, capturable: bool, **options: Any) -> None:
    """Raise for options that are Tensors where PyTorch's ``foreach`` takes numbers only."""
    for name, value in options.items():
        if isinstance(value, Tensor) and foreach and not capturable:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")


def check_lr(lr: Any) -> None:
    """Raise unless the learning rate is one number of at least 0."""
    check_numbers(lr=lr)
    check_lr_size(lr)
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_options(optimizer: str, lr: Any, **options: Any) -> None:
    """Raise unless the learning rate and the options of an optimizer are within its bounds, those of ``BOUNDS``."""
    check_lr(lr)
    for name, value in options.items():
        if name == "betas":
            check_betas(value)
            continue
        check_numbers(**{name: value})
        bounds = BOUNDS.get((optimizer, name), (0.0, math.inf))
        if bounds is not None and not bounds[0] <= value <= bounds[1]:
            raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


BOUNDS: dict[tuple[str, str], tuple[float, float] | None] = {
    ("Adadelta", "rho"): (0.0, 1.0),
    ("ASGD", "lambd"): None,
    ("ASGD", "alpha"): None,
    ("ASGD", "t0"): None,
}
"""The lowest and highest value of options, where they are not 0 and infinity; None: any number."""


def check_not_negative(**options: Any) -> None:
    """Raise unless each option is a number of at least 0."""
    check_numbers(**options)
    for name, value in options.items():
        if not 0.0 <= value:
            raise ValueError(f"Invalid {name} value: {value}")


def check_pair(name: str, values: Any) -> None:
    """Raise unless there are two values."""
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise ValueError(f"{name}: expected two numbers, got {values}")


def check_betas(betas: Any) -> None:
    """Raise unless there are two numbers, or Tensors of one element, from 0 to below 1."""
    check_pair("betas", betas)
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.array.size != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element")
        if not isinstance(beta, Tensor):
            as_number("optimizer", f"betas[{index}]", beta)
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
