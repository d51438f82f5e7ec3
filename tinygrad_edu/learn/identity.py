"""A dictionary of things that are known by what they are, not by what they are equal to: arrays and Tensors."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")


class ByIdentity(Generic[Thing]):
    """Remembers a thing for each object, and keeps none of the objects alive."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Thing]] = {}

    def get(self, of: Any) -> Thing | None:
        """Return what was remembered for this very object."""
        entry = self._entries.get(id(of))
        return entry[1] if entry is not None and entry[0]() is of else None

    def remember(self, of: Any, thing: Thing) -> None:
        """Remember a thing for an object; nothing for numbers of NumPy, which nobody can refer to."""
        with contextlib.suppress(TypeError):
            self._entries[id(of)] = weakref.ref(of), thing

    def living(self) -> Iterator[Thing]:
        """Forget what belonged to objects that are gone; yield the others."""
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0]() is not None}
        for _, thing in self._entries.values():
            yield thing
