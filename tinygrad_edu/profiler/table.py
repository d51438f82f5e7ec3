"""The profiler's table as text."""

from __future__ import annotations

from typing import Any

GAP = "  "


def build_table(
    rows: list[Any],
    row_limit: int,
    widths: tuple[int | None, int | None, int | None],
    header: str | None,
    with_memory: bool,
    time_unit: str | None,
    recorded_us: float,
) -> str:
    """Return rows (``FunctionEventAvg`` or ``FunctionEvent``) as a table with PyTorch's columns and three more.

    Parameters
    ----------
    rows : list
        What to show, in this order.
    row_limit : int
        How many at most; -1 for all.
    widths : (int or None, int or None, int or None)
        Longest name, shapes and source location; longer ones are cut.
    header : str, optional
        A line above.
    with_memory : bool
        Whether there are columns of bytes.
    time_unit : {"s", "ms", "us"}, optional
        One unit for all times; None chooses for each.
    recorded_us : float
        What is 100 %, in microseconds.
    """
    if not rows:
        return ""
    name_width, shapes_width, source_width = widths
    shown = rows if row_limit < 0 else rows[:row_limit]
    cells = [[cut(row.key, name_width), *numbers(row, recorded_us, with_memory, time_unit)] for row in shown]
    titles = ["Name", *number_titles(with_memory)]
    titles, *cells = without_empty_columns([titles, *cells])
    left_aligned = 0
    if any(row.input_shapes for row in rows):
        titles.append("Input Shapes")
        for row, line in zip(shown, cells, strict=True):
            line.append(cut(str(row.input_shapes), shapes_width))
    if any(row.stack for row in rows):
        titles.append("Source Location")
        left_aligned = 1
        cells = with_sources(shown, cells, source_width)
    lines = aligned([titles, *cells], left_aligned)
    rule = GAP.join(["-" * len(cell) for cell in lines[0]])
    text = [GAP.join(line).rstrip() for line in lines]
    above = [] if header is None else ["=" * len(rule), header]
    below = f"Self CPU time total: {time_text(recorded_us, time_unit)}"
    return "\n".join([*above, rule, text[0], rule, *text[1:], rule, below, ""])


def number_titles(with_memory: bool) -> list[str]:
    """Return the titles of the columns between the name and the shapes."""
    times = ["Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
    memory = ["CPU Mem", "Self CPU Mem"] if with_memory else []
    return [*times, "Forward", "Backward", "Kernel", *memory, "# of Calls"]


def numbers(row: Any, recorded_us: float, with_memory: bool, time_unit: str | None) -> list[str]:
    """Return the cells of one row below ``number_titles``; a dash for what it does not have."""
    parts = [
        time_text(us, time_unit) if us else "-"
        for us in (
            getattr(row, "forward_time_total", 0),
            getattr(row, "backward_time_total", 0),
            row.kernel_time_total,
        )
    ]
    memory = [memory_text(row.cpu_memory_usage), memory_text(row.self_cpu_memory_usage)]
    return [
        share_text(row.self_cpu_time_total, recorded_us),
        time_text(row.self_cpu_time_total, time_unit),
        share_text(row.cpu_time_total, recorded_us),
        time_text(row.cpu_time_total, time_unit),
        time_text(row.cpu_time, time_unit),
        *parts,
        *(memory if with_memory else []),
        str(row.count),
    ]


def without_empty_columns(lines: list[list[str]]) -> list[list[str]]:
    """Return the lines without the columns that have nothing but dashes below their title."""
    columns = [column for column in zip(*lines, strict=True) if set(column[1:]) != {"-"}]
    return [list(line) for line in zip(*columns, strict=True)]


def with_sources(rows: list[Any], cells: list[list[str]], width: int | None) -> list[list[str]]:
    """Return the lines with the source locations: the first beside the row, the others below it."""
    lines = []
    for row, line in zip(rows, cells, strict=True):
        places = [place if width is None else place[-width:] for place in row.stack]
        lines.append([*line, places[0] if places else ""])
        lines.extend([[*[""] * len(line), place] for place in places[1:]])
    return lines


def aligned(lines: list[list[str]], left_aligned: int) -> list[list[str]]:
    """Return the cells, padded to the width of their column; the last ``left_aligned`` columns to the right."""
    widths = [max([len(cell) for cell in column]) for column in zip(*lines, strict=True)]
    last = len(widths) - left_aligned
    return [
        [
            cell.rjust(width) if number < last else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]


def cut(text: str, width: int | None) -> str:
    """Return a text of at most ``width`` characters."""
    return text if width is None or len(text) <= width else text[: width - 3] + "..."


def time_text(microseconds: float, unit: str | None = None) -> str:
    """Return a time with its unit, the fitting one by default."""
    if unit is None:
        unit = "s" if microseconds >= 1e6 else "ms" if microseconds >= 1e3 else "us"
    if unit not in ("s", "ms", "us"):
        raise ValueError(f"table: expected time_unit to be 's', 'ms' or 'us', got {unit!r}")
    return f"{microseconds / {'s': 1e6, 'ms': 1e3, 'us': 1.0}[unit]:.3f}{unit}"


def share_text(part: float, whole: float) -> str:
    """Return a share in percent."""
    return f"{part / whole:.2%}" if whole else "NaN"


def memory_text(num_bytes: int) -> str:
    """Return a number of bytes, with the fitting unit of 1024."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if num_bytes >= size:
            return f"{num_bytes / size:.2f} {unit}"
    return f"{num_bytes} B"
