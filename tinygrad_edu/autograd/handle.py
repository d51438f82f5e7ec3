"""Handles that take hooks away again."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class RemovableHandle:
    """Removes a hook: by ``remove()``, or at the end of a ``with`` block.

    Parameters
    ----------
    hooks : list or dict
        Where the hook is.
    entry
        The hook in a list, its key in a dict.
    """

    def __init__(self, hooks: list[Any] | dict[int, Any], entry: Any) -> None:
        self._hooks = hooks
        self._entry = entry

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        if isinstance(self._hooks, dict):
            self._hooks.pop(self._entry, None)
            return
        for position, entry in enumerate(self._hooks):
            if entry is self._entry:
                del self._hooks[position]
                return

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.remove()
