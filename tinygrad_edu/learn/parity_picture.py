"""The parity report as a picture: bars of speed-up, and errors as dots against the tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.learn.parity_compare import Row
from tinygrad_edu.learn.parity_output import Report

COLOURS = {"float32": "tab:blue", "float64": "tab:orange"}
OFFSETS = {"float32": 0.18, "float64": -0.18}  # so that no dot hides another one
SMALLEST, LARGEST = 1e-17, 10.0  # errors are drawn between these
ROWS_OF_A_PANEL = 58


def draw(report: Report, path: Path) -> None:
    """Draw the typical sizes, or the small ones if there are no others, and write a PNG file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = "typical" if any(row.size == "typical" for row in report.rows) else "small"
    rows = [row for row in report.rows if row.size == size]
    names = list(dict.fromkeys(row.name for row in rows))
    panels = [names[first : first + ROWS_OF_A_PANEL] for first in range(0, len(names), ROWS_OF_A_PANEL)]
    with_times = any(row.speedup is not None for row in rows)
    columns = len(panels) * (1 + with_times)
    figure = Figure(figsize=(1.5 + 3.4 * columns, 2.2 + 0.17 * len(panels[0])), layout="constrained")
    figure.suptitle(f"{report.engines[0]} against {report.engines[1]}, {size} sizes" + missing(report))
    axes = figure.subplots(1, columns, squeeze=False)[0].reshape(len(panels), -1)
    for panel, of_panel in zip(panels, axes, strict=True):
        draw_panel(of_panel, [row for row in rows if row.name in panel], panel, with_times)
    share_limits(axes)
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), fontsize=8)
    FigureCanvasAgg(figure).print_png(str(path))


def missing(report: Report) -> str:
    """Say in the title that a report is not whole."""
    if not report.is_partial:
        return ""
    return f" (PARTIAL: {len(report.rows)} of {report.expected_rows} rows)"


def draw_panel(axes: Any, rows: list[Row], names: list[str], with_times: bool) -> None:
    """Draw some of the rows: speed-ups to the left, if there are any, errors to the right."""
    places = {name: place for place, name in enumerate(reversed(names))}  # the first one at the top
    if with_times:
        draw_speedups(axes[0], [row for row in rows if row.speedup is not None], places)
    draw_errors(axes[-1], rows, places)
    for one in axes:
        one.set_ylim(-0.8, len(names) - 0.2)
        one.set_yticks(range(len(names)), [""] * len(names))
        one.grid(axis="x", alpha=0.3)
        one.tick_params(axis="x", labelsize=7)
    axes[0].set_yticks(range(len(names)), names[::-1], fontsize=7)


def draw_speedups(axes: Any, rows: list[Row], places: dict[str, int]) -> None:
    """Draw a bar for each float32 row: to the right if the device is faster, to the left if it is slower."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    rows = [row for row in rows if row.dtype == "float32"]
    ratios = np.array([row.speedup for row in rows], dtype=float)
    colours = ["tab:green" if ratio >= 1 else "tab:red" for ratio in ratios]
    axes.barh([places[row.name] for row in rows], ratios - 1, left=1, color=colours, height=0.7)
    axes.set_xscale("log")
    lowest, highest = min([0.25, *ratios / 1.2]), max([4.0, *ratios * 1.2])
    axes.set_xlim(lowest, highest)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if highest < 100 * lowest else (1,)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("speed-up, float32, log scale", fontsize=8)


def draw_errors(axes: Any, rows: list[Row], places: dict[str, int]) -> None:
    """Draw the larger of the two relative errors of each row as a dot, and its tolerance as a stroke."""
    from matplotlib.ticker import LogLocator

    for dtype, colour in COLOURS.items():
        here = [row for row in rows if row.dtype == dtype]
        heights = [places[row.name] + OFFSETS[dtype] for row in here]
        errors = [worst_error(row) for row in here]
        tolerances = [row.tolerance for row in here]
        axes.scatter(errors, heights, s=9, color=colour, label=f"error, {dtype}")
        axes.scatter(tolerances, heights, s=20, marker="|", color=colour, label=f"tolerance, {dtype}")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    bad = [row for row in rows if row.verdict != "PASS"]
    heights = [places[row.name] + OFFSETS[row.dtype] for row in bad]
    errors = [worst_error(row) for row in bad]
    axes.scatter(errors, heights, s=60, facecolors="none", edgecolors="red", label="not passed")
    axes.set_xlabel(f"largest relative error, log scale\n(0 is drawn at {SMALLEST:.0e})", fontsize=8)


def worst_error(row: Row) -> float:
    """Return the larger relative error of forward and backward, within the picture."""
    errors = [error.relative for error in (row.forward, row.backward) if error is not None]
    return float(np.clip(max(errors), SMALLEST, LARGEST)) if errors else LARGEST


def share_limits(axes: Any) -> None:
    """Give all panels the same axes, so that they can be compared; ``axes`` is (panels, columns)."""
    for column in range(axes.shape[1]):
        limits = np.array([one.get_xlim() for one in axes[:, column]])
        for one in axes[:, column]:
            one.set_xlim(limits[:, 0].min(), limits[:, 1].max())
