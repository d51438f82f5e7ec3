"""Places of boxes and lines: nothing overlaps, frames hold their own, lines lead down, the same comes out again."""

from __future__ import annotations

import itertools
import random

import pytest

from tinygrad_edu.learn.layout import Edge, Item, Spacing, lay_out, numbered_runs, smooth_path
from tinygrad_edu.learn.layout.coordinates import nearest_in_order
from tinygrad_edu.learn.layout.crossings import (
    count_crossings,
    inversions,
    reduce_crossings,
    segments_by_layer,
)
from tinygrad_edu.learn.layout.layers import split_into_layers
from tinygrad_edu.learn.layout.model import Bond, Cell

DIAMOND = [Edge(0, 1), Edge(0, 2), Edge(1, 3), Edge(2, 3)]
RESIDUAL = [Edge(0, 1), Edge(1, 2), Edge(2, 3), Edge(0, 3), Edge(3, 4)]
BLOCKS = [("net", f"block{n // 4}", f"layer{n}") if n % 4 else ("net", f"block{n // 4}") for n in range(24)]
CASES = {
    "one": ([()], []),
    "two apart": ([(), ()], []),
    "diamond": ([()] * 4, DIAMOND),
    "twice the same": ([()] * 2, [Edge(0, 1), Edge(0, 1)]),
    "two outputs": ([()] * 3, [Edge(0, 1, 0), Edge(0, 2, 1), Edge(1, 2)]),
    "residual": ([(), ("a",), ("a",), ("a",), ()], RESIDUAL),
    "a frame with nothing above it": ([("a",), ("a",), ()], [Edge(0, 1), Edge(1, 2)]),
    "nested": (BLOCKS, [Edge(n, m) for n in range(24) for m in (n + 1, n + 5) if m < 24]),
    "one for all": ([()] * 12, [Edge(n, n + 1) for n in range(11)] + [Edge(0, n) for n in range(2, 12)]),
}


def laid_out(case, width=60.0):
    groups, edges = CASES[case]
    sizes = itertools.cycle([(width, 20.0), (width / 2, 30.0), (width * 1.5, 12.0)])
    items = [Item(*size, group) for size, group in zip(sizes, groups, strict=False)]
    return items, edges, lay_out(items, edges)


def rectangle(item, centre):
    (x, y), (width, height) = centre, item[:2]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(a, b):
    return a[0] < b[2] - 0.01 and b[0] < a[2] - 0.01 and a[1] < b[3] - 0.01 and b[1] < a[3] - 0.01


def is_inside(inner, outer):
    return (
        outer[0] <= inner[0] + 0.02
        and outer[1] <= inner[1]
        and inner[2] <= outer[2] + 0.02
        and inner[3] <= outer[3] + 0.02
    )


def random_case(seed):
    """Return groups in one another and edges between near and far items."""
    rng, groups, edges, group = random.Random(seed), [], [], ()
    for number in range(rng.randint(1, 40)):
        if rng.random() < 0.3:
            group = group[: rng.randint(0, len(group))]
        if rng.random() < 0.3 and len(group) < 4:
            group = (*group, f"frame{rng.randint(0, 5)}")
        groups.append(group)
        for _ in range(rng.choice([0, 1, 1, 2, 3]) if number else 0):
            source = rng.randint(max(0, number - rng.choice([3, 40])), number - 1)
            edges.append(Edge(source, number, rng.choice([0, 0, 0, 1])))
    return numbered_runs(groups), edges


CASES |= {f"random {seed}": random_case(seed) for seed in range(40)}


@pytest.mark.parametrize("case", CASES)
def test_boxes_lie_apart_and_in_their_frames(case):
    items, _, layout = laid_out(case)
    boxes = [rectangle(item, centre) for item, centre in zip(items, layout.centres, strict=True)]
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    whole = (0.0, 0.0, layout.width, layout.height)
    assert {frame.group for frame in layout.frames} == {
        item.group[:depth] for item in items for depth in range(1, len(item.group) + 1)
    }
    for frame in layout.frames:
        sides = (frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
        assert is_inside(sides, whole)
        for item, box in zip(items, boxes, strict=True):
            belongs = item.group[: len(frame.group)] == frame.group
            assert is_inside(box, sides) if belongs else not overlap(box, sides)
    assert all(is_inside(box, whole) for box in boxes)


@pytest.mark.parametrize("case", CASES)
def test_lines_lead_down_from_box_to_box_and_round_the_others(case):
    items, edges, layout = laid_out(case)
    boxes = [rectangle(item, centre) for item, centre in zip(items, layout.centres, strict=True)]
    for edge, route in zip(edges, layout.routes, strict=True):
        source, target = boxes[edge.source], boxes[edge.target]
        assert route[0][1] == pytest.approx(source[3], abs=0.02)
        assert source[0] <= route[0][0] <= source[2]
        assert route[-1][1] == pytest.approx(target[1], abs=0.02)
        assert target[0] <= route[-1][0] <= target[2]
        assert all(a[1] <= b[1] for a, b in itertools.pairwise(route))
        for number, box in enumerate(boxes):
            if number not in (edge.source, edge.target):
                assert not any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in route)


@pytest.mark.parametrize("case", CASES)
def test_the_same_comes_out_again(case):
    assert laid_out(case)[2] == laid_out(case)[2]


def test_two_lines_to_one_box_are_two():
    _, _, layout = laid_out("twice the same")
    assert layout.routes[0] != layout.routes[1]


def test_what_comes_from_nowhere_lies_above_its_first_use():
    layout = lay_out([Item(10, 10)] * 5, [Edge(0, 1), Edge(1, 2), Edge(2, 4), Edge(3, 4)])
    assert layout.centres[3][1] == layout.centres[2][1]


def test_a_long_line_is_upright():
    _, edges, layout = laid_out("residual")
    (route,) = [route for edge, route in zip(edges, layout.routes, strict=True) if edge == (0, 3, 0)]
    inner = [x for x, _ in route[3:-2]]
    assert max(inner) - min(inner) < 0.1


def test_crossings_go_away():
    cells = [Cell(10, 10)] * 8
    bonds = [Bond(n, 7 - n, (n, 0), 0) for n in range(4)]  # upside down
    graph = split_into_layers(cells, bonds)
    graph.layers[1:] = [[0, 1, 2, 3], [4, 5, 6, 7]]
    by_layer = segments_by_layer(graph)
    assert count_crossings(graph, by_layer) == 6
    reduce_crossings(graph)
    assert count_crossings(graph, by_layer) == 0


def test_inversions():
    pairs = sorted((a, (a * 7 + 3) % 11) for a in range(11))
    assert inversions(pairs) == sum(a[1] > b[1] for a, b in itertools.combinations(pairs, 2))
    assert inversions([(0, 1), (1, 1)]) == 0  # they end together


def test_nearest_in_order_is_the_least_squares_solution():
    wanted, weights, distances = [3.0, 1.0, 2.0, 9.0, 8.0], [1.0, 2.0, 1.0, 1.0, 3.0], [1.0, 2.0, 1.0, 0.5]
    places = nearest_in_order(wanted, weights, distances)
    assert all(b - a >= gap - 1e-9 for (a, b), gap in zip(itertools.pairwise(places), distances, strict=True))

    def loss(x):
        return sum(w * (a - b) ** 2 for a, b, w in zip(x, wanted, weights, strict=True))

    for first, last in itertools.combinations(range(6), 2):  # no block of neighbours is better elsewhere
        for step in (-0.01, 0.01):
            moved = [x + step * (first <= n < last) for n, x in enumerate(places)]
            if all(
                b - a >= gap - 1e-9 for (a, b), gap in zip(itertools.pairwise(moved), distances, strict=True)
            ):
                assert loss(moved) >= loss(places)


def test_what_cannot_be_laid_out():
    with pytest.raises(ValueError, match="later one of 2"):
        lay_out([Item(1, 1)] * 2, [Edge(1, 0)])
    with pytest.raises(ValueError, match="interrupted"):
        lay_out([Item(1, 1, ("a",)), Item(1, 1), Item(1, 1, ("a",))], [])


def test_a_group_that_comes_again_is_another_one():
    assert numbered_runs([("a", "b"), ("a",), ("a", "b"), (), ("a", "b")]) == [
        ("a", "a/b"),
        ("a",),
        ("a", "a/b#2"),
        (),
        ("a#2", "a#2/b"),
    ]


def test_a_chain_of_3000_needs_no_recursion():
    layout = lay_out([Item(50, 20)] * 3000, [Edge(n, n + 1) for n in range(2999)], Spacing())
    assert len({x for x, _ in layout.centres}) == 1
    assert layout.centres[-1][1] - layout.centres[0][1] == pytest.approx(2999 * 56)


def test_frames_a_hundred_deep():
    group = tuple(f"depth{n}" for n in range(100))
    assert len(lay_out([Item(10, 10, group), Item(10, 10)], [Edge(0, 1)]).frames) == 100


def test_path():
    assert smooth_path([(0, 0), (0, 10), (5.25, 20), (5.25, 30)]) == "M0 0V10C0 15 5.2 15 5.2 20V30"
