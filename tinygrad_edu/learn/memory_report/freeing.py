"""What would be kept if the parts of a model ran under ``torch.utils.checkpoint``.

Of a part, its inputs are kept then, and all that it has saved is computed again when its backward comes.

References
----------
Tianqi Chen, Bing Xu, Chiyuan Zhang, Carlos Guestrin: Training Deep Nets with Sublinear Memory Cost, 2016.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node
from tinygrad_edu.learn.drawing.chart import Group
from tinygrad_edu.learn.drawing.walk import shapes_kept, walk_backward
from tinygrad_edu.learn.memory_report.kept import Kept, memory_of


class Checkpointing(NamedTuple):
    """What it would do.

    Attributes
    ----------
    parts : list of str
        The modules that would be called through ``checkpoint``.
    kept : int
        Bytes kept from the forward to the backward.
    largest : int
        Bytes that the largest part needs besides, while its backward runs.
    """

    parts: list[str]
    kept: int
    largest: int


def checkpointing(
    roots: Sequence[Any], nodes: Sequence[Node], groups: Mapping[Node, Group], kept: Sequence[Kept]
) -> Checkpointing | None:
    """Return what checkpointing each part of the model would do; None if its parts are not known."""
    part_of = parts(nodes, groups)
    if len(set(part_of.values())) < 2:
        return None
    memory = memory_at(nodes)
    entering = crossings(nodes, part_of)
    inputs = {memory[edge] for edge in entering if edge in memory}
    inner: dict[Group, int] = {}
    outside = 0
    for array in kept:
        if array.held_by != "graph" or array.key in inputs:
            continue
        keepers = {part_of.get(node) for node in array.nodes}
        first = next(iter(keepers))
        if None in keepers or first is None or array.comes_in:
            outside += array.nbytes
        elif len(keepers) == 1:
            inner[first] = inner.get(first, 0) + array.nbytes
    sizes = {array.key: array.nbytes if array.held_by == "graph" else 0 for array in kept}
    boundary = sum([sizes[key] for key in inputs])
    unsaved = [edge for edge in entering if edge not in memory]
    if unsaved:
        shapes = shapes_kept(nodes) | walk_backward(roots)[0]
        boundary += sum([math.prod(shapes.get(edge, ())) * roots[0].array.itemsize for edge in unsaved])
    names = [part[-1] for part in dict.fromkeys(part_of.values())]
    return Checkpointing(names, outside + boundary, max(inner.values(), default=0))


def memory_at(nodes: Sequence[Node]) -> dict[Edge, int]:
    """Return for each output that some node has saved the identity of its memory."""
    memory: dict[Edge, int] = {}
    for node in nodes:
        for array, link in zip(node.saved or (), node.saved_links or (), strict=False):
            if link is not None and array is not None:
                edge = (node, link.output_nr) if link.output_nr is not None else link.edge
                if edge is not None:
                    memory[edge] = id(memory_of(array))
    return memory


def crossings(nodes: Sequence[Node], part_of: Mapping[Node, Group]) -> list[Edge]:
    """Return the outputs that go into a part from elsewhere."""
    found: dict[Edge, None] = {}
    for node in nodes:
        for edge in node.next_edges:
            if edge is None or node not in part_of or isinstance(edge[0], AccumulateGrad):
                continue
            if part_of.get(edge[0]) != part_of[node]:
                found[edge] = None
    return list(found)


def parts(nodes: Sequence[Node], groups: Mapping[Node, Group]) -> dict[Node, Group]:
    """Return the part that each node belongs to: the outermost modules of which there are several."""
    known = [groups[node] for node in nodes if groups.get(node)]
    for depth in range(1, max([len(group) for group in known], default=0) + 1):
        found = {node: groups[node][:depth] for node in nodes if len(groups.get(node, ())) >= depth}
        if len(set(found.values())) > 1:
            return found
    return {}
