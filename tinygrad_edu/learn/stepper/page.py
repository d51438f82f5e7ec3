"""The stepper's page: one HTML file that opens from disk and fetches nothing."""

from __future__ import annotations

import html
from typing import Any

from tinygrad_edu.learn.html import assets, page
from tinygrad_edu.learn.stepper.data import page_data
from tinygrad_edu.learn.tape import Tape

PACKAGE = "tinygrad_edu.learn.stepper"
STYLES = ("page.css",)
SCRIPTS = (  # in this order: each uses what stands above it
    "tools.js",
    "model.js",
    "layout.js",
    "folding.js",
    "graph.js",
    "values.js",
    "pin.js",
    "panel.js",
    "code.js",
    "main.js",
)


def stepper_page(tape: Tape, title: str = "") -> str:
    """Return the page of a tape as HTML.

    Parameters
    ----------
    tape : Tape
    title : str
        What stands above it; by default the name of the user's file.
    """
    data = page_data(tape, title or title_of(tape))
    (body,) = assets(PACKAGE, ["page.html"])
    body = body.replace("{title}", html.escape(data["title"])).replace(
        "{about}", html.escape(about(tape, data))
    )
    return page(data["title"], body, assets(PACKAGE, STYLES), assets(PACKAGE, SCRIPTS), data)


def title_of(tape: Tape) -> str:
    """Return the name of the file where the backward was called, or of the first step's."""
    lines = tape.called_at or next((step.lines for step in tape.forward if step.lines), ())
    return str(lines[-1]).rpartition(":")[0] if lines else "A recorded graph"


def about(tape: Tape, data: dict[str, Any]) -> str:
    """Return the line beside the title."""
    where = "no backward was recorded"
    if tape.called_at:
        where = f"{tape.called_at[0].source or 'backward'} in line {tape.called_at[0].number}"
    if tape.backward_number > 1:
        where += f", backward number {tape.backward_number}"
    steps, leaves = len(tape.forward), sum(leaf.requires_grad for leaf in tape.leaves)
    parts = [
        where,
        f"{steps} step{'' if steps == 1 else 's'} forward, {len(tape.backward)} backward",
        f"{leaves} {'leaf wants its' if leaves == 1 else 'leaves want their'} gradient",
        f"{in_units(data['keptBytes'])} kept in between",
    ]
    return " · ".join(parts)


def in_units(count: int) -> str:
    """Write a number of bytes."""
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.1f} KiB" if count < 2**20 else f"{count / 2**20:.1f} MiB"
