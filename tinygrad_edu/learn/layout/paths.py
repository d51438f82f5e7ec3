"""A smooth line through the points of a route."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.learn.layout.model import Point


def smooth_path(points: Sequence[Point]) -> str:
    """Return the text of an SVG path: it leaves and enters every point straight downwards.

    Examples
    --------
    >>> smooth_path([(0, 0), (0, 10), (20, 30)])
    'M0 0V10C0 20 20 20 20 30'
    """
    x, y = points[0]
    parts = [f"M{number(x)} {number(y)}"]
    for next_x, next_y in points[1:]:
        if abs(next_x - x) < 0.05:
            if next_y != y:
                parts.append(f"V{number(next_y)}")
        else:
            middle = number((y + next_y) / 2)
            parts.append(f"C{number(x)} {middle} {number(next_x)} {middle} {number(next_x)} {number(next_y)}")
            x = next_x
        y = next_y
    return "".join(parts)


def number(value: float) -> str:
    """Write a coordinate with a digit after the point, if it has one."""
    return f"{round(value, 1) + 0.0:g}"
