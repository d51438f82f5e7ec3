"""The third step: where the vertices lie, as straight above one another as their order allows.

Each layer in turn gets the places that are nearest to those of its neighbours, in the sense of least squares,
without overlaps. That is an isotonic regression, which ``nearest_in_order`` solves exactly; Sugiyama et al.
(1981) do it one vertex after the other, by priority.

References
----------
R. E. Barlow, D. J. Bartholomew, J. M. Bremner, H. D. Brunk: Statistical Inference under Order Restrictions,
1972. E. R. Gansner, E. Koutsofios, S. C. North, K.-P. Vo: A Technique for Drawing Directed Graphs. IEEE
Transactions on Software Engineering 19 (3), 1993: long lines weigh more, so that they are straight.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from tinygrad_edu.learn.layout.layers import Layered, Segment
from tinygrad_edu.learn.layout.model import Spacing, Wire

SWEEPS, HOLDS = 16, 6
LINE_TO_LINE, LINE_TO_CELL, CELL_TO_CELL, SIDE_INPUT = 8.0, 0.5, 1.0, 0.15


Pull: TypeAlias = tuple[int, float, float]
"""A neighbour, how far from it a vertex wants to be, and how much it matters."""


class Ports:
    """Where at its sides a vertex has its lines, from its middle: in a row, in the order of their other ends.

    If one line alone comes from what was computed just before, and the others from parameters or from further
    up, it arrives in the middle.
    """

    def __init__(self, graph: Layered, spacing: Spacing) -> None:
        self.graph, self.spacing = graph, spacing
        place = graph.places
        has_upper = has_upper_neighbour(graph)
        lines_in: dict[int, list[tuple[float, Wire, int, int]]] = {}
        lines_out: dict[int, dict[Wire, list[int]]] = {}
        for upper, lower, wire, slot in graph.segments:
            lines_in.setdefault(lower, []).append(
                (place[upper], wire, slot, rank_of(graph, upper, has_upper))
            )
            lines_out.setdefault(upper, {}).setdefault(wire, []).append(place[lower])
        self._in: dict[tuple[int, Wire, int], float] = {}
        self._out: dict[tuple[int, Wire], float] = {}
        for vertex, lines in lines_in.items():
            lines.sort()
            main = numbers_of_main(lines)
            middle = main[0] if len(main) == 1 else (len(lines) - 1) / 2
            for (_, wire, slot, _), offset in zip(lines, self._row(vertex, len(lines), middle), strict=True):
                self._in[vertex, wire, slot] = offset
        for vertex, wires in lines_out.items():
            ordered = sorted(wires, key=lambda wire: (sum(wires[wire]) / len(wires[wire]), wire))
            for wire, offset in zip(
                ordered, self._row(vertex, len(ordered), (len(ordered) - 1) / 2), strict=True
            ):
                self._out[vertex, wire] = offset

    def _row(self, vertex: int, count: int, middle: float) -> list[float]:
        """Return places for lines at one side of a vertex; the one whose number is ``middle`` lies in the middle."""
        if self.graph.is_line(vertex):
            return [0.0] * count
        room = max(self.graph.cells[vertex].width / 2 - 8.0, 0.0)
        step = min(self.spacing.between_ports, room / max(middle, count - 1 - middle, 1))
        return [(nr - middle) * step for nr in range(count)]

    def into(self, vertex: int, wire: Wire, slot: int) -> float:
        """Return where a line arrives."""
        if not self.graph.is_line(vertex) and wire in self.graph.cells[vertex].ports_in:
            return self.graph.cells[vertex].ports_in[wire]
        return self._in[vertex, wire, slot]

    def out_of(self, vertex: int, wire: Wire) -> float:
        """Return where a line begins."""
        if not self.graph.is_line(vertex) and wire in self.graph.cells[vertex].ports_out:
            return self.graph.cells[vertex].ports_out[wire]
        return self._out[vertex, wire]


def rank_of(graph: Layered, upper: int, has_upper: list[bool]) -> int:
    """Return how much a line from a vertex matters: 2 if it was computed just above, 1 further up, 0 an input."""
    if graph.is_line(upper):
        return 1
    return 2 if has_upper[upper] or graph.cells[upper].border else 0


def numbers_of_main(lines: Sequence[tuple[float, Wire, int, int]]) -> list[int]:
    """Return which lines matter most."""
    most = max([rank for *_, rank in lines])
    return [number for number, (*_, rank) in enumerate(lines) if rank == most]


def place_across(graph: Layered, ports: Ports, spacing: Spacing) -> list[float]:
    """Return an x for each vertex: those of a layer in their order, and near their neighbours."""
    x = [0.0] * len(graph.layer_of)
    distances = [distances_in(graph, layer, spacing) for layer in graph.layers]
    for layer, gaps in zip(graph.layers, distances, strict=True):
        pack(x, layer, gaps)
    pulls_up, pulls_down = pulls_of(graph, ports)
    nobody: list[list[Pull]] = [[] for _ in x]
    both = [[*up, *down] for up, down in zip(pulls_up, pulls_down, strict=True)]
    for number in range(SWEEPS):
        pulls = both if number >= SWEEPS - 4 else (pulls_down if number % 2 else pulls_up)
        move_all(graph, x, pulls, nobody, distances, upwards=number % 2 == 1)
    chains = upright_chains(graph, ports)
    held: list[list[Pull]] = [[] for _ in x]
    for number in range(HOLDS):
        for chain in chains:
            middle = sum([x[vertex] - shift for vertex, shift in chain]) / len(chain)
            for vertex, shift in chain:
                x[vertex] = middle + shift
                held[vertex] = [(vertex, 0.0, 50.0)]
        move_all(graph, x, both, held, distances, upwards=number % 2 == 1)
    for chain in chains:
        straighten(graph, x, chain, distances)
    return x


def move_all(
    graph: Layered,
    x: list[float],
    pulls: list[list[Pull]],
    held: list[list[Pull]],
    distances: list[list[float]],
    upwards: bool,
) -> None:
    """Move the vertices, layer by layer, to where they are pulled; those that are held stay, if they can."""
    for number in reversed(range(len(graph.layers))) if upwards else range(len(graph.layers)):
        layer = graph.layers[number]
        wanted, weights = [], []
        for vertex in layer:
            here = held[vertex] or pulls[vertex] or [(vertex, 0.0, 0.05)]
            weight = sum([w for _, _, w in here])
            wanted.append(sum([w * (x[other] + shift) for other, shift, w in here]) / weight)
            weights.append(weight)
        for vertex, place in zip(layer, nearest_in_order(wanted, weights, distances[number]), strict=True):
            x[vertex] = place


def upright_chains(graph: Layered, ports: Ports) -> list[list[tuple[int, float]]]:
    """Return the vertices that ought to lie straight below one another, each with its distance from the chain's line.

    They are the places of a long line, and cells that have one another alone.
    """
    has_upper = has_upper_neighbour(graph)
    rank: dict[Segment, int] = {}
    best_up, best_down = [0] * len(has_upper), [0] * len(has_upper)
    for s in graph.segments:
        rank[s] = rank_of(graph, s.upper, has_upper) * (1 if graph.is_line(s.lower) else 2)
        best_up[s.lower] = max(best_up[s.lower], rank[s])
        best_down[s.upper] = max(best_down[s.upper], rank[s])
    main = [s for s in graph.segments if 0 < rank[s] == best_up[s.lower] == best_down[s.upper]]
    main += [s for s in graph.segments if graph.is_line(s.upper) and graph.is_line(s.lower) and s not in main]
    downs, ups = Counter([s.upper for s in main]), Counter([s.lower for s in main])
    following: dict[int, Segment] = {}
    preceded: set[int] = set()
    for long_ones in (True, False):
        for segment in main:
            upper, lower = segment.upper, segment.lower
            is_long = graph.is_line(upper) and graph.is_line(lower)
            is_free = upper not in following and lower not in preceded
            if is_free and is_long == long_ones and (is_long or downs[upper] == ups[lower] == 1):
                following[upper] = segment
                preceded.add(lower)
    chains = []
    for first in sorted(set(following) - preceded):
        chain, vertex = [(first, 0.0)], first
        while vertex in following:
            _, lower, wire, slot = following[vertex]
            shift = chain[-1][1] + ports.out_of(vertex, wire) - ports.into(lower, wire, slot)
            chain.append((lower, shift))
            vertex = lower
        chains.append(chain)
    return chains


def straighten(
    graph: Layered, x: list[float], chain: list[tuple[int, float]], distances: list[list[float]]
) -> None:
    """Put as much of a chain as has room for it on one upright line, from its upper end on, and go on with the rest."""
    lowest, highest, begun = -math.inf, math.inf, 0
    for number, (vertex, shift) in enumerate(chain):
        left, right = room_of(graph, x, vertex, distances)
        if max(lowest, left - shift) > min(highest, right - shift) + 1e-9:
            set_upright(x, chain[begun:number], lowest, highest)
            lowest, highest, begun = -math.inf, math.inf, number
        lowest, highest = max(lowest, left - shift), min(highest, right - shift)
    set_upright(x, chain[begun:], lowest, highest)


def set_upright(x: list[float], chain: list[tuple[int, float]], lowest: float, highest: float) -> None:
    """Put a piece of a chain on one line, near where it was and between two bounds."""
    middle = sum([x[vertex] - shift for vertex, shift in chain]) / len(chain)
    middle = min(max(middle, lowest), highest)
    for vertex, shift in chain:
        x[vertex] = middle + shift


def room_of(graph: Layered, x: list[float], vertex: int, distances: list[list[float]]) -> tuple[float, float]:
    """Return how far to the left and to the right a vertex can go before it is too near to its neighbours."""
    number = graph.layer_of[vertex]
    layer = graph.layers[number]
    place = graph.places[vertex]
    left = x[layer[place - 1]] + distances[number][place - 1] if place else -math.inf
    right = x[layer[place + 1]] - distances[number][place] if place + 1 < len(layer) else math.inf
    return left, right


def pulls_of(graph: Layered, ports: Ports) -> tuple[list[list[Pull]], list[list[Pull]]]:
    """Return for each vertex what pulls at it from above, and from below."""
    has_upper = has_upper_neighbour(graph)
    from_above: list[list[Pull]] = [[] for _ in graph.layer_of]
    from_below: list[list[Pull]] = [[] for _ in graph.layer_of]
    for segment in graph.segments:
        shift = ports.out_of(segment.upper, segment.wire) - ports.into(
            segment.lower, segment.wire, segment.slot
        )
        weight = importance(graph, segment, has_upper)
        from_above[segment.lower].append((segment.upper, shift, weight))
        from_below[segment.upper].append((segment.lower, -shift, weight))
    return from_above, from_below


def has_upper_neighbour(graph: Layered) -> list[bool]:
    """Tell of each vertex whether a line comes to it."""
    has_upper = [False] * len(graph.layer_of)
    for segment in graph.segments:
        has_upper[segment.lower] = True
    return has_upper


def importance(graph: Layered, segment: Segment, has_upper: list[bool]) -> float:
    """Return how much it matters that a segment is upright: most in a long line, little for a parameter."""
    lines = graph.is_line(segment.upper) + graph.is_line(segment.lower)
    if lines == 0 and not has_upper[segment.upper] and not graph.cells[segment.upper].border:
        return SIDE_INPUT
    return (CELL_TO_CELL, LINE_TO_CELL, LINE_TO_LINE)[lines]


def distances_in(graph: Layered, layer: list[int], spacing: Spacing) -> list[float]:
    """Return how far apart the middles of neighbours in a layer have to be."""
    widths = [0.0 if graph.is_line(vertex) else graph.cells[vertex].width for vertex in layer]
    distances = []
    for left in range(len(layer) - 1):
        lines = graph.is_line(layer[left]) or graph.is_line(layer[left + 1])
        gap = spacing.beside_lines if lines else spacing.between_items
        distances.append((widths[left] + widths[left + 1]) / 2 + gap)
    return distances


def pack(x: list[float], layer: list[int], distances: Sequence[float]) -> None:
    """Put a layer side by side, its middle at 0."""
    place = -sum(distances) / 2
    for number, vertex in enumerate(layer):
        x[vertex] = place
        if number < len(distances):
            place += distances[number]


def nearest_in_order(
    wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]
) -> list[float]:
    """Return the places nearest to the wanted ones (least squares) whose distances are at least those given.

    Without the distances, places must not decrease: the *pool adjacent violators* algorithm (Barlow et al.,
    1972) merges neighbours that do into one block, at their mean.

    Examples
    --------
    >>> nearest_in_order([0, 0, 10], [1, 1, 1], [4, 4])
    [-2.0, 2.0, 10.0]
    """
    shifts = [0.0]
    for distance in distances:
        shifts.append(shifts[-1] + distance)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for aim, weight, shift in zip(wanted, weights, shifts, strict=False):
        mean, total, count = aim - shift, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_total, other_count = blocks.pop()
            mean = (mean * total + other * other_total) / (total + other_total)
            total, count = total + other_total, count + other_count
        blocks.append((mean, total, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(means, shifts, strict=False)]
