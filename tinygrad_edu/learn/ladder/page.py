"""The page of a family of kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import tinygrad_edu as torch
from tinygrad_edu.learn import html
from tinygrad_edu.learn.drawing.chart import time_text
from tinygrad_edu.learn.ladder.example import example
from tinygrad_edu.learn.ladder.sources import RUNGS, highlighted, source_of
from tinygrad_edu.learn.ladder.timing import Timing

PACKAGE = "tinygrad_edu.learn.ladder"
RUNG_TITLES = {
    "reference": ("reference.py", "plain Python loops, to read and to step through"),
    "cpu": ("cpu.py", "compiled by Numba for this processor"),
    "cuda": ("cuda.py", "for an NVIDIA GPU: thousands of threads run the body of the loop"),
}


def page_of(family: str, functions: Sequence[str], timings: Sequence[Timing]) -> str:
    """Return the page as HTML."""
    with_animations = family == "convolution"
    animations, scripts = "", ["main.js"]
    if with_animations:
        animations = html.assets(PACKAGE, ["animations.html"])[0]
        scripts = ["player.js", "im2col.js", "tile.js", "main.js"]
    title = f"The kernels of {family}, rung beside rung"
    body = (
        f"<main><h1>The kernels of <em>{escape(family)}</em></h1>"
        '<p class="lead">The same functions, written three times: to be read, to be fast here, to be fast on a card. '
        f"Tests hold them equal.</p>{times_of(timings)}{animations}{sources_of(family, functions)}</main>"
    )
    data = example() if with_animations else {}
    return html.page(title, body, html.assets(PACKAGE, ["page.css"]), html.assets(PACKAGE, scripts), data)


def times_of(timings: Sequence[Timing]) -> str:
    """Return the table of times, with bars of their logarithms."""
    rows = [f"<tr><th>kernel</th><th>arrays</th>{''.join([f'<th>{rung}</th>' for rung in RUNGS])}</tr>"]
    known = [seconds for timing in timings for seconds in timing[2:] if seconds]
    longest, shortest = max(known, default=1.0), min(known, default=1.0)
    for timing in timings:
        cells = [f'<td class="code">{escape(timing.name)}</td><td class="sizes">{escape(timing.sizes)}</td>']
        for rung in RUNGS:
            cells.append(time_cell(timing, rung, shortest, longest))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    note = (
        f"Measured on this machine, with up to {torch.get_num_threads()} threads; of several calls the fastest. "
        "The lengths of the bars are logarithms of the times."
    )
    table = f'<div class="wide"><table>{"".join(rows)}</table></div>'
    return f'<section><h2>Times</h2>{table}<p class="note">{note}</p></section>'


def time_cell(timing: Timing, rung: str, shortest: float, longest: float) -> str:
    """Return one time, with its bar."""
    seconds = getattr(timing, rung)
    if seconds is None:
        return '<td class="absent">not here</td>'
    faster = f" <b>{timing.reference / seconds:,.0f}×</b>" if rung != "reference" and timing.reference else ""
    range_of_times = math.log10(longest / shortest) or 1.0
    width = 8 + 92 * math.log10(seconds / shortest) / range_of_times
    return f'<td>{time_text(seconds)}{faster}<div class="bar {rung}" style="width:{width:.0f}%"></div></td>'


def sources_of(family: str, functions: Sequence[str]) -> str:
    """Return the texts: a choice of kernels, and for each its three rungs side by side."""
    options = "".join([f"<option>{escape(name)}</option>" for name in functions])
    parts = [
        '<section><h2>Text</h2><p><label>Kernel <select id="kernel">',
        options,
        "</select></label> <span class='note'>with the functions of its family that it calls</span></p>",
    ]
    for number, function in enumerate(functions):
        hidden = "" if number == 0 else " hidden"
        parts.append(f'<div class="rungs" data-kernel="{escape(function)}"{hidden}>')
        for rung in RUNGS:
            title, note = RUNG_TITLES[rung]
            source = source_of(family, rung, function)
            text = (
                highlighted(source)
                if source
                else '<span class="comment"># this rung has no such kernel</span>'
            )
            parts.append(
                f'<article><h3>{title}</h3><p class="note">{note}</p><pre tabindex="0">{text}</pre></article>'
            )
        parts.append("</div>")
    return "".join([*parts, "</section>"])
