"""The parity report as a picture: bars of speed-up, and errors as dots against the tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tinygrad_edu.learn.parity_compare import Row
from tinygrad_edu.learn.parity_output import Report

COLOURS = {"float32": "tab:blue", "float64": "tab:orange"}
SMALLEST_ERROR = 1e-17  # where an error of 0 is drawn


def draw(report: Report, path: Path) -> None:
    """Draw the typical sizes, or the small ones if there are no others, and write a PNG file."""
    size = "typical" if any(row.size == "typical" for row in report.rows) else "small"
    rows = [row for row in report.rows if row.size == size]
    names = list(dict.fromkeys(row.name for row in rows))[::-1]  # the first one comes to the top
    has_times = any(row.speedup is not None for row in rows)
    figure = Figure(figsize=(13 if has_times else 8, 1.8 + 0.17 * len(names)), layout="constrained")
    axes = figure.subplots(1, 1 + has_times, sharey=True, squeeze=False)[0]
    figure.suptitle(f"{report.engines[0]} against {report.engines[1]}, {size} sizes" + partly(report))
    if has_times:
        draw_speedups(axes[0], [row for row in rows if row.dtype == "float32"] or rows, names)
    draw_errors(axes[-1], rows, names)
    axes[0].set_yticks(range(len(names)), names, fontsize=7)
    axes[0].set_ylim(-0.8, len(names) - 0.2)
    FigureCanvasAgg(figure).print_png(
        str(path), metadata={"Software": f"matplotlib {matplotlib.__version__}"}
    )


def partly(report: Report) -> str:
    """Say in the title what is missing."""
    if not report.is_partial:
        return ""
    return f" (PARTIAL: {len(report.rows)} of {report.expected_rows} rows)"


def draw_speedups(axes: Any, rows: list[Row], names: list[str]) -> None:
    """Draw a bar for each row, to the right if the device is faster, to the left if it is slower."""
    rows = [row for row in rows if row.speedup is not None]
    ratios = np.array([row.speedup for row in rows], dtype=float)
    colours = np.where(ratios >= 1, "tab:green", "tab:red")
    axes.barh([names.index(row.name) for row in rows], ratios - 1, left=1, color=colours, height=0.7)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(f"speed-up, {rows[0].dtype}, forward and backward (log scale)")
    axes.grid(axis="x", alpha=0.3)


def draw_errors(axes: Any, rows: list[Row], names: list[str]) -> None:
    """Draw the larger of the two relative errors of each row as a dot, and its tolerance as a line."""
    for dtype, colour in COLOURS.items():
        here = [row for row in rows if row.dtype == dtype]
        compared = [row for row in here if row.forward is not None]
        places = [names.index(row.name) for row in compared]
        errors = [np.clip(worst_error(row), SMALLEST_ERROR, 1e2) for row in compared]
        axes.scatter(errors, places, s=14, color=colour, label=f"{dtype}: error")
        axes.scatter([row.tolerance for row in here], [names.index(row.name) for row in here], s=30, marker="|",
                     color=colour, label=f"{dtype}: tolerance")  # fmt: skip
    bad = [row for row in rows if row.verdict != "PASS"]
    if bad:
        errors = [np.clip(worst_error(row), SMALLEST_ERROR, 1e2) for row in bad]
        axes.scatter(errors, [names.index(row.name) for row in bad], s=60, facecolors="none",
                     edgecolors="red", label="not passed")  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel(f"largest relative error (log scale; 0 is drawn at {SMALLEST_ERROR:.0e})")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, fontsize=7, borderaxespad=4.5)


def worst_error(row: Row) -> float:
    """Return the larger relative error of forward and backward; infinity if there is none to compare."""
    errors = [error.relative for error in (row.forward, row.backward) if error is not None]
    return max(errors) if errors else float("inf")
