"""What the lines of a list call things."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.random import Generator
from tinygrad_edu.replay.arrays import is_array, is_on_gpu
from tinygrad_edu.replay.lines.line import Expression, Name, container, enclosed


def snake_case(name: str) -> str:
    """Return max_pool2d for MaxPool2d."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def identifier(text: str) -> str:
    """Return a name for Python that is made of a text, and none that a line has for something else."""
    name = re.sub(r"\W", "_", text)
    if not name.isidentifier():
        name = f"p_{name}"
    taken = (
        keyword.iskeyword(name)
        or hasattr(builtins, name)
        or re.fullmatch(r"[txrg]\d+|keep|replay|history|number|inf|nan", name)
    )
    return f"{name}_" if taken else name


class Names:
    """What everything is called; it is part of a recorder.

    Attributes
    ----------
    scope : dict
        The nodes, functions and numbers that the lines name.
    outside : list of arrays
        Those that were there before: no line makes them.
    leaves : dict
        Which tensors took part, by their ``id``.
    refused : str
        Why it cannot be replayed, if so.
    for_good : bool
        Whether that will not change.
    card : object
        That of CuPy, where arrays of a GPU take part.
    shared : set of str
        The names of arrays that have another name, too.
    """

    def __init__(self, arguments: list[Any], letter: str) -> None:
        self.scope: dict[str, Any] = {"inf": math.inf, "nan": math.nan}
        self.outside: list[Any] = []
        self.leaves: dict[int, Any] = {}
        self.refused, self.for_good = "", True
        self.card: Any = None
        self.shared: set[str] = set()
        self._names: dict[int, Expression] = {}
        self._arguments = arguments
        self._alive: list[Any] = list(arguments)  # an id belongs to nobody else as long as they live
        self._parameters: dict[int, tuple[str, Any]] = {}
        self._results = 0
        self.grads_before: dict[
            int, tuple[Any, bool]
        ] = {}  # tensors whose grad is looked for, and if it is there
        for i, array in enumerate(arguments):
            self._names[id(array)] = Name(f"{letter}{i}")

    def refuse(self, why: str, for_good: bool = True) -> None:
        """Note why it cannot be replayed, at least this time; the program runs on."""
        self.refused = self.refused or why
        self.for_good = self.for_good and for_good

    def know(self, nodes: dict[str, Node]) -> None:
        """Know nodes, of which another recorder has written down the forward, by their names."""
        self.scope.update(nodes)
        self._names.update({id(node): Name(name) for name, node in nodes.items()})

    def named(self, value: Any, hint: str) -> Expression:
        """Return the name of something that is kept as it is: a node, a function, a tensor."""
        if id(value) in self._names:
            return self._names[id(value)]
        base = identifier(hint)
        name, number = base, 1
        while name in self.scope:
            number += 1
            name = f"{base}_{number}"
        self.scope[name] = value
        self._names[id(value)] = Name(name)
        self._alive.append(value)
        return self._names[id(value)]

    def text(self, value: Any) -> Expression:
        """Return the expression for an argument."""
        if is_array(value):
            self.note_card(value)
            return self._names.get(id(value)) or self._text_of_outside(value)
        if isinstance(value, np.generic):
            return self._names.get(id(value)) or self._constant(value)
        if value is None or isinstance(value, bool | float | str):
            return Expression(repr(value))
        if isinstance(value, int):  # a seed is named, and Python has each small number once
            return (self._names.get(id(value)) if value > 256 else None) or Expression(repr(value))
        if type(value) in (list, tuple, dict):
            return container(value, self.text)
        if isinstance(value, tuple):  # a named one
            made = self.named(type(value), type(value).__name__)
            return Expression(made, enclosed("(", map(self.text, value), ")"))
        if type(value) in (slice, range):
            return enclosed(
                f"{type(value).__name__}(", map(self.text, (value.start, value.stop, value.step)), ")"
            )
        if value is Ellipsis:
            return Expression("...")
        if isinstance(value, Tensor):
            return self._text_of_tensor(value)
        if isinstance(value, type | np.dtype):
            return self.named(value, f"{getattr(value, '__name__', value)}")
        if callable(value):
            return self._text_of_function(value)
        if isinstance(value, Generator):
            self.refuse("a random number is drawn from a generator of the program's own")
        self.refuse(f"an operation has an option of type {type(value).__name__}, which is not written down")
        return Expression("None")

    def note_card(self, array: Any) -> None:
        """Note on which card an array is; all must be on one."""
        if is_on_gpu(array):
            self.card = self.card or array.device
            if array.device != self.card:
                self.refuse("it computes on several cards")

    def _constant(self, value: Any) -> Expression:
        """Return a number of NumPy's as it is written: the type matters to the result."""
        return Expression(self.named(type(value), type(value).__name__), f"({value.item()!r})")

    def _text_of_outside(self, array: Any) -> Expression:
        self.outside.append(array)
        name, leaf = self._parameters.get(id(array), ("", None))
        if leaf is not None:
            expression = Expression(self.named(leaf, name), ".array")
            self._names[id(array)] = expression
            self._alive.append(array)
            return expression
        return self.named(array, f"p{len(self.outside)}")

    def _text_of_tensor(self, tensor: Any) -> Expression:
        if (
            id(tensor.array) in self._parameters
            or id(tensor) in self.leaves
            or id(tensor) in self.grads_before
        ):
            self.leaves[id(tensor)] = tensor
            return self.named(tensor, self._parameters.get(id(tensor.array), ("leaf", None))[0])
        self.refuse("a function was given a tensor that is no parameter and no buffer")
        return Expression("None")

    def _text_of_function(self, function: Callable[..., Any]) -> Expression:
        owner = getattr(function, "__self__", None)
        name = getattr(function, "__name__", "function")
        if owner is None or isinstance(owner, type | ModuleType):
            return self.named(function, name)
        return Expression(self.named(owner, snake_case(type(owner).__name__)), f".{name}")

    def is_argument(self, tensor: Any) -> bool:
        """Tell whether a tensor is one that each call brings with it."""
        return any(tensor.array is array for array in self._arguments)

    def result(self, value: Any) -> Expression:
        """Give a result a name, and return it."""
        if value is None:
            return Expression("_")
        name = Name(f"t{self._results}", made=True)
        self._results += 1
        if is_array(value):
            self.note_card(value)
        if is_array(value) or isinstance(value, np.generic | int):
            if id(value) in self._names:
                self.shared |= {name.text, str(self._names[id(value)])}
            self._names[id(value)] = name
            self._alive.append(value)
        else:
            self.refuse(f"a result is of type {type(value).__name__}, not an array")
        return name
