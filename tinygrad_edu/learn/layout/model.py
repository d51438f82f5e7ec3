"""What goes into a layout, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Point: TypeAlias = tuple[float, float]
Group: TypeAlias = tuple[str, ...]


class Item(NamedTuple):
    """A box to be placed.

    Attributes
    ----------
    width, height : float
        Its size.
    group : tuple of str
        The frames it lies in, from the outermost inwards; every name in it is that of one frame.
    """

    width: float
    height: float
    group: Group = ()


class Edge(NamedTuple):
    """A line from one item down to another, by their numbers; ``output`` is which output of the source it carries."""

    source: int
    target: int
    output: int = 0


class Frame(NamedTuple):
    """The rectangle round the items of a group: its left upper corner and its size."""

    group: Group
    x: float
    y: float
    width: float
    height: float


class Spacing(NamedTuple):
    """The distances that are kept."""

    between_items: float = 22.0
    beside_lines: float = 12.0
    between_layers: float = 36.0
    frame_padding: float = 14.0
    frame_title: float = 22.0
    between_ports: float = 14.0


@dataclass(frozen=True)
class Layout:
    """Where everything lies; x goes to the right and y down, both from 0.

    Attributes
    ----------
    width, height : float
        The size of the whole.
    centres : list of (x, y)
        For each item, its middle.
    routes : list of list of (x, y)
        For each edge, the points it goes through, from the source's lower side to the target's upper one;
        ``smooth_path`` makes a line of them.
    frames : list of Frame
        Outer ones before those inside.
    """

    width: float
    height: float
    centres: list[Point]
    routes: list[list[Point]]
    frames: list[Frame]


class Cell(NamedTuple):
    """What is placed within one frame: an item, a whole frame that is inside, or a place where lines cross the border.

    Attributes
    ----------
    width, height : float
        Its size.
    border : {"", "top", "bottom"}
        The side of the frame whose crossing this is.
    ports_in, ports_out : dict
        Of a frame: where each wire enters and leaves, from its middle. Empty for an item, whose lines come in
        a row.
    """

    width: float
    height: float
    border: str = ""
    ports_in: dict[Wire, float] = {}  # noqa: RUF012 - never changed
    ports_out: dict[Wire, float] = {}  # noqa: RUF012


Wire: TypeAlias = tuple[int, int]
"""A tensor: the number of the item that makes it, and of which output. All its lines begin as one."""


class Bond(NamedTuple):
    """A line within one frame, from a cell to a cell; ``slot`` tells two lines between the same cells apart."""

    source: int
    target: int
    wire: Wire
    slot: int
