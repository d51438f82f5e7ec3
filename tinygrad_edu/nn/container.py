"""Containers: modules made of modules.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#containers
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, SupportsIndex, TypeVar

from tinygrad_edu.arguments import as_int, wrong_type
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.text import collapsed, module_text
from tinygrad_edu.type_names import import_hint, type_name

Self = TypeVar("Self", bound="_ModuleSequence")


def checked_position(index: SupportsIndex, length: int) -> int:
    """Return an index counted from the front."""
    position = as_int("__getitem__", "idx", index)
    if not -length <= position < length:
        raise IndexError(f"index {position} is out of range: expected {-length} to {length - 1}")
    return position % length


class _ModuleSequence(Module):
    """What Sequential and ModuleList share: they behave like a list."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        if isinstance(index, slice):
            return self._with(dict(list(self._modules.items())[index]))
        return list(self)[checked_position(index, len(self))]

    def _with(self, modules: dict[str, Any]) -> Any:
        """Return a container of the same kind with these modules."""
        raise NotImplementedError

    def __setitem__(self, index: SupportsIndex, module: Module) -> None:
        setattr(self, list(self._modules)[checked_position(index, len(self))], module)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        modules = list(self)
        del modules[index if isinstance(index, slice) else checked_position(index, len(self))]
        self._renumber(modules)

    def __iadd__(self: Self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def _renumber(self, modules: list[Any]) -> None:
        """Hold these modules, named by their numbers."""
        self._modules.clear()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def append(self: Self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: Self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got "
                f"{type_name(modules)}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self: Self, index: int, module: Module) -> Self:
        """Add a module before the one at ``index``."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass{import_hint(module)}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}; expected {-len(self)} to {len(self)}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: SupportsIndex | slice) -> Any:
        """Remove a module and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(_ModuleSequence):
    """Modules one after the other; each gets the output of the one before.

    Takes modules, or one dict that names them.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> model(torch.ones(3, 4)).shape
    torch.Size([3, 2])
    >>> model[1]
    ReLU()
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], Mapping) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        """Pass the input through all modules in turn."""
        for module in self:
            input = module(input)
        return input

    def _with(self, modules: dict[str, Any]) -> Any:
        return type(self)(modules)

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add operator supports only objects of Sequential class, but {type(other)} is given."
            )
        return Sequential(*self, *other)

    def __mul__(self, other: int) -> Sequential:
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return Sequential(*list(self) * other)

    def __rmul__(self, other: int) -> Sequential:
        return self * other


class ModuleList(_ModuleSequence):
    """A list of modules, whose parameters the model then knows of; with a plain list it would not.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(3)])
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _with(self, modules: dict[str, Any]) -> Any:
        return type(self)(modules.values())

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        return module_text(type(self).__name__, "", collapsed([repr(module) for module in self]))


class ModuleDict(Module):
    """A dict of modules, whose parameters the model then knows of.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layers = torch.nn.ModuleDict({"in": torch.nn.Linear(2, 3), "out": torch.nn.Linear(3, 1)})
    >>> layers["out"](layers["in"](torch.ones(2))).shape
    torch.Size([1])
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[known_key("ModuleDict", key, self._modules)]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def keys(self) -> Any:
        """Return the names."""
        return self._modules.keys()

    def values(self) -> Any:
        """Return the modules."""
        return self._modules.values()

    def items(self) -> Any:
        """Return pairs of name and module."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules, or replace those of the same name."""
        for key, module in named_items("ModuleDict", modules):
            self[key] = module

    def pop(self, key: str) -> Any:
        """Remove a module and return it."""
        return self._modules.pop(key)

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()


def known_key(who: str, key: Any, values: Any) -> Any:
    """Return a key of a dict; raise if it has no such key."""
    if not isinstance(key, Hashable):
        raise wrong_type(who, "key", "str", key)
    if key not in values:
        raise KeyError(f"{who}: expected one of the keys {list(values)}, got {key!r}")
    return key


def named_items(who: str, values: Any) -> list[tuple[str, Any]]:
    """Return the pairs of a dict, of a ModuleDict or ParameterDict, or of an iterable of pairs."""
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{who}.update should be called with an iterable of key/value pairs, but got {type_name(values)}"
        )
    pairs = []
    for i, pair in enumerate(values.items() if hasattr(values, "items") else values):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{who} update sequence element #{i} should be Iterable, got {type_name(pair)}")
        pair = tuple(pair)
        pairs.append(pair)
        if len(pair) != 2:
            raise ValueError(f"{who} update sequence element #{i} has length {len(pair)}; 2 is required")
    return pairs
