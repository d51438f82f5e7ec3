"""A line search: how far to walk in a direction so that the loss falls enough and the slope flattens enough.

References
----------
J. Nocedal and S. Wright, Numerical Optimization, 2nd edition, 2006: conditions (3.7), algorithms 3.5 and 3.6,
interpolation (3.59).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from tinygrad_edu._tensor import Tensor

ENOUGH_FALL = 1e-4  # c1: the part of the fall that the slope at the start promises
ENOUGH_FLATTENING = 0.9  # c2: the part of the slope at the start that may be left


class Point(NamedTuple):
    """What is known of one point on the line."""

    step: float
    """How many directions away from the start."""
    loss: float
    grad: Tensor
    """The gradient, all parameters in one vector."""
    slope: float
    """The gradient's component along the direction."""


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, step: float, size: float, tolerance: float, most: int
) -> tuple[Point, int]:
    r"""Find a point that meets the strong Wolfe conditions.

    Parameters
    ----------
    evaluate : callable
        Returns the Point at a step.
    start : Point
        Where the line begins, with ``step`` 0 and a negative slope.
    step : float
        The first one to try.
    size : float
        The largest element of the direction.
    tolerance : float
        Stop when parameters would change by less.
    most : int
        Stop after so many further points.

    Returns
    -------
    Point
        The best that was found.
    int
        How many points were evaluated.

    Notes
    -----
    .. math::
        f(x + t d) \le f(x) + c_1 t \nabla f(x)^T d, \qquad
        |\nabla f(x + t d)^T d| \le c_2 |\nabla f(x)^T d|
    """
    low, high, tries = bracket(evaluate, start, step, most)
    stuck = False
    while high is not None and tries < most and abs(high.step - low.step) * size >= tolerance:
        step, stuck = trial(low, high, stuck)
        point = evaluate(step)
        tries += 1
        if is_too_high(point, start) or point.loss >= low.loss:
            low, high = in_order(low, point)
        elif is_flat(point, start):
            low, high = point, None
        else:
            if point.slope * (high.step - low.step) >= 0:
                high = low
            low = point
    return low, tries + 1


def bracket(
    evaluate: Callable[[float], Point], start: Point, step: float, most: int
) -> tuple[Point, Point | None, int]:
    """Walk on until the minimum must lie between two points, the lower one first, or one is good enough."""
    previous, point = start, evaluate(step)
    for tries in range(most):
        if is_too_high(point, start) or (tries > 1 and point.loss >= previous.loss):
            return *in_order(previous, point), tries
        if is_flat(point, start):
            return point, None, tries
        if point.slope >= 0:
            return *in_order(previous, point), tries
        bounds = point.step + 0.01 * (point.step - previous.step), 10 * point.step
        step = minimum_of_cubic(previous, point, bounds)
        previous, point = point, evaluate(step)
    return *in_order(start, point), most


def is_too_high(point: Point, start: Point) -> bool:
    """Tell whether the loss has not fallen enough."""
    return point.loss > start.loss + ENOUGH_FALL * point.step * start.slope


def is_flat(point: Point, start: Point) -> bool:
    """Tell whether the slope is small enough."""
    return abs(point.slope) <= -ENOUGH_FLATTENING * start.slope


def in_order(a: Point, b: Point) -> tuple[Point, Point]:
    """Return the point with the lower loss first."""
    return (a, b) if a.loss <= b.loss else (b, a)


def trial(a: Point, b: Point, stuck: bool) -> tuple[float, bool]:
    """Return a step between two points, and whether it is close to one of them.

    Close to one again, a tenth of the distance is kept from it, for the bracket would not shrink otherwise.
    """
    left, right = min(a.step, b.step), max(a.step, b.step)
    step, margin = minimum_of_cubic(a, b, (left, right)), 0.1 * (right - left)
    if min(right - step, step - left) >= margin:
        return step, False
    if not stuck and left < step < right:
        return step, True
    return (right - margin if abs(step - right) < abs(step - left) else left + margin), False


def minimum_of_cubic(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """Return where the cubic with the losses and slopes of two points is lowest, within bounds."""
    middle = (bounds[0] + bounds[1]) / 2
    left, right = (a, b) if a.step <= b.step else (b, a)
    if left.step == right.step:
        return middle
    d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.step - right.step)
    square = d1**2 - left.slope * right.slope
    if not square >= 0:
        return middle
    d2 = math.sqrt(square)
    divisor = right.slope - left.slope + 2 * d2
    if divisor == 0:
        return middle
    step = right.step - (right.step - left.step) * (right.slope + d2 - d1) / divisor
    return min(max(step, bounds[0]), bounds[1])
