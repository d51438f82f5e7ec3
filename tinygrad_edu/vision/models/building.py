"""What the functions that build networks share: the list of them, and what they say about trained weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from typing import Any, TypeVar

from tinygrad_edu import nn

Builder = TypeVar("Builder", bound=Callable[..., nn.Module])

BUILDERS: dict[str, Callable[..., nn.Module]] = {}


def register_model(builder: Builder) -> Builder:
    """Enter a function that builds a network into the list that :func:`list_models` shows."""
    BUILDERS[builder.__name__] = builder
    return builder


def refuse_weights(name: str, weights: Any, options: dict[str, Any]) -> None:
    """Raise if trained weights are asked for, also by the older argument ``pretrained``, which is taken out."""
    pretrained = options.pop("pretrained", False)
    if weights is None and not pretrained:
        return
    raise ValueError(
        f"{name}: expected weights=None, got {f'pretrained={pretrained}' if weights is None else repr(weights)}: "
        "no trained weights are downloaded here; build the network without them and call load_state_dict with "
        "weights that you have (the names of torchvision's files fit)"
    )


def list_models(
    include: Iterable[str] | str | None = None, exclude: Iterable[str] | str | None = None
) -> list[str]:
    """Return the names of the functions that build a network.

    Parameters
    ----------
    include, exclude : str or iterable of str, optional
        Patterns of the names that are wanted or not, with ``*`` and ``?`` as in a shell.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.models.list_models.html

    Examples
    --------
    >>> from tinygrad_edu.vision import models
    >>> models.list_models(include="squeezenet*")
    ['squeezenet1_0', 'squeezenet1_1']
    """
    included = ["*"] if include is None else _patterns(include)
    excluded = [] if exclude is None else _patterns(exclude)
    return sorted(
        name
        for name in BUILDERS
        if any(fnmatch(name, pattern) for pattern in included)
        and not any(fnmatch(name, pattern) for pattern in excluded)
    )


def _patterns(patterns: Iterable[str] | str) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns)


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """Return the function of this name that builds a network.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name.lower() not in BUILDERS:
        raise ValueError(f"Unknown model {name}")
    return BUILDERS[name.lower()]


def get_model(name: str, **config: Any) -> nn.Module:
    """Build the network of this name; the other arguments are passed on.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.models.get_model.html
    """
    return get_model_builder(name)(**config)


def make_divisible(channels: float, divisor: int, min_value: int | None = None) -> int:
    """Round a number of channels to a multiple of ``divisor``, but not down by more than a tenth.

    References
    ----------
    M. Sandler et al., MobileNetV2, arXiv:1801.04381, and the program published with it.
    """
    rounded = max(min_value or divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
