"""The second step: in which order the vertices of a layer stand, so that few lines cross.

References
----------
Sugiyama, Tagawa, Toda (1981): barycentres, layer by layer, down and up again.
Wilhelm Barth, Michael Jünger, Petra Mutzel: Simple and Efficient Bilayer Cross Counting. Graph Drawing, 2002.
"""

from __future__ import annotations

import bisect

from tinygrad_edu.learn.layout.layers import Layered, Segment

ROUNDS = 12
PATIENCE = 3  # rounds without a better order before it is given up


def reduce_crossings(graph: Layered) -> None:
    """Order each layer by where its neighbours stand, down and up in turn, and keep the best order seen."""
    by_layer = segments_by_layer(graph)
    best, fewest, waited = copy_of(graph.layers), count_crossings(graph, by_layer), 0
    for round_nr in range(ROUNDS):
        if fewest == 0 or waited == PATIENCE:
            break
        sweep(graph, by_layer, downwards=round_nr % 2 == 0)
        swap_neighbours(graph, by_layer)
        crossings = count_crossings(graph, by_layer)
        waited += 1
        if crossings < fewest:
            best, fewest, waited = copy_of(graph.layers), crossings, 0
    graph.layers[:] = best


def copy_of(layers: list[list[int]]) -> list[list[int]]:
    """Return the same orders in new lists."""
    return [list(layer) for layer in layers]


def segments_by_layer(graph: Layered) -> list[list[Segment]]:
    """Return for each layer the segments that begin there."""
    by_layer: list[list[Segment]] = [[] for _ in graph.layers]
    for segment in graph.segments:
        by_layer[graph.layer_of[segment.upper]].append(segment)
    return by_layer


def places_in(layer: list[int]) -> dict[int, int]:
    """Return where in its layer each vertex stands."""
    return {vertex: place for place, vertex in enumerate(layer)}


def ends(
    graph: Layered, segment: Segment, upper: dict[int, int], lower: dict[int, int]
) -> tuple[float, float]:
    """Return where a segment begins and ends: the places of its vertices, and where at a frame it is fastened."""
    first, last = float(upper[segment.upper]), float(lower[segment.lower])
    if not graph.is_line(segment.upper):
        cell = graph.cells[segment.upper]
        first += cell.ports_out.get(segment.wire, 0.0) / max(cell.width, 1.0)
    if not graph.is_line(segment.lower):
        cell = graph.cells[segment.lower]
        last += cell.ports_in.get(segment.wire, 0.0) / max(cell.width, 1.0)
    return first, last


def sweep(graph: Layered, by_layer: list[list[Segment]], downwards: bool) -> None:
    """Sort each layer by the barycentre of its neighbours in the one before; who has none there keeps its place."""
    numbers = range(1, len(graph.layers)) if downwards else range(len(graph.layers) - 2, -1, -1)
    for number in numbers:
        top = number - 1 if downwards else number
        upper, lower = places_in(graph.layers[top]), places_in(graph.layers[top + 1])
        found: dict[int, list[float]] = {}
        for segment in by_layer[top]:
            first, last = ends(graph, segment, upper, lower)
            vertex, neighbour = (segment.lower, first) if downwards else (segment.upper, last)
            found.setdefault(vertex, []).append(neighbour)
        sort_some(graph.layers[number], {v: sum(places) / len(places) for v, places in found.items()})


def sort_some(layer: list[int], barycentres: dict[int, float]) -> None:
    """Sort those that have a barycentre among the places that they hold together."""
    places = [place for place, vertex in enumerate(layer) if vertex in barycentres]
    ordered = sorted([layer[place] for place in places], key=barycentres.__getitem__)  # stable
    for place, vertex in zip(places, ordered, strict=True):
        layer[place] = vertex


def count_crossings(graph: Layered, by_layer: list[list[Segment]]) -> int:
    """Return how many pairs of lines cross: pairs that begin in one order and end in the other."""
    total = 0
    for number in range(len(graph.layers) - 1):
        upper, lower = places_in(graph.layers[number]), places_in(graph.layers[number + 1])
        total += inversions(sorted([ends(graph, segment, upper, lower) for segment in by_layer[number]]))
    return total


def inversions(pairs: list[tuple[float, float]]) -> int:
    """Return how many pairs, sorted by the first number, come in the other order by the second one."""
    seen: list[float] = []
    total = 0
    for _, last in pairs:
        place = bisect.bisect_right(seen, last)
        total += len(seen) - place
        seen.insert(place, last)
    return total


def swap_neighbours(graph: Layered, by_layer: list[list[Segment]]) -> None:
    """Swap two vertices side by side where fewer lines cross then (``transpose`` of Gansner et al., 1993)."""
    for number, layer in enumerate(graph.layers):
        above = neighbours(graph, by_layer, number - 1, of_lower=True)
        below = neighbours(graph, by_layer, number, of_lower=False)
        for place in range(len(layer) - 1):
            left, right = layer[place], layer[place + 1]
            now = between(above, left, right) + between(below, left, right)
            if now > between(above, right, left) + between(below, right, left):
                layer[place], layer[place + 1] = right, left


def neighbours(
    graph: Layered, by_layer: list[list[Segment]], top: int, of_lower: bool
) -> dict[int, list[float]]:
    """Return for the vertices on one side of the gap below layer ``top`` where their lines end on the other side."""
    found: dict[int, list[float]] = {}
    if 0 <= top < len(graph.layers) - 1:
        upper, lower = places_in(graph.layers[top]), places_in(graph.layers[top + 1])
        for segment in by_layer[top]:
            first, last = ends(graph, segment, upper, lower)
            found.setdefault(segment.lower if of_lower else segment.upper, []).append(
                first if of_lower else last
            )
    return found


def between(found: dict[int, list[float]], left: int, right: int) -> int:
    """Return how many lines of two vertices cross if ``left`` stands before ``right``."""
    return sum([a > b for a in found.get(left, ()) for b in found.get(right, ())])
