"""One frame: its cells in layers, and the lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygrad_edu.learn.layout.coordinates import Ports, place_across
from tinygrad_edu.learn.layout.crossings import reduce_crossings
from tinygrad_edu.learn.layout.layers import Layered, split_into_layers
from tinygrad_edu.learn.layout.model import Bond, Cell, Point, Spacing

SNAP = 4.0  # pixels by which a line may miss its place at a box, so that it is straight


@dataclass(frozen=True)
class Level:
    """A frame that has been laid out, from its left upper corner: cells' middles, and a route for each bond."""

    width: float
    height: float
    centres: list[Point]
    routes: list[list[Point]]


def lay_out_level(
    cells: Sequence[Cell], bonds: Sequence[Bond], spacing: Spacing, title_width: float | None
) -> Level:
    """Lay out one frame; ``title_width`` is None for the picture as a whole, which has no border and no title.

    Layers, crossings, coordinates, routes: the four steps of Sugiyama et al. (1981). The cells come in an
    order in which every line leads onwards.
    """
    graph = split_into_layers(cells, bonds)
    reduce_crossings(graph)
    ports = Ports(graph, spacing)
    x = place_across(graph, ports, spacing)
    tops, bottoms, height = place_down(graph, spacing, title_width is not None)
    x, width = shift_to_zero(graph, x, 0.0 if title_width is None else spacing.frame_padding)
    if title_width is not None and width < title_width:
        x = [place + (title_width - width) / 2 for place in x]
        width = title_width
    centres = list(zip(x[: len(cells)], middles_of(graph, tops, bottoms), strict=True))
    bands = list(zip(tops, bottoms, strict=True))
    routes = []
    for bond, path in zip(bonds, graph.paths, strict=True):
        routes.append(route(graph, ports, centres, x, bands, bond, path))
    return Level(width, height, centres, routes)


def place_down(graph: Layered, spacing: Spacing, framed: bool) -> tuple[list[float], list[float], float]:
    """Return the upper and lower y of each layer, and the height of it all."""
    heights = []
    for layer in graph.layers:
        heights.append(
            max([0.0, *[graph.cells[vertex].height for vertex in layer if not graph.is_line(vertex)]])
        )
    tops, bottoms = [], []
    y = 0.0
    for number, height in enumerate(heights):
        if number == 1:
            y = (
                spacing.frame_title + (spacing.frame_padding + 6.0 if graph.layers[0] else 0.0)
                if framed
                else 0.0
            )
        tops.append(y)
        bottoms.append(y + height)
        y += height + spacing.between_layers
    if framed and bottoms:
        bottoms[0] = spacing.frame_title  # lines are upright beside the title
    bottom = bottoms[-1] if bottoms else 0.0
    ends_at_border = any(cell.border == "bottom" for cell in graph.cells)
    if framed and ends_at_border and len(tops) > 1:
        bottom = bottoms[-2] + spacing.frame_padding + 4.0
        tops[-1] = bottoms[-1] = bottom
    elif framed:
        bottom += spacing.frame_padding
    return tops, bottoms, bottom


def shift_to_zero(graph: Layered, x: list[float], padding: float) -> tuple[list[float], float]:
    """Move everything so that it begins at the padding; return the places and the width of it all."""
    lefts, rights = [], []
    for vertex, place in enumerate(x):
        half = 0.0 if graph.is_line(vertex) else graph.cells[vertex].width / 2
        lefts.append(place - half)
        rights.append(place + half)
    left, right = min(lefts, default=0.0), max(rights, default=0.0)
    return [round(place - left + padding, 2) for place in x], round(right - left + 2 * padding, 2)


def middles_of(graph: Layered, tops: list[float], bottoms: list[float]) -> list[float]:
    """Return the y of each cell: in the middle of its layer, but near its lines if they are all on one side."""
    has_upper = {segment.lower for segment in graph.segments}
    has_lower = {segment.upper for segment in graph.segments}
    middles = []
    for nr, cell in enumerate(graph.cells):
        layer = graph.layer_of[nr]
        middle = (tops[layer] + bottoms[layer]) / 2
        if cell.border:
            middle = tops[layer] if cell.border == "top" else bottoms[layer]
        elif nr in has_lower and nr not in has_upper:
            middle = bottoms[layer] - cell.height / 2
        elif nr in has_upper and nr not in has_lower:
            middle = tops[layer] + cell.height / 2
        middles.append(middle)
    return middles


def route(
    graph: Layered,
    ports: Ports,
    centres: list[Point],
    x: list[float],
    bands: list[tuple[float, float]],
    bond: Bond,
    path: list[int],
) -> list[Point]:
    """Return the points that a line goes through: down from a cell, upright past each layer, and down to a cell.

    Within its layer, ``bands`` say from where to where, a line is upright: so it does not run into what is
    beside it.
    """
    first, last = path[0], path[-1]
    ports_out, ports_in = graph.cells[first].ports_out, graph.cells[last].ports_in
    begin, end = x[first] + ports.out_of(first, bond.wire), x[last] + ports.into(last, bond.wire, bond.slot)
    if graph.is_line(path[1]) and not ports_out and abs(x[path[1]] - begin) < SNAP:
        begin = x[path[1]]
    if graph.is_line(path[-2]) and not ports_in and abs(x[path[-2]] - end) < SNAP:
        end = x[path[-2]]
    points = [
        (begin, centres[first][1] + graph.cells[first].height / 2),
        (begin, bands[graph.layer_of[first]][1]),
    ]
    for vertex in path[1:-1]:
        points += [(x[vertex], y) for y in bands[graph.layer_of[vertex]]]
    points += [(end, bands[graph.layer_of[last]][0]), (end, centres[last][1] - graph.cells[last].height / 2)]
    return list(dict.fromkeys(points))
