"""A chart as SVG: places from ``learn.layout``, colours from ``style``, and what each box looks like."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tinygrad_edu.learn.drawing.chart import KINDS, Box, Chart, Link, shape_text, size_text, time_text
from tinygrad_edu.learn.drawing.style import css
from tinygrad_edu.learn.drawing.text import escape, shortened, text_width
from tinygrad_edu.learn.layout import Edge, Frame, Item, Layout, Point, lay_out, numbered_runs, smooth_path
from tinygrad_edu.learn.layout.paths import number

NAME_SIZE, LINE_SIZE, LABEL_SIZE, TITLE_SIZE, KEY_SIZE = 13.0, 10.5, 10.5, 11.5, 11.0
LINE_HEIGHT, KEY_HEIGHT, LEAST_KEY_WIDTH = 14.0, 18.0, 300.0
MARGIN = 16.0
MARK = 4.0  # the width of the coloured stripe
HEAD = 5.0  # the length of an arrow's head
ROUND = ("input", "parameter", "output")
LONGEST_NAME, LONGEST_LINE = 36, 48


def write_svg(chart: Chart, with_sizes: bool = False, with_times: bool = False) -> str:
    """Return the text of an SVG file, which needs no other one."""
    boxes = [with_details(box, with_sizes, with_times) for box in chart.boxes]
    groups = numbered_runs([box.group for box in boxes])
    titles = titles_of(boxes, groups, chart)
    widths = {group: text_width(title, TITLE_SIZE, True) + 24.0 for group, title in titles.items()}
    items = [Item(*size_of(box), group) for box, group in zip(boxes, groups, strict=True)]
    links = sorted(chart.links, key=lambda link: link.target)  # stable: operands stay in their order
    if {link.label for link in links} <= {"", shape_text(())}:
        links = [link._replace(label="") for link in links]  # nothing to see
    layout = lay_out(
        with_room_for_labels(items, links),
        [Edge(link.source, link.target, link.output) for link in links],
        None,
        widths,
    )
    parts = [draw_frame(frame) for frame in layout.frames]
    parts += [draw_line(route) for route in dict.fromkeys(map(tuple, layout.routes))]
    parts += [draw_title(frame, titles[frame.group], layout.routes) for frame in layout.frames]
    parts += [
        draw_box(box, item, centre) for box, item, centre in zip(boxes, items, layout.centres, strict=True)
    ]
    labels, right = draw_labels(boxes, links, layout)
    return page(parts + labels, boxes, max(layout.width, right), layout.height)


def with_details(box: Box, with_sizes: bool, with_times: bool) -> Box:
    """Return a box with the lines that were asked for, and no text that is too long."""
    lines = [shortened(line, LONGEST_LINE) for line in box.lines]
    if with_sizes and box.bytes_kept:
        lines.append(f"keeps {size_text(box.bytes_kept)}")
    if with_times and box.seconds:
        lines.append(f"backward {time_text(box.seconds)}")
    return box._replace(name=shortened(box.name, LONGEST_NAME), lines=tuple(lines))


def titles_of(
    boxes: Sequence[Box], groups: Sequence[tuple[str, ...]], chart: Chart
) -> dict[tuple[str, ...], str]:
    """Return what is written over each frame."""
    titles = {}
    for box, group in zip(boxes, groups, strict=True):
        for depth in range(len(group)):
            titles[group[: depth + 1]] = shortened(str(chart.frames[box.group[depth]]), LONGEST_LINE)
    return titles


def size_of(box: Box) -> tuple[float, float]:
    """Return the width and height of a box round its text."""
    widths = [text_width(box.name, NAME_SIZE, True), *[text_width(line, LINE_SIZE) for line in box.lines]]
    side = 40.0 if box.kind in ROUND else 28.0
    return round(max(max(widths) + side, 48.0), 1), 26.0 + LINE_HEIGHT * len(box.lines)


def with_room_for_labels(items: Sequence[Item], links: Sequence[Link]) -> list[Item]:
    """Return items as wide as the shapes that stand below them, so that no line runs through these.

    Where many lines arrive, the item stays as it is: they have to end at the box itself.
    """
    arriving = Counter([link.target for link in links])
    wide = list(items)
    for link in links:
        item = wide[link.source]
        needed = 2 * (text_width(link.label, LABEL_SIZE) + 8.0) if link.label else 0.0
        if needed > item.width and 14.0 * arriving[link.source] <= items[link.source].width:
            wide[link.source] = item._replace(width=round(needed, 1))
    return wide


def draw_frame(frame: Frame) -> str:
    """Return the frame of a module."""
    x, y, width, height = map(number, frame[1:])
    return f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'


def draw_title(frame: Frame, title: str, routes: Sequence[Sequence[Point]]) -> str:
    """Return the title of a frame, in the upper corner where no line runs through it, if there is one."""
    right = frame.x + frame.width
    crossings = [x for route in routes for x, y in route if y == round(frame.y, 2) and frame.x < x < right]
    width = text_width(title, TITLE_SIZE, True) + 16.0
    is_left = min(crossings, default=math.inf) > frame.x + width or max(crossings) > right - width
    at = f'x="{number(frame.x + 10 if is_left else right - 10)}" y="{number(frame.y + 15)}"'
    anchor = "" if is_left else ' text-anchor="end"'
    return f'<text class="title" {at}{anchor}>{escape(title)}</text>'


def draw_line(route: Sequence[Point]) -> str:
    """Return a line with its head, which points downwards as every line's end does."""
    x, y = route[-1]
    body = smooth_path([*route[:-1], (x, y - HEAD + 1)])
    head = f"M{number(x)} {number(y)}l-3.4 -{HEAD:g}h6.8z"
    return f'<path class="edge" d="{body}"/><path class="head" d="{head}"/>'


def draw_box(box: Box, item: Item, centre: Point) -> str:
    """Return a box with its text; round ends for what comes in and goes out, a second edge for what is folded."""
    width, height = item.width, item.height
    x, y = centre[0] - width / 2, centre[1] - height / 2
    is_round = box.kind in ROUND
    radius = 13.0 if is_round else 5.0
    size = f'width="{number(width)}" height="{number(height)}" rx="{radius:g}"'
    parts = [f'<g class="{box.kind}"><title>{escape(box.tip or box.name)}</title>']
    if box.kind == "folded":
        parts.append(f'<rect class="box" x="{number(x + 3)}" y="{number(y + 3)}" {size}/>')
    parts.append(f'<rect class="box" x="{number(x)}" y="{number(y)}" {size}/>')
    if is_round:
        parts.append(f'<circle class="mark" cx="{number(x + 9)}" cy="{number(y + 13)}" r="3"/>')
    else:
        inner = number(height - 8)
        parts.append(
            f'<rect class="mark" x="{number(x + 3)}" y="{number(y + 4)}" width="{MARK:g}" height="{inner}" rx="2"/>'
        )
    parts.append(
        f'<text class="name" x="{number(centre[0])}" y="{number(y + 17.5)}">{escape(box.name)}</text>'
    )
    for nr, line in enumerate(box.lines):
        at = f'x="{number(centre[0])}" y="{number(y + 31 + LINE_HEIGHT * nr)}"'
        parts.append(f'<text class="line" {at}>{escape(line)}</text>')
    return "".join([*parts, "</g>"])


def draw_labels(boxes: Sequence[Box], links: Sequence[Link], layout: Layout) -> tuple[list[str], float]:
    """Return the shapes, once for every tensor, and how far they reach to the right.

    A shape stands where its line begins; if several tensors come out of a box, where each of them ends. Where
    there is no room for it, none is better than two on one place.
    """
    outputs: dict[int, set[int]] = {}
    for link in links:
        outputs.setdefault(link.source, set()).add(link.output)
    parts, done, right = [], set(), 0.0
    taken: dict[float, list[tuple[float, float]]] = {}
    for link, route in zip(links, layout.routes, strict=True):
        if not link.label or (link.source, link.output) in done:
            continue
        done.add((link.source, link.output))
        alone = len(outputs[link.source]) == 1
        x, y = (route[0][0] + 5, route[0][1] + 13) if alone else (route[-1][0] + 6, route[-1][1] - 7)
        end = x + text_width(link.label, LABEL_SIZE)
        if any(x < other_end and other < end for other, other_end in taken.get(y, ())):
            continue
        taken.setdefault(y, []).append((x, end))
        parts.append(f'<text class="shape" x="{number(x)}" y="{number(y)}">{escape(link.label)}</text>')
        right = max(right, end)
    return parts, right


def page(parts: Sequence[str], boxes: Sequence[Box], width: float, height: float) -> str:
    """Return the whole file: styles, background, what was drawn, and below it what the colours mean."""
    key, key_width, bottom = legend(boxes, height + 26.0, max(width, LEAST_KEY_WIDTH))
    full_width, full_height = max(width, key_width) + 2 * MARGIN, bottom + 6.0 + 2 * MARGIN
    shift = max(0.0, (key_width - width) / 2)
    w, h = number(full_width), number(full_height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        f'style="max-width:100%;height:auto"><title>{escape(summary(boxes))}</title><style>{css()}</style>'
        '<rect class="page" width="100%" height="100%"/>\n'
        f'<g transform="translate({number(MARGIN + shift)} {number(MARGIN)})">\n'
        + "\n".join(parts)
        + f'\n</g>\n<g transform="translate({number(MARGIN)} {number(MARGIN)})">{key}</g>\n</svg>\n'
    )


def summary(boxes: Sequence[Box]) -> str:
    """Say in a sentence what the picture shows."""
    count = sum([len(box.operations) for box in boxes])
    return f"A graph of {count:,} operations, from its inputs above to its result below"


def legend(boxes: Sequence[Box], y: float, width: float) -> tuple[str, float, float]:
    """Return what the marks of the boxes mean, for the kinds there are, in rows of a width, and how large that is."""
    kinds = {box.kind for box in boxes}
    parts, x, right = [], 0.0, 0.0
    for kind, name in KINDS.items():
        if kind not in kinds:
            continue
        needed = 10 + text_width(name, KEY_SIZE)
        if x > 0 and x + needed > width:
            x, y = 0.0, y + KEY_HEIGHT
        mark = f'<rect class="mark" x="{number(x)}" y="{number(y - 9)}" width="4" height="11" rx="2"/>'
        if kind in ROUND:
            mark = f'<circle class="mark" cx="{number(x + 3)}" cy="{number(y - 3.5)}" r="3"/>'
        at = f'x="{number(x + 10)}" y="{number(y)}"'
        parts.append(f'<g class="{kind}">{mark}<text class="key" {at}>{name}</text></g>')
        right = max(right, x + needed)
        x += needed + 16
    return "".join(parts), right, y
