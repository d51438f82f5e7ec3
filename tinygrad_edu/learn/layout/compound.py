"""Frames in frames: each is laid out by itself, from the inside out, and is then one cell of the frame round it.

A line that leaves a frame crosses its border at a place of its own, so it is laid out in pieces, one in each
frame that it goes through.

References
----------
Kozo Sugiyama, Kazuo Misue: Visualization of Structural Information: Automatic Drawing of Compound Digraphs.
IEEE Transactions on Systems, Man, and Cybernetics 21 (4), 1991, treats the layers of all frames at once;
frame by frame is simpler, and boxes of modules are compact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinygrad_edu.learn.layout.level import Level, lay_out_level
from tinygrad_edu.learn.layout.model import Bond, Cell, Edge, Frame, Group, Item, Layout, Point, Spacing, Wire


def lay_out(
    items: Sequence[Item],
    edges: Sequence[Edge],
    spacing: Spacing | None = None,
    title_widths: Mapping[Group, float] | None = None,
) -> Layout:
    """Place boxes in layers from top to bottom, frames round groups of them, and lines between them.

    Parameters
    ----------
    items : sequence of Item
        The boxes, in an order in which every edge leads onwards (the order of computing is one). The members
        of a group follow one another; ``numbered_runs`` makes it so.
    edges : sequence of Edge
        The lines; several between the same two boxes are drawn side by side.
    spacing : Spacing, optional
        The distances to keep.
    title_widths : dict of group to float, optional
        How wide a frame has to be at least.

    Returns
    -------
    Layout
        The same for the same arguments, on every machine.

    Raises
    ------
    ValueError
        If an edge leads back, or a group is interrupted.

    Examples
    --------
    >>> layout = lay_out([Item(40, 20), Item(40, 20), Item(40, 20)], [Edge(0, 2), Edge(1, 2)])
    >>> layout.centres
    [(20.0, 10.0), (82.0, 10.0), (51.0, 66.0)]
    >>> layout.routes[0]
    [(20.0, 20.0), (45.0, 56.0)]
    """
    check(items, edges)
    builder = _Builder(items, edges, spacing or Spacing(), title_widths or {})
    for group in sorted(builder.members, key=lambda group: (-len(group), group)):  # from the inside out
        builder.lay_out_group(group)
    return builder.assemble()


def check(items: Sequence[Item], edges: Sequence[Edge]) -> None:
    """Raise if the order of the items is not as ``lay_out`` needs it."""
    for edge in edges:
        if not 0 <= edge.source < edge.target < len(items):
            raise ValueError(
                f"lay_out: expected edges from an item to a later one of {len(items)}, got {edge}"
            )
    closed: set[Group] = set()
    before: Group = ()
    for item in items:
        closed.update([before[: n + 1] for n in range(len(before)) if before[: n + 1] != item.group[: n + 1]])
        for depth in range(len(item.group)):
            if item.group[: depth + 1] in closed:
                raise ValueError(
                    f"lay_out: group {item.group[: depth + 1]} is interrupted; see numbered_runs"
                )
        before = item.group


Key = tuple[str, object]
"""What a cell is: ("item", its number), ("group", its name), ("top", wire) or ("bottom", wire)."""


class _Builder:
    """Takes the graph apart into frames, and puts what has been laid out together again."""

    def __init__(
        self,
        items: Sequence[Item],
        edges: Sequence[Edge],
        spacing: Spacing,
        title_widths: Mapping[Group, float],
    ) -> None:
        self.items, self.edges, self.spacing, self.title_widths = items, edges, spacing, title_widths
        self.members: dict[Group, dict[Key, None]] = {(): {}}
        self.crossings_in: dict[Group, dict[Wire, None]] = {(): {}}
        self.crossings_out: dict[Group, dict[Wire, None]] = {(): {}}
        self.bonds: dict[Group, dict[tuple[Key, Key, Wire, int], None]] = {(): {}}
        self.pieces: list[list[tuple[Group, tuple[Key, Key, Wire, int]]]] = []
        self.levels: dict[Group, Level] = {}
        self.numbers: dict[Group, dict[Key, int]] = {}
        self.bond_numbers: dict[Group, dict[tuple[Key, Key, Wire, int], int]] = {}
        for number, item in enumerate(items):
            self._add_item(number, item.group)
        slots: dict[int, int] = {}
        for edge in edges:
            slots[edge.target] = slots.get(edge.target, -1) + 1
            self._add_edge(edge, slots[edge.target])

    def _add_item(self, number: int, group: Group) -> None:
        for depth in range(len(group)):
            outer, inner = group[:depth], group[: depth + 1]
            self.members[outer][("group", inner)] = None
            for table in (self.members, self.crossings_in, self.crossings_out, self.bonds):
                table.setdefault(inner, {})
        self.members[group][("item", number)] = None

    def _add_edge(self, edge: Edge, slot: int) -> None:
        """Cut an edge into pieces at the borders that it crosses: out of the source's frames, into the target's."""
        wire = (edge.source, edge.output)
        source, target = self.items[edge.source].group, self.items[edge.target].group
        common = 0
        while common < min(len(source), len(target)) and source[common] == target[common]:
            common += 1
        pieces: list[tuple[Group, tuple[Key, Key, Wire, int]]] = []
        begin: Key = ("item", edge.source)
        for depth in range(len(source), common, -1):
            self.crossings_out[source[:depth]][wire] = None
            pieces.append((source[:depth], (begin, ("bottom", wire), wire, 0)))
            begin = ("group", source[:depth])
        for depth in range(common, len(target)):
            inner = target[: depth + 1]
            self.crossings_in[inner][wire] = None
            pieces.append((target[:depth], (begin, ("group", inner), wire, 0)))
            begin = ("top", wire)
        pieces.append((target, (begin, ("item", edge.target), wire, slot)))
        for group, bond in pieces:
            self.bonds[group][bond] = None
        self.pieces.append(pieces)

    def lay_out_group(self, group: Group) -> None:
        """Lay out one frame; those inside it have been."""
        keys: list[Key] = [("top", wire) for wire in self.crossings_in[group]]
        keys += self.members[group]
        keys += [("bottom", wire) for wire in self.crossings_out[group]]
        self.numbers[group] = numbers = {key: number for number, key in enumerate(keys)}
        self.bond_numbers[group] = {bond: number for number, bond in enumerate(self.bonds[group])}
        bonds = [
            Bond(numbers[begin], numbers[end], wire, slot) for begin, end, wire, slot in self.bonds[group]
        ]
        title_width = self.title_widths.get(group, 0.0) if group else None
        self.levels[group] = lay_out_level(
            [self._cell(key) for key in keys], bonds, self.spacing, title_width
        )

    def _cell(self, key: Key) -> Cell:
        kind, what = key
        if kind == "item":
            item = self.items[what]  # type: ignore[call-overload]
            return Cell(item.width, item.height)
        if kind != "group":
            return Cell(2.0, 0.0, kind)
        group: Group = what  # type: ignore[assignment]
        level, numbers = self.levels[group], self.numbers[group]
        middle = level.width / 2
        ports_in = {
            wire: level.centres[numbers["top", wire]][0] - middle for wire in self.crossings_in[group]
        }
        ports_out = {
            wire: level.centres[numbers["bottom", wire]][0] - middle for wire in self.crossings_out[group]
        }
        return Cell(level.width, level.height, "", ports_in, ports_out)

    def assemble(self) -> Layout:
        """Put the frames together, from the outside in."""
        corners: dict[Group, Point] = {(): (0.0, 0.0)}
        centres: list[Point] = [(0.0, 0.0)] * len(self.items)
        frames = []
        for group in self.members:  # each after the one round it
            level, (left, top) = self.levels[group], corners[group]
            for kind, what in self.members[group]:
                x, y = level.centres[self.numbers[group][kind, what]]
                if kind == "item":
                    centres[what] = (left + x, top + y)  # type: ignore[call-overload]
                    continue
                inner: Group = what  # type: ignore[assignment]
                size = self.levels[inner]
                corners[inner] = (left + x - size.width / 2, top + y - size.height / 2)
                frames.append(Frame(inner, *corners[inner], size.width, size.height))
        frames.sort(key=lambda frame: len(frame.group))
        routes = [self._route(pieces, corners) for pieces in self.pieces]
        whole = self.levels[()]
        return Layout(whole.width, whole.height, centres, routes, frames)

    def _route(
        self, pieces: list[tuple[Group, tuple[Key, Key, Wire, int]]], corners: dict[Group, Point]
    ) -> list[Point]:
        """Return the whole route of an edge, whose pieces lie in several frames."""
        points: list[Point] = []
        for group, bond in pieces:
            left, top = corners[group]
            for x, y in self.levels[group].routes[self.bond_numbers[group][bond]]:
                point = (round(left + x, 2), round(top + y, 2))
                if not points or points[-1] != point:
                    points.append(point)
        return points
