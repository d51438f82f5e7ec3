"""The picture of a gradient check: heat maps of the analytic and the numeric Jacobian, and of their difference."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.learn.gradcheck_pairs import Pair

MOST_PAIRS, MOST_MARKS, MOST_NUMBERS = 6, 400, 64
NAMES = ("analytic: backward", "numeric: finite differences", "difference")


def draw(pairs: Sequence[Pair], path: Path) -> None:
    """Draw the pairs, those with wrong elements first, and write a PNG file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = sorted(pairs, key=lambda pair: not pair.wrong)[:MOST_PAIRS]
    heights = [panel_height(pair) for pair in shown]
    figure = Figure(figsize=(11, sum(heights)), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(len(shown), 1, height_ratios=heights))
    for pair, part in zip(shown, parts, strict=True):
        draw_pair(part, pair)
    FigureCanvasAgg(figure).print_png(str(path))


def panel_height(pair: Pair) -> float:
    """Return the inches that a pair needs: high matrices get more."""
    rows, columns = matrix_of(pair, pair.jacobians.numeric).shape
    return float(np.clip(3.2 * rows / columns, 1.5, 4.5)) + 1.3


def matrix_of(pair: Pair, jacobian: Any) -> Any:
    """Return a Jacobian as a matrix: of a single number, in the shape of the input."""
    values = np.abs(jacobian) if jacobian.dtype.kind == "c" else jacobian
    shape = pair.jacobians.input_shape
    if values.shape[1] != 1 or not shape:
        return values
    return values.reshape(-1, shape[-1])


def labels_of(pair: Pair) -> tuple[str, str]:
    """Return what the columns and the rows of that matrix are."""
    if pair.jacobians.numeric.shape[1] != 1 or not pair.jacobians.input_shape:
        return "element of the output", "element of the input"
    return "last dimension of the input", "the others"


def draw_pair(part: Any, pair: Pair) -> None:
    """Draw three matrices beside each other; both Jacobians have one scale."""
    title = str(pair).split("\n", 1)[0] + (f"\n{textwrap.fill(pair.guess, 150)}" if pair.guess else "")
    part.suptitle(title, fontsize=10, x=0.01, ha="left")
    analytic, numeric = pair.jacobians.analytic, pair.jacobians.numeric
    wrong = matrix_of(pair, pair.jacobians.is_wrong())
    values = [matrix_of(pair, x) for x in (analytic, numeric, analytic - numeric)]
    common = largest(values[:2])
    limit_of_difference = max(largest(values[2:]), pair.jacobians.atol)  # what is within it stays white
    axes = part.subplots(1, 3)
    for name, matrix, one, limit in zip(
        NAMES, values, axes, (common, common, limit_of_difference), strict=True
    ):
        image = one.imshow(
            matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
        )
        one.set_facecolor("0.6")  # NaN
        one.set_title(name, fontsize=9)
        part.colorbar(image, ax=one, shrink=0.85).ax.tick_params(labelsize=7)
        x_label, y_label = labels_of(pair)
        one.set_xlabel(x_label, fontsize=8)
        one.set_ylabel(y_label, fontsize=8)
        set_ticks(one, matrix.shape)
        write_numbers(one, matrix, limit)
    mark(axes[2], wrong)


def largest(matrices: Sequence[Any]) -> float:
    """Return the largest finite absolute value, above 0."""
    finite = [np.abs(matrix[np.isfinite(matrix)]).max(initial=0.0) for matrix in matrices]
    return float(max(finite)) or 1.0


def set_ticks(axes: Any, shape: tuple[int, int]) -> None:
    """Put numbers to the rows and columns: to all of a few, else to some."""
    rows, columns = shape
    axes.set_yticks(np.arange(0, rows, max(1, -(-rows // 8))))
    axes.set_xticks(np.arange(0, columns, max(1, -(-columns // 8))))
    axes.tick_params(labelsize=7)


def write_numbers(axes: Any, matrix: Any, limit: float) -> None:
    """Write the values into a small matrix."""
    if matrix.size > MOST_NUMBERS or matrix.shape[1] > 8:
        return
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color=colour)


def mark(axes: Any, wrong: Any) -> None:
    """Put a frame round the elements that are wrong, if those are few enough to be seen."""
    from matplotlib.patches import Rectangle

    places = np.argwhere(wrong)
    axes.set_title(
        f"difference: {len(places)} wrong" + (", framed" if 0 < len(places) <= MOST_MARKS else ""), fontsize=9
    )
    if len(places) <= MOST_MARKS:
        for row, column in places:
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.2)
            )
