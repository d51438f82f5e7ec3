"""The parameters, buffers and submodules of a module, as dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class FiledAttributes(MutableMapping[str, Any]):
    """Those attributes of a module that are of one kind, by name: its parameters, its buffers or its submodules.

    It holds nothing itself. What is put in becomes an attribute of the module, and is filed under its kind.

    Parameters
    ----------
    attributes : dict
        The ``__dict__`` of the module.
    names : dict
        The names of the attributes of this kind, in the order in which they were filed; a dict for its order.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> list(layer._parameters)
    ['weight', 'bias']
    >>> layer._parameters["weight"] is layer.weight
    True
    """

    def __init__(self, attributes: dict[str, Any], names: dict[str, None]) -> None:
        self._attributes = attributes
        self._names = names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._attributes[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._names[name] = None
        self._attributes[name] = value

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        del self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))
