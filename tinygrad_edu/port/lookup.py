"""What this engine has under one of PyTorch's names, and which arguments it takes."""

from __future__ import annotations

import functools
import importlib
import inspect
from types import ModuleType
from typing import Any

from tinygrad_edu.missing_names import is_missing, is_module, our_name

NOT_HERE = "PyTorch has it, this engine does not (yet)"
NOWHERE = "neither this engine has it, nor PyTorch's list of public names"
NO_VISION = "tinygrad_edu.vision does not have it"


class Missing(LookupError):
    """A name that is not here.

    Attributes
    ----------
    name : str
        It, up to the part that is missing.
    reason : str
        What is known of it.
    is_sure : bool
        False where it is asked of an object of which nobody knows all attributes.
    """

    def __init__(self, name: str, reason: str, is_sure: bool) -> None:
        super().__init__(name)
        self.name, self.reason, self.is_sure = name, reason, is_sure


@functools.cache
def find(name: str) -> Any:
    """Return what stands for one of PyTorch's names here, given as ``torch.nn.functional.relu``.

    Raises
    ------
    Missing
        If there is no such thing.
    """
    owner_name, _, last = name.rpartition(".")
    if not owner_name:
        return importlib.import_module(our_name(name))
    owner = find(owner_name)
    if isinstance(owner, ModuleType) and not hasattr(owner, last):
        try:
            return importlib.import_module(f"{owner.__name__}.{last}")
        except ModuleNotFoundError:
            raise Missing(name, _reason(owner_name, last), is_sure=True) from None
    try:
        return getattr(owner, last)
    except AttributeError:
        is_sure = isinstance(owner, type) and is_missing(owner_name, last)
        raise Missing(name, NOT_HERE if is_sure else "it has no such attribute here", is_sure) from None


def _reason(owner: str, name: str) -> str:
    if owner.startswith("torchvision"):
        return NO_VISION
    return NOT_HERE if is_missing(owner, name) or is_module(f"{owner}.{name}") else NOWHERE


@functools.cache
def keywords_of(name: str) -> frozenset[str] | None:
    """Return the keyword arguments that a function or class takes; None if that cannot be told."""
    try:
        parameters = inspect.signature(find(name)).parameters.values()
    except (TypeError, ValueError):  # nothing that can be called
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(parameter.name for parameter in parameters if parameter.kind in by_name)
