"""Which layer each node belongs to: from a model's parameters, or from a tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.learn.drawing.chart import Group
from tinygrad_edu.learn.drawing.modules import fill_in, group_of_module, parameter_names
from tinygrad_edu.learn.tape import Tape


def groups_of(nodes: Sequence[Node], layers: Any) -> dict[Node, Group]:
    """Return the modules that each node belongs to, from the outermost inwards; none if ``layers`` is None."""
    operations = [node for node in nodes if not isinstance(node, AccumulateGrad)]
    if layers is None:
        return {}
    if isinstance(layers, Tape):
        known = {
            step.sequence_nr: dotted([call.name or call.kind for call in step.modules])
            for step in layers.forward
        }
        return {node: known.get(node.sequence_nr, ()) for node in operations}
    names = parameter_names(layers)
    owners: list[Group | None] = []
    for node in operations:
        edges = [edge[0] for edge in node.next_edges if edge is not None]
        leaves = [names.get(id(leaf.variable)) for leaf in edges if isinstance(leaf, AccumulateGrad)]
        found = [name for name in leaves if name is not None]
        owners.append(group_of_module(found[0].rpartition(".")[0]) if found else None)
    return dict(zip(operations, fill_in(owners), strict=True))


def dotted(names: Sequence[str]) -> Group:
    """Return the paths of modules in one another.

    Examples
    --------
    >>> dotted(["model", "layer1", "conv"])
    ('model', 'model.layer1', 'model.layer1.conv')
    """
    return tuple([".".join(names[: n + 1]) for n in range(len(names))])
