"""Which lines of a list become part of a CUDA graph, and how the others read between graphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.ops.nn.norm import update_running
from tinygrad_edu.random import next_seed
from tinygrad_edu.replay.arrays import is_on_gpu
from tinygrad_edu.replay.lines.functions import accumulate, keep, write, write_into

OF_PYTHON = (accumulate, keep, next_seed)
"""They change objects of Python; what they return is another number in each call, or outlives it."""

IN_PLACE: dict[Any, str] = {write: "", write_into: "a replayed step", update_running: "batch_norm"}
"""They return nothing and write into an array; what a tensor that outlives the call calls its change."""


class Line:
    """A line of the list.

    Attributes
    ----------
    text : str
        As it is in the list.
    results, names : list of str
        Which arrays and numbers it makes, and which it uses.
    node : Node or None
        Whose forward or backward it calls.
    makes_saved : bool
        Whether it says what the backward will use.
    captured : bool
        Whether it becomes part of a graph.
    after : str
        What is to be done beside the graph: a tensor counts its changes.
    """

    def __init__(self, text: str, scope: dict[str, Any]) -> None:
        self.text, self.captured = text, False
        made, _, call = text.partition(" = ") if re.match(r"[\w, ]+ = ", text) else ("", "", text)
        self.results, self.names = re.findall(r"\bt\d+\b", made), re.findall(r"\b[xt]\d+\b", call)
        self.words = [scope[word] for word in re.findall(r"\b[a-zA-Z_]\w*", call) if word in scope]
        self.function: Any = scope.get(call.split("(")[0])
        self.node = next((word for word in self.words if isinstance(word, Node)), None)
        self.makes_saved = self.node is not None and ".backward(" not in call
        self.in_place = self.function in IN_PLACE
        name = IN_PLACE.get(self.function, "")
        self.after = (
            f"{call[call.index('(') + 1 : call.index(',')]}.increment_version({name!r})" if name else ""
        )
        self.code = compile(
            text.removeprefix("return "), "<list>", "eval" if text.startswith("return ") else "exec"
        )

    def returned(self) -> list[str]:
        """Return which arrays it returns."""
        return self.names if re.match(r"r\d+ = ", self.text) else []

    def may_be_captured(self, values: dict[str, Any]) -> bool:
        """Tell whether it computes arrays of the GPU from such arrays alone."""
        if self.function in OF_PYTHON or not (self.results or self.in_place or self.makes_saved):
            return False
        words = [
            part for word in self.words for part in (word if isinstance(word, tuple | list) else (word,))
        ]
        others = [word.array if isinstance(word, Tensor) else word for word in words]
        is_of_host = any(isinstance(word, np.ndarray) for word in others)
        return not is_of_host and all(is_on_gpu(values[name]) for name in self.names)

    def text_between(self, of_graphs: set[str]) -> str:
        """Return how it reads where it is no part of a graph: what is given away must not lie in a graph's memory."""
        text = re.sub(r"\b(result|spent)\((t\d+)", r"\1(apart(\2)", self.text)
        match = re.search(r"\bkeep\(\w+, (t\d+)\)", text)
        return text.replace("keep(", "accumulate(") if match and match[1] in of_graphs else text


def plan(lines: list[Line], shared: set[str]) -> None:
    """Leave those lines out that cannot be captured because of others, and those that would be a graph of one line."""
    before = -1
    while before != (now := sum(line.captured for line in lines)):
        before = now
        between = [line for line in lines if not line.captured]
        nodes = {id(line.node) for line in between if line.makes_saved}
        alive = {name for line in between if line.function in OF_PYTHON for name in line.results}
        alive |= {name for line in between for name in line.results} & shared
        for row in rows(lines):
            for line in row:
                depends = alive.intersection(line.names) or id(line.node) in nodes
                line.captured = line.captured and len(row) > 1 and not depends


def rows(lines: list[Line]) -> Iterator[list[Line]]:
    """Return the captured lines in rows without another one between."""
    row: list[Line] = []
    for line in [*lines, None]:
        if line is not None and line.captured:
            row.append(line)
        elif row:
            yield row
            row = []


def names_of_graphs(lines: list[Line]) -> set[str]:
    """Return the names of all arrays that lie in the memory of graphs."""
    return {name for line in lines if line.captured for name in [*line.names, *line.results]}
