"""``learn.memory``: the report of what a graph keeps."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.learn.drawing.chart import shape_text, size_text
from tinygrad_edu.learn.drawing.walk import all_nodes
from tinygrad_edu.learn.memory_report.freeing import Checkpointing, checkpointing
from tinygrad_edu.learn.memory_report.kept import Kept, bytes_of_objects, kept_by
from tinygrad_edu.learn.memory_report.layers import groups_of
from tinygrad_edu.type_names import type_name

ROWS = 12  # that are listed
BAR = 24  # letters of the longest bar
IN_PLACE = "nothing: an in-place operation computes its result in new memory, and then writes it over the old numbers"


def memory(loss: Any, layers: Any = None) -> MemoryReport:
    """Report what the graph behind a tensor keeps until its backward.

    Parameters
    ----------
    loss : Tensor
        Where the backward would begin; it must not have run.
    layers : Module or Tape, optional
        Tells which layer each operation belongs to: the model, by its parameters, or what ``learn.record()``
        has written down of this forward, which knows all modules.

    Returns
    -------
    MemoryReport
        Print it; a notebook shows it as a table.

    Notes
    -----
    An array that several operations keep is counted once, at the oldest of them. What a leaf or a variable of
    the program holds anyway is told apart: only the rest is freed with the graph. Views count as the memory
    that they keep alive.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> w = torch.ones(1000, 100, requires_grad=True)
    >>> loss = torch.relu(torch.ones(50, 1000) @ w).sum()
    >>> report = learn.memory(loss)
    >>> report.total, report.by_operation
    (220000, {'MatMul': 200000, 'Relu': 20000})
    """
    if not isinstance(loss, TensorBase):
        raise TypeError(f"memory: expected a Tensor, got {type_name(loss)}")
    if loss.edge() is None:
        raise RuntimeError(
            f"memory: there is no graph behind this tensor of shape {list(loss.shape)}, so nothing is kept"
        )
    nodes = all_nodes([loss])
    if any(node.saved is None for node in nodes):
        raise RuntimeError(
            "memory: a backward has run and given up what was kept. Hint: ask for the report before it"
        )
    groups = groups_of(nodes, layers)
    names = {node: group[-1] or "(the model itself)" for node, group in groups.items() if group}
    kept = kept_by(nodes, names)
    return MemoryReport(kept, bytes_of_objects(nodes), checkpointing([loss], nodes, groups, kept))


class MemoryReport:
    """What a graph keeps.

    Attributes
    ----------
    arrays : list of Kept
        Every array once, in the order of time.
    total : int
        Bytes of arrays that are freed with the graph.
    objects : int
        About how many bytes the nodes themselves take, as Python's objects.
    parameters, program : int
        Bytes that a leaf, or a variable of the program, holds anyway.
    by_operation, by_layer : dict of str to int
        What makes up the total, largest first.
    checkpointing : Checkpointing or None
        What would be kept if each part of the model ran under ``torch.utils.checkpoint``.
    """

    def __init__(self, arrays: list[Kept], objects: int, checkpointing: Checkpointing | None) -> None:
        for array in arrays:
            array.nodes = []  # the report does not hold the graph
        self.arrays, self.objects, self.checkpointing = arrays, objects, checkpointing
        self.total = self._sum("graph")
        self.parameters, self.program = self._sum("parameter"), self._sum("program")
        self.by_operation = self._by(lambda array: array.operation)
        self.by_layer = self._by(lambda array: array.layer)

    def _sum(self, held_by: str) -> int:
        return sum([array.nbytes for array in self.arrays if array.held_by == held_by])

    def _by(self, key: Callable[[Kept], str]) -> dict[str, int]:
        sums: dict[str, int] = {}
        for array in self.arrays:
            if array.held_by == "graph":
                sums[key(array)] = sums.get(key(array), 0) + array.nbytes
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    # ---- in words ------------------------------------------------------------------------------------

    def headline(self) -> str:
        """Say in a sentence how much is kept."""
        count = sum([array.held_by == "graph" for array in self.arrays])
        arrays = "one array" if count == 1 else f"{count} arrays"
        nodes = size_text(self.objects)
        return (
            f"This graph keeps {size_text(self.total)} in {arrays} for its backward; its nodes take {nodes}"
        )

    def kept_anyway(self) -> str:
        """Say what it refers to besides, which is there without it."""
        leaves, others = size_text(self.parameters), size_text(self.program)
        return f"Parameters of {leaves}, and {others} that variables of the program hold, are there anyway"

    def remedies(self) -> list[tuple[str, str]]:
        """Return what would free how much."""
        found = [("no_grad", f"frees all {size_text(self.total)}; there is no backward then")]
        plan = self.checkpointing
        if plan is not None:
            freed = max(0, self.total - plan.kept)
            stay, back = size_text(plan.kept), size_text(plan.largest)
            parts = f"{len(plan.parts)} parts ({parts_text(plan.parts)})"
            effect = f"frees nothing: {parts} keep no more than what goes into them, and that would be kept"
            if freed:
                effect = (
                    f"frees {size_text(freed)} if each of {parts} is called through it; {stay} stay, and {back} come "
                    "back while the largest part is computed again"
                )
            found.append(("checkpoint", effect))
        return [*found, ("in place", IN_PLACE)]

    def largest(self) -> list[list[str]]:
        """Return a row for each of the largest arrays."""
        own = sorted(
            [array for array in self.arrays if array.held_by == "graph"], key=lambda array: -array.nbytes
        )
        rows = []
        for array in own[:ROWS]:
            what = f"{shape_text(array.shape)} {array.dtype}"
            shared = f"also {', '.join(array.shared_with)}" if array.shared_with else ""
            rows.append([size_text(array.nbytes), what, array.operation, array.role, array.layer, shared])
        return rows

    def __str__(self) -> str:
        lines = [self.headline() + ".", self.kept_anyway() + ".", ""]
        for title, sums in (("by operation", self.by_operation), ("by layer", self.by_layer)):
            if list(sums) != [""]:
                lines += [title, *bars(sums, self.total), ""]
        lines += ["the largest arrays", *columns(self.largest()), "", "what would free it"]
        for name, effect in self.remedies():
            lines.append(
                textwrap.fill(effect, 100, initial_indent=f"  {name:<12}", subsequent_indent=" " * 14)
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{self.headline()}.</b> {self.kept_anyway()}.</p>"]
        for title, sums in (("By operation", self.by_operation), ("By layer", self.by_layer)):
            if list(sums) != [""]:
                rows = [
                    [name or "(no layer)", size_text(size), share(size, self.total)]
                    for name, size in sums.items()
                ]
                parts.append(html_table([title, "kept", "share"], rows))
        head = ["kept", "array", "operation", "it is its", "layer", "shared"]
        parts += [html_table(head, self.largest()), html_table(["What would free it", ""], self.remedies())]
        return "".join(parts)


def parts_text(names: Sequence[str]) -> str:
    """Name some parts."""
    return ", ".join(names) if len(names) < 5 else f"{names[0]}, {names[1]}, …, {names[-1]}"


def share(size: int, total: int) -> str:
    """Write a part of the whole."""
    return f"{100 * size / total:.0f} %" if total else "0 %"


def bars(sums: dict[str, int], total: int) -> list[str]:
    """Return a line for each sum, with a bar for its part of the whole."""
    rows = []
    for name, size in list(sums.items())[:ROWS]:
        mark = "█" * round(BAR * size / max(*sums.values(), 1))
        rows.append([name or "(no layer)", size_text(size), share(size, total), mark])
    return columns(rows) + ([f"  … and {len(sums) - ROWS} more"] if len(sums) > ROWS else [])


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, their cells below one another; numbers with a unit stand to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if cell[:1].isdigit() and " " in cell and "×" not in cell else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


CELL = "padding:3px 18px 3px 0;border-bottom:1px solid #8884;text-align:left;vertical-align:top"


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; everything in it is escaped."""
    lines = []
    for tag, cells in [("th", head), *[("td", row) for row in rows]]:
        texts = [f'<{tag} style="{CELL}">{html.escape(str(cell))}</{tag}>' for cell in cells]
        lines.append(f"<tr>{''.join(texts)}</tr>")
    return f'<table style="margin:1em 0;border-collapse:collapse">{"".join(lines)}</table>'
