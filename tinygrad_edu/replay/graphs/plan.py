"""Which lines of a list become part of a CUDA graph, and how the others read between graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.ops.nn.norm import update_running
from tinygrad_edu.random import next_seed
from tinygrad_edu.replay.arrays import is_on_gpu
from tinygrad_edu.replay.lines.functions import accumulate, keep, result, spent, write, write_into
from tinygrad_edu.replay.lines.line import Expression, Line

OF_PYTHON = (accumulate, keep, next_seed)
"""They change objects of Python; what they return is another number in each call, or outlives it."""

IN_PLACE: dict[Any, str] = {write: "", write_into: "a replayed step", update_running: "batch_norm"}
"""They return nothing and write into an array; what a tensor that outlives the call calls its change."""


class Planned:
    """A line of the list, and what becomes of it.

    Attributes
    ----------
    line : Line
        As it is in the list.
    names : list of str
        Which arrays and numbers it uses that each call makes anew.
    kept : list of object
        What else it uses.
    makes_saved : bool
        Whether it says what the backward will use.
    captured : bool
        Whether it becomes part of a graph.
    after : str
        What is to be done beside the graph: a tensor counts its changes.
    """

    def __init__(self, line: Line, scope: dict[str, Any]) -> None:
        self.line, self.captured = line, False
        self.names = [name for name in line.names if name not in scope]
        self.kept = [scope[name] for name in line.names if name in scope]
        self.makes_saved = line.node is not None and line.method != "backward"
        name = IN_PLACE.get(line.function, "")
        self.after = f"{line.arguments[0]}.increment_version({name!r})" if name and line.arguments else ""
        self.code = compile(str(line), "<list>", "exec")

    def may_be_captured(self, values: dict[str, Any]) -> bool:
        """Tell whether it computes arrays of the GPU from such arrays alone."""
        writes = self.line.results or self.line.function in IN_PLACE or self.makes_saved
        if self.line.function in OF_PYTHON or not writes:
            return False
        parts = [part for kept in self.kept for part in (kept if isinstance(kept, tuple | list) else (kept,))]
        arrays = [part.array if isinstance(part, Tensor) else part for part in parts]
        is_of_host = any(isinstance(array, np.ndarray) for array in arrays)
        return not is_of_host and all(is_on_gpu(values[name]) for name in self.names)

    def text_between(self, of_graphs: set[str]) -> str:
        """Return how it reads where it is no part of a graph: what is given away must not lie in a graph's memory."""
        line = self.line
        if line.function in (result, spent) and line.arguments:
            array, *others = line.arguments
            line = Line(line.targets, line.called, [Expression("apart(", array, ")"), *others])
        elif line.function is keep and of_graphs.intersection(line.names):
            line = Line(line.targets, Expression("accumulate"), line.arguments)
        return str(line)


def plan(lines: list[Planned], shared: set[str]) -> None:
    """Leave those lines out that cannot be captured because of others, and those that would be a graph of one line."""
    before = -1
    while before != (now := sum(line.captured for line in lines)):
        before = now
        between = [line for line in lines if not line.captured]
        nodes = {id(line.line.node) for line in between if line.makes_saved}
        alive = {name for line in between if line.line.function in OF_PYTHON for name in line.line.results}
        alive |= {name for line in between for name in line.line.results} & shared
        for row in rows(lines):
            for line in row:
                depends = alive.intersection(line.names) or id(line.line.node) in nodes
                line.captured = line.captured and len(row) > 1 and not depends


def rows(lines: list[Planned]) -> Iterator[list[Planned]]:
    """Return the captured lines in rows without another one between."""
    row: list[Planned] = []
    for line in [*lines, None]:
        if line is not None and line.captured:
            row.append(line)
        elif row:
            yield row
            row = []


def names_of_graphs(lines: list[Planned]) -> set[str]:
    """Return the names of all arrays that lie in the memory of graphs."""
    return {name for line in lines if line.captured for name in [*line.names, *line.line.results]}
