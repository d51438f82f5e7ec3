"""Fewer boxes: parameters into the operations that use them, modules and repeated pieces into one box each.

Every folding makes one box of boxes that follow one another in time, so what it leads to came after it, and
no circle arises.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from tinygrad_edu.learn.drawing.chart import Box, Chart, Group, Link
from tinygrad_edu.learn.drawing.modules import common_prefix

PARAMETERS_AS_BOXES = 40  # in larger charts they are lines of text in the box that uses them
MANY_INPUTS, MANY_TENSORS = 8, 4
LONGEST_PERIOD = 400  # operations in a piece whose repetitions are looked for


def fold(chart: Chart, max_boxes: int) -> Chart:
    """Return a chart of at most so many boxes, if it can be."""
    if len(chart.boxes) > min(PARAMETERS_AS_BOXES, max_boxes):
        chart = unframe_single_operations(absorb(chart, named_parameter))
    if len(chart.boxes) > max_boxes and sum(map(comes_in, chart.boxes)) > MANY_INPUTS:
        chart = absorb(chart, comes_in)
    if len(chart.boxes) > max_boxes:
        chart = fold_modules(chart, max_boxes)
    while len(chart.boxes) > max_boxes:
        piece = longest_repetition([box.operations or (box.name,) for box in chart.boxes])
        if piece is None:
            return fold_slices(chart, max_boxes)
        chart = fold_repetition(chart, *piece)
    return chart


def named_parameter(box: Box) -> bool:
    """Tell whether a box is a parameter of a module."""
    return box.kind == "parameter" and bool(box.group)


def comes_in(box: Box) -> bool:
    """Tell whether a box is an input or a leaf."""
    return box.kind in ("input", "parameter")


def absorb(chart: Chart, is_small: Callable[[Box], bool]) -> Chart:
    """Write the boxes that are small, and used by one operation alone, into the box of that."""
    users: dict[int, set[int]] = {}
    for link in chart.links:
        users.setdefault(link.source, set()).add(link.target)
    absorbed = {
        number: next(iter(users[number]))
        for number, box in enumerate(chart.boxes)
        if is_small(box) and len(users.get(number, ())) == 1
    }
    lines: dict[int, list[str]] = {}
    for number, user in absorbed.items():
        box = chart.boxes[number]
        lines.setdefault(user, []).append(" ".join((box.name, *box.lines)))
    kept = [number for number in range(len(chart.boxes)) if number not in absorbed]
    place = {number: new for new, number in enumerate(kept)}
    boxes = [chart.boxes[n]._replace(lines=(*chart.boxes[n].lines, *lines.get(n, ()))) for n in kept]
    links = [
        link._replace(source=place[link.source], target=place[link.target])
        for link in chart.links
        if link.source not in absorbed
    ]
    return Chart(boxes, links, chart.frames)


def unframe_single_operations(chart: Chart) -> Chart:
    """Write the names of modules of one operation, such as a layer, into its box, in place of a frame round it."""
    counts = Counter([box.group[:depth] for box in chart.boxes for depth in range(2, len(box.group) + 1)])
    boxes = []
    for box in chart.boxes:
        while len(box.group) > 1 and counts[box.group] == 1:
            name = chart.frames[box.group[-1]].name
            box = box._replace(lines=(name, *box.lines), group=box.group[:-1])
        boxes.append(box)
    return Chart(boxes, chart.links, chart.frames)


def fold_modules(chart: Chart, max_boxes: int) -> Chart:
    """Fold the innermost modules, then those round them, until there are few enough boxes or one level is left.

    Where there is room, the first module of each class is left open, as an example.
    """
    depth = max([len(box.group) for box in chart.boxes])
    while depth > 2 and count_units(chart, depth, set()) > max_boxes:
        depth -= 1
    if depth < 2:
        return chart
    is_open: set[Group] = set()
    classes: set[str] = set()
    for key in dict.fromkeys([box.group[:depth] for box in chart.boxes if len(box.group) >= depth]):
        kind = chart.frames[key[-1]].kind
        if kind not in classes and count_units(chart, depth, is_open | {key}) <= max_boxes:
            is_open.add(key)
        classes.add(kind)
    units, folded = units_of_modules(chart, depth, is_open)
    names = {unit: str(chart.frames[key[-1]]) for unit, key in folded.items()}
    return merge(chart, units, names, {unit: key[:-1] for unit, key in folded.items()})


def units_of_modules(chart: Chart, depth: int, is_open: set[Group]) -> tuple[list[int], dict[int, Group]]:
    """Return for each box its unit, if the modules of a depth are folded, and which unit is which module."""
    units: list[int] = []
    folded: dict[int, Group] = {}
    for box in chart.boxes:
        key = box.group[:depth]
        is_folded = len(key) == depth and key not in is_open
        unit = units[-1] if units else 0
        if units and not (is_folded and folded.get(unit) == key):
            unit += 1
        if is_folded:
            folded[unit] = key
        units.append(unit)
    return units, folded


def count_units(chart: Chart, depth: int, is_open: set[Group]) -> int:
    """Return how many boxes there are if the modules of a depth are folded."""
    return units_of_modules(chart, depth, is_open)[0][-1] + 1


def longest_repetition(names: Sequence[object]) -> tuple[int, int, int] | None:
    """Return (first, period, repetitions) of the piece whose repetitions, one after the other, cover the most boxes.

    Examples
    --------
    >>> longest_repetition(["In", "Mul", "Add", "Mul", "Add", "Mul", "Add", "Mul", "Add", "Sum"])
    (1, 2, 4)
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    sequence = np.array([numbers[name] for name in names])
    best: tuple[int, int, int] | None = None
    most = len(sequence) // 50  # what saves less is not worth the look
    for period in range(1, min(LONGEST_PERIOD, len(sequence) // 4) + 1):
        first, length = longest_run(sequence[:-period] == sequence[period:])
        repetitions = (length + period) // period
        saved = (
            repetitions - 2
        ) * period - 1  # the first and the last are left, and there is one box for the others
        if repetitions >= 4 and saved > most:
            best, most = (first, period, repetitions), saved
    return best


def longest_run(flags: np.ndarray) -> tuple[int, int]:
    """Return where the longest run of True begins, and its length."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    starts, stops = ends[::2], ends[1::2]
    if not len(starts):
        return 0, 0
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best] - starts[best])


def fold_repetition(chart: Chart, first: int, period: int, repetitions: int) -> Chart:
    """Make one box of all repetitions but the first and the last."""
    begin, end = first + period, first + (repetitions - 1) * period
    units = [n if n < begin else max(begin, n - (end - begin) + 1) for n in range(len(chart.boxes))]
    pattern = [box.name for box in chart.boxes[begin : begin + period]]
    shown = " → ".join(pattern[:3]) + (" …" if period > 3 else "")
    return merge(chart, units, {begin: f"{repetitions - 2:,} × {shown}"})


def fold_slices(chart: Chart, max_boxes: int) -> Chart:
    """Make pieces of equal length of what can be folded in no better way."""
    length = -(-len(chart.boxes) // max_boxes)
    units = [number // length for number in range(len(chart.boxes))]
    return merge(chart, units, {unit: f"part {unit + 1}" for unit in units})


def merge(
    chart: Chart, units: Sequence[int], names: dict[int, str], groups: dict[int, Group] | None = None
) -> Chart:
    """Make one box of all boxes of a unit; units are numbered in the order of the boxes."""
    members: dict[int, list[int]] = {}
    for number, unit in enumerate(units):
        members.setdefault(unit, []).append(number)
    boxes = []
    for unit, numbers in members.items():
        inner = [chart.boxes[number] for number in numbers]
        if len(inner) > 1:
            group = (groups or {}).get(unit, functools.reduce(common_prefix, [box.group for box in inner]))
            boxes.append(folded_box(inner, names[unit], group))
        else:
            boxes.append(inner[0])
    outputs: dict[int, dict[tuple[int, int], int]] = {}
    links: dict[tuple[int, int, int], Link] = {}
    several = []
    for link in chart.links:
        source, target = units[link.source], units[link.target]
        if source == target:
            continue
        of_source = outputs.setdefault(source, {})
        output = of_source.setdefault((link.source, link.output), len(of_source))
        new = Link(source, target, output, link.label)
        if len(members[target]) == 1:
            several.append(new)  # an operation may use one tensor twice
        else:
            links[source, target, output] = new
    lines = sorted([*several, *bundled(list(links.values()))], key=lambda link: link.target)
    return Chart(boxes, lines, chart.frames)


def bundled(links: Sequence[Link]) -> list[Link]:
    """Return one line in place of many from a box to another."""
    counts = Counter([(link.source, link.target) for link in links])
    kept: dict[tuple[int, ...], Link] = {}
    for link in links:
        count = counts[link.source, link.target]
        if count < MANY_TENSORS:
            kept[link[:3]] = link
        else:
            kept[link[:2]] = link._replace(output=-link.target, label=f"{count} tensors")
    return list(kept.values())


def folded_box(inner: Sequence[Box], name: str, group: Group) -> Box:
    """Return the box that stands for several."""
    operations = tuple([operation for box in inner for operation in box.operations])
    counts = [f"{op} ×{n:,}" if n > 1 else op for op, n in Counter(operations).most_common()]
    summary = ", ".join(counts[:3]) + (", …" if len(counts) > 3 else "")
    what = f"{len(operations):,} operations"
    kept, seconds = sum([box.bytes_kept for box in inner]), sum([box.seconds for box in inner])
    return Box(
        name, "folded", (what, summary), group, f"{what}: {', '.join(counts)}", operations, kept, seconds
    )
