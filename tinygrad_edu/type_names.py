"""What the error messages call the type of something that was refused."""

from __future__ import annotations

import functools
from typing import Any

# Classes that other libraries have under the same name as this one; jax calls its tensors arrays.
ALSO_ELSEWHERE = frozenset(
    ["Array", "Dataset", "Generator", "Module", "Optimizer", "Parameter", "Tensor", "device", "dtype"]
)
OURS = frozenset(["tinygrad_edu", "numpy", "builtins", "__main__"])


def other_library(x: Any) -> str | None:
    """Return the library that a tensor, a module or the like comes from, if it is another one; else None.

    Examples
    --------
    >>> Tensor = type("Tensor", (), {"__module__": "torch"})
    >>> other_library(Tensor())
    'torch'
    >>> other_library([1, 2])
    """
    return library_of(type(x))  # type: ignore[arg-type]  # mypy takes a class for unhashable


@functools.lru_cache(maxsize=256)  # asked of every array beside a tensor
def library_of(cls: type) -> str | None:
    """Return the other library that a class, or one that it is derived from, belongs to; else None."""
    for kind in cls.__mro__:
        library = kind.__module__.partition(".")[0]
        if kind.__name__ in ALSO_ELSEWHERE and library not in OURS:
            return "jax" if library == "jaxlib" else library
    return None


def type_name(x: Any) -> str:
    """Return the name of a type: ``list``, ``numpy.ndarray``; of a stranger also where it may come from.

    Examples
    --------
    >>> type_name([1, 2]), type_name(1.5)
    ('list', 'float')
    >>> Tensor = type("Tensor", (), {"__module__": "torch"})
    >>> type_name(Tensor())
    'torch.Tensor (is there still an `import torch` or `from torch import ...` in this program?)'
    """
    kind = type(x)
    is_plain = kind.__module__.partition(".")[0] in ("builtins", "tinygrad_edu")
    name = kind.__qualname__ if is_plain else f"{kind.__module__}.{kind.__qualname__}"
    hint = " (torch.from_numpy makes a Tensor of it)" if name == "numpy.ndarray" else import_hint(x)
    return name + hint


def import_hint(x: Any) -> str:
    """Return what to say behind the type of something of another library; nothing for anything else."""
    library = other_library(x)
    if library is None:
        return ""
    return f" (is there still an `import {library}` or `from {library} import ...` in this program?)"


def refuse_strangers(name: str, *values: Any) -> None:
    """Raise if one of the values is of another library: it would be half understood, as an array."""
    for x in values:
        if other_library(x) is not None:
            raise TypeError(f"{name}: expected Tensors, arrays or numbers, got {type_name(x)}")
