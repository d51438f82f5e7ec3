"""What a line of a list is: what it makes, what it calls, and with which arguments.

Its text is Python. Nobody reads that text but Python and people: what is to be known of a line stands in its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_edu.autograd.node import Node


class Expression:
    """Text in which things are named, such as ``(t1, p_0_weight.array)``: ``parts`` are text and expressions."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def names(self) -> list[str]:
        """All names in it, in order."""
        return [name for part in self.parts if isinstance(part, Expression) for name in part.names]


class Name(Expression):
    """One name; as long as the lines are not put together, its text may be given another one.

    Attributes
    ----------
    made : bool
        Whether a line makes what it names.
    """

    def __init__(self, text: str, made: bool = False) -> None:
        self.text, self.made = text, made

    def __str__(self) -> str:
        return self.text

    @property
    def names(self) -> list[str]:
        """Itself."""
        return [self.text]


def enclosed(before: str, expressions: Iterable[Expression], after: str) -> Expression:
    """Return expressions with commas between them, and brackets around them."""
    parts: list[Any] = [part for expression in expressions for part in (", ", expression)]
    return Expression(before, *parts[1:], after)


def container(value: Any, text: Callable[[Any], Expression]) -> Expression:
    """Return the expression for a list, a tuple or a dict, of those for its elements."""
    if type(value) is dict:
        return enclosed("{", [Expression(f"{key!r}: ", text(x)) for key, x in value.items()], "}")
    if type(value) is list:
        return enclosed("[", map(text, value), "]")
    return enclosed("(", map(text, value), ",)" if len(value) == 1 else ")")


class Line:
    """One line of a list.

    Attributes
    ----------
    targets : list of Expression
        What it makes: a ``Name`` for each array or number, else the place that is filled (``leaf._grad``, ``_``).
    called : Expression
        What it calls; or, if there are no ``arguments``, what it assigns.
    arguments : list of Expression, optional
        What it calls it with.
    options : dict of Expression
        The same, by name.
    function : callable, optional
        What it calls, if that is the same in each call: a function, or the method of a node or an optimizer.
    wrapper : Expression, optional
        A function that gets what is returned: ``as_tuple`` or ``asarray``.
    unpacks : bool
        Whether what is returned is a tuple.
    """

    def __init__(
        self,
        targets: list[Expression],
        called: Expression,
        arguments: list[Expression] | None = None,
        options: dict[str, Expression] | None = None,
        function: Any = None,
        wrapper: Expression | None = None,
        unpacks: bool = False,
    ) -> None:
        self.targets, self.called, self.arguments = targets, called, arguments
        self.options, self.function = options or {}, function
        self.wrapper, self.unpacks = wrapper, unpacks

    def __str__(self) -> str:
        call = str(self.called)
        if self.arguments is not None:
            given = [*self.arguments, *[f"{name}={value}" for name, value in self.options.items()]]
            call = f"{call}({', '.join(map(str, given))})"
        if self.wrapper is not None:
            call = f"{self.wrapper}({call})"
        comma = "," if self.unpacks and len(self.targets) == 1 else ""
        return f"{', '.join(map(str, self.targets))}{comma} = {call}" if self.targets else call

    @property
    def results(self) -> list[str]:
        """The names of what it makes."""
        return [target.text for target in self.targets if isinstance(target, Name)]

    @property
    def names(self) -> list[str]:
        """All names of what it uses."""
        used = [self.called, *(self.arguments or []), *self.options.values()]
        return [name for expression in used for name in expression.names]

    @property
    def owner(self) -> Any:
        """Whose method it calls."""
        return getattr(self.function, "__self__", None)

    @property
    def node(self) -> Node | None:
        """The node whose method it calls, if it is one."""
        return self.owner if isinstance(self.owner, Node) else None

    @property
    def method(self) -> str:
        """The name of the method: "forward", "backward", or "step" of an optimizer."""
        return "" if self.owner is None else self.function.__name__
