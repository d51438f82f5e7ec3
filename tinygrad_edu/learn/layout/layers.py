"""The first step: which layer each cell lies in.

References
----------
Kozo Sugiyama, Shojiro Tagawa, Mitsuhiko Toda: Methods for Visual Understanding of Hierarchical System
Structures. IEEE Transactions on Systems, Man, and Cybernetics 11 (2), 1981: layers, places for lines between
them, fewer crossings, coordinates.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tinygrad_edu.learn.layout.model import Bond, Cell, Wire


class Segment(NamedTuple):
    """A piece of a line, from a vertex of one layer to one of the next; ``slot`` as in Bond, where it arrives."""

    upper: int
    lower: int
    wire: Wire
    slot: int


@dataclass
class Layered:
    """A graph in layers, whose lines lead from each layer to the next.

    Attributes
    ----------
    layers : list of list of int
        The vertices of each layer. Numbers below ``len(cells)`` are cells, those above it are places that a
        line goes through.
    layer_of : list of int
        For each vertex, its layer.
    segments : list of Segment
        The lines.
    paths : list of list of int
        For each bond, the vertices it goes through, ends included.
    """

    cells: Sequence[Cell]
    layers: list[list[int]]
    layer_of: list[int]
    segments: list[Segment]
    paths: list[list[int]]

    @functools.cached_property
    def places(self) -> list[int]:
        """For each vertex, where in its layer it stands; asked for when the order is found."""
        places = [0] * len(self.layer_of)
        for layer in self.layers:
            for place, vertex in enumerate(layer):
                places[vertex] = place
        return places

    def is_line(self, vertex: int) -> bool:
        """Tell whether a vertex is only a place that a line goes through."""
        return vertex >= len(self.cells)


def choose_layers(cells: Sequence[Cell], bonds: Sequence[Bond]) -> list[int]:
    """Return a layer for each cell, as few as can be: the longest way to it from the top (Sugiyama et al., 1981).

    What comes from nowhere, such as a parameter, lies just above the first that uses it, and so does what is
    made from it alone. The crossings of the border are the first layer and the last.
    """
    above: list[list[int]] = [[] for _ in cells]
    below: list[list[int]] = [[] for _ in cells]
    for bond in bonds:
        above[bond.target].append(bond.source)
        below[bond.source].append(bond.target)
    layer_of = [0] * len(cells)
    for cell in range(len(cells)):  # in an order in which nothing comes before what it is made from
        first = 0 if cells[cell].border == "top" else 1
        layer_of[cell] = max([first, *[layer_of[source] + 1 for source in above[cell]]])
    last = max(
        [layer_of[cell] + 1 for cell in range(len(cells)) if cells[cell].border != "bottom"], default=0
    )
    layer_of = [
        last if cell.border == "bottom" else layer for cell, layer in zip(cells, layer_of, strict=True)
    ]
    floats = [False] * len(cells)
    for cell in range(len(cells)):
        sources = set(above[cell])
        floats[cell] = (
            not cells[cell].border and len(sources) <= 1 and all(floats[source] for source in sources)
        )
    for cell in range(len(cells) - 1, -1, -1):
        if floats[cell] and below[cell]:
            layer_of[cell] = min(layer_of[target] for target in below[cell]) - 1
    return layer_of


def split_into_layers(cells: Sequence[Cell], bonds: Sequence[Bond]) -> Layered:
    """Put the cells into layers, and a vertex wherever a line passes a layer; lines of one wire share it."""
    layer_of = choose_layers(cells, bonds)
    passing: dict[tuple[int, Wire, int], int] = {}
    segments: dict[Segment, None] = {}
    paths = []
    for bond in bonds:
        path = [bond.source]
        for layer in range(layer_of[bond.source] + 1, layer_of[bond.target]):
            key = (bond.source, bond.wire, layer)
            if key not in passing:
                passing[key] = len(layer_of)
                layer_of.append(layer)
            segments[Segment(path[-1], passing[key], bond.wire, 0)] = None
            path.append(passing[key])
        segments[Segment(path[-1], bond.target, bond.wire, bond.slot)] = None
        paths.append([*path, bond.target])
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    graph = Layered(cells, layers, layer_of, list(segments), paths)
    for vertex in first_order(graph):
        layers[layer_of[vertex]].append(vertex)
    return graph


def first_order(graph: Layered) -> list[int]:
    """Return the vertices as a walk from the bottom up meets them, first operands first: trees do not cross then."""
    above: list[list[int]] = [[] for _ in graph.layer_of]
    has_lower = [False] * len(graph.layer_of)
    for segment in sorted(graph.segments, key=lambda segment: segment.slot):
        above[segment.lower].append(segment.upper)
        has_lower[segment.upper] = True
    seen = [False] * len(graph.layer_of)
    order = []
    for root in range(len(graph.layer_of)):
        stack = [] if has_lower[root] else [root]
        while stack:
            vertex = stack.pop()
            if not seen[vertex]:
                seen[vertex] = True
                order.append(vertex)
                stack.extend(reversed(above[vertex]))
    return order
