"""The parity report as a table for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu.learn.parity_compare import Error, Row


@dataclass
class Report:
    """All rows, and what they are about.

    Parameters
    ----------
    engines : list of str
        The device, and what it is compared with.
    expected_rows : int
        How many rows there are when nobody interrupts.
    """

    engines: list[str]
    expected_rows: int
    rows: list[Row] = field(default_factory=list)
    is_partial: bool = False

    @property
    def failures(self) -> list[Row]:
        """Return the rows that are out of tolerance, and those that raised an error."""
        return [row for row in self.rows if row.verdict != "PASS"]

    def summary(self) -> list[str]:
        """Return the sentences at the end of the table, and at the beginning of the Markdown file."""
        rows, bad = self.rows, self.failures
        errors = sum(row.verdict == "ERROR" for row in bad)
        lines = [
            f"{self.engines[0]} against {self.engines[1]}: {len(rows) - len(bad)} of {len(rows)} rows PASS, "
            f"{len(bad) - errors} FAIL, {errors} ERROR."
        ]
        if self.is_partial:
            lines.append(f"PARTIAL: interrupted after {len(rows)} of {self.expected_rows} rows.")
        ratios = [row.speedup for row in rows if row.size == "typical" and row.speedup is not None]
        if ratios:
            middle = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
            lines.append(f"Speed-up at typical sizes, geometric mean of {len(ratios)} rows: {middle:.2f}.")
        return lines


EXPLANATION = (
    "Relative errors are the largest deviation over the largest number of an array; a row passes if those of all "
    "outputs (forward) and gradients (backward) are within its tolerance: 1e-5 for float32 and 1e-12 for float64, "
    "ten times that where an operation magnifies rounding errors; whole numbers must be equal. Times are medians, "
    "forward and backward together, until the device is idle; a speed-up above 1 means that the first device is faster."
)


def number(value: float | None) -> str:
    """Write an error."""
    if value is None:
        return "-"
    return "0" if value == 0 else f"{value:.1e}"


def milliseconds(seconds: float) -> str:
    """Write a time."""
    return f"{seconds * 1e3:.3g}" if seconds > 0 else "-"


def errors_of(error: Error | None) -> list[str]:
    """Write an absolute and a relative error."""
    return ["-", "-"] if error is None else [number(error.absolute), number(error.relative)]


# What is above each column, and how a row fills it.
HEADS = ["what", "size", "dtype", "fwd abs", "fwd rel", "bwd abs", "bwd rel", "tolerance", "ms", "ms against",
         "speed-up", "verdict"]  # fmt: skip


def cells(row: Row) -> list[str]:
    """Write the cells of a row."""
    return [
        row.name,
        row.size,
        row.dtype,
        *errors_of(row.forward),
        *errors_of(row.backward),
        f"{row.tolerance:.0e}",
        milliseconds(row.total_seconds[0]),
        milliseconds(row.total_seconds[1]),
        "-" if row.speedup is None else f"{row.speedup:.2f}",
        row.verdict,
    ]


def as_table(report: Report) -> str:
    """Return the report as text with aligned columns."""
    lines = [HEADS, *[cells(row) for row in report.rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    for place, row in reversed(list(enumerate(report.rows, start=1))):
        if row.message:
            text.insert(place + 1, f"    {row.message}")
    return "\n".join([line.rstrip() for line in text] + ["", *report.summary()])


def as_markdown(report: Report) -> str:
    """Return the report as a Markdown page."""
    title = f"# Parity report: {report.engines[0]} against {report.engines[1]}"
    system = f"tinygrad_edu {torch.__version__}, NumPy {np.__version__}, Python {platform.python_version()}, "
    lines = [title, "", *report.summary(), "", EXPLANATION, "", f"{system}{platform.system()}.", ""]
    if report.failures:
        lines += ["## Not passed", ""]
        lines += [f"- {r.verdict}: {r.name}, {r.size}, {r.dtype}: {r.message}" for r in report.failures] + [
            ""
        ]
    lines += ["## All rows", "", markdown_line(HEADS), "|" + "---|" * len(HEADS)]
    lines += [markdown_line(cells(row)) for row in report.rows]
    return "\n".join(lines) + "\n"


def markdown_line(texts: list[str]) -> str:
    """Write a row of a Markdown table."""
    return "| " + " | ".join(texts) + " |"


def write_json(report: Report, path: Path) -> None:
    """Write everything that is known, times in seconds; infinite errors are null."""
    content = {
        "device": report.engines[0],
        "against": report.engines[1],
        "partial": report.is_partial,
        "expected_rows": report.expected_rows,
        "versions": {
            "tinygrad_edu": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "summary": report.summary(),
        "rows": [{**asdict(row), "speedup": row.speedup} for row in report.rows],
    }
    path.write_text(json.dumps(finite(content), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def finite(value: Any) -> Any:
    """Return the content with null in place of infinity and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
