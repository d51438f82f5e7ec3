"""What a picture shows, before anything has a place: boxes, links between them, and the names of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

Group: TypeAlias = tuple[str, ...]


class Box(NamedTuple):
    """One box.

    Attributes
    ----------
    name : str
        What stands in it.
    kind : str
        Its colour; one of ``KINDS``.
    lines : tuple of str
        Smaller lines below the name.
    group : tuple of str
        The modules it belongs to, from the outermost inwards, by the keys of the chart's ``frames``.
    tip : str
        What is shown when the mouse is over it.
    operations : tuple of str
        The names of the operations that are folded into it; its own, if it is one.
    bytes_kept, seconds : float
        What it keeps for backward, and how long its backward took.
    """

    name: str
    kind: str
    lines: tuple[str, ...] = ()
    group: Group = ()
    tip: str = ""
    operations: tuple[str, ...] = ()
    bytes_kept: int = 0
    seconds: float = 0.0


class Link(NamedTuple):
    """A line from a box to a later one; ``output`` tells two tensors of one box apart."""

    source: int
    target: int
    output: int = 0
    label: str = ""


class FrameName(NamedTuple):
    """What is known of a module: its name within the one round it, which may be empty, and its class."""

    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.name} · {self.kind}" if self.name and self.kind else self.name or self.kind


@dataclass
class Chart:
    """Boxes in an order in which every link leads onwards; ``frames`` say what each module in their groups is."""

    boxes: list[Box]
    links: list[Link]
    frames: dict[str, FrameName] = field(default_factory=dict)


# The kinds of boxes, with what the legend calls them.
KINDS = {
    "input": "input",
    "parameter": "leaf, parameter",
    "product": "product, convolution",
    "elementwise": "element by element",
    "reduce": "reduction, normalisation, loss",
    "shape": "moves numbers only",
    "other": "operation",
    "folded": "several operations",
    "output": "result",
}

# Where the class of an operation stands says what it does; the first that fits counts.
ROOMS = (
    (".ops.linalg", "product"),
    (".ops.nn.conv", "product"),
    (".ops.nn.attention", "product"),
    (".ops.nn.recurrent", "product"),
    (".ops.nn.embedding", "shape"),
    (".ops.nn.activation", "elementwise"),
    (".ops.nn.hard_activation", "elementwise"),
    (".ops.nn.dropout", "elementwise"),
    (".ops.nn", "reduce"),
    (".ops.elementwise", "elementwise"),
    (".ops.reduce", "reduce"),
    (".ops.shape", "shape"),
    (".ops.indexing", "shape"),
)


def kind_of(operation: type) -> str:
    """Return the kind of an operation, by the room its class stands in."""
    for room, kind in ROOMS:
        if room in operation.__module__:
            return kind
    return "other"


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as it is read: 64×3×7×7.

    Examples
    --------
    >>> shape_text((64, 3, 7, 7)), shape_text(())
    ('64×3×7×7', 'scalar')
    """
    return "×".join(map(str, shape)) if shape else "scalar"


def size_text(count: float) -> str:
    """Write a number of bytes: 1.5 MB; units are powers of 1,024, as memory has them.

    Examples
    --------
    >>> size_text(100), size_text(1536), size_text(3 * 2**20)
    ('100 B', '1.5 KB', '3.0 MB')
    """
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"


def time_text(seconds: float) -> str:
    """Write a duration: 12 µs, 3.4 ms."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
