"""A chart of the graph behind a tensor: one box for each node, inputs above and the result below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.learn.drawing.chart import Box, Chart, Group, Link, kind_of, shape_text
from tinygrad_edu.learn.drawing.modules import (
    fill_in,
    frame_names,
    group_of_module,
    parameter_names,
    variable_names,
)
from tinygrad_edu.learn.drawing.walk import Shapes, all_nodes, shapes_kept, walk_backward


def chart_of(roots: Sequence[Any], model: Any, variables: Mapping[str, Any], with_shapes: bool) -> Chart:
    """Return the chart of everything that gradients of some tensors would pass; ``variables`` give tensors names."""
    nodes = all_nodes(roots)
    shapes, seconds = shapes_kept(nodes), dict[Node, float]()
    if with_shapes:
        walked, seconds = walk_backward(roots)
        shapes |= walked
    return _Charting(nodes, model, variables, shapes, seconds).finish(roots)


def plain_inputs(node: Node) -> list[Any]:
    """Return the arrays that came into an operation without a history, as far as it keeps them."""
    saved = zip(node.saved or (), node.saved_links or (), strict=False)
    return [
        array
        for array, link in saved
        if link is not None and link.edge is None and link.output_nr is None and hasattr(array, "shape")
    ]


class _Charting:
    """Collects the boxes and links: operations in the order of time, and what they are made from before them."""

    def __init__(
        self,
        nodes: list[Node],
        model: Any,
        variables: Mapping[str, Any],
        shapes: Shapes,
        seconds: dict[Node, float],
    ) -> None:
        self.parameters, self.shapes, self.seconds = parameter_names(model), shapes, seconds
        self.names = variable_names(variables) | self.parameters
        self.chart = Chart([], [], frame_names(model))
        self.place: dict[Any, int] = {}
        operations = [node for node in nodes if not isinstance(node, AccumulateGrad)]
        groups = fill_in([self._owner(node) for node in operations])
        if not self.parameters:
            groups = [() for _ in operations]
        for leaf in self._leaves(operations):
            if id(leaf.variable) not in self.parameters:
                self._add_leaf(leaf, ())
        for node in operations:
            self._add_plain_inputs(node)
        for node, group in zip(operations, groups, strict=True):
            for leaf in self._leaves([node]):
                if leaf not in self.place:
                    self._add_leaf(leaf, group)
            self._add_operation(node, group)

    def _leaves(self, nodes: Sequence[Node]) -> list[AccumulateGrad]:
        edges = [edge[0] for node in nodes for edge in node.next_edges if edge is not None]
        return [node for node in dict.fromkeys(edges) if isinstance(node, AccumulateGrad)]

    def _owner(self, node: Node) -> Group | None:
        """Return the module whose parameter an operation uses."""
        for leaf in self._leaves([node]):
            name = self.parameters.get(id(leaf.variable))
            if name is not None:
                return group_of_module(name.rpartition(".")[0])
        return None

    def _add(self, key: Any, box: Box) -> int:
        self.place[key] = len(self.chart.boxes)
        self.chart.boxes.append(box)
        return self.place[key]

    def _add_leaf(self, leaf: AccumulateGrad, group: Group) -> None:
        tensor = leaf.variable
        name = self.names.get(id(tensor), "")
        short = name.rpartition(".")[2] or "leaf"
        line = f"{tensor.item():g}" if tensor.array.ndim == 0 else shape_text(tensor.shape)
        tip = (
            f"{name or 'a leaf'}: {shape_text(tensor.shape)}, {tensor.dtype}; its gradient is added to .grad"
        )
        self._add(leaf, Box(short, "parameter", (line,), group, tip))

    def _add_plain_inputs(self, node: Node) -> None:
        """Add what has no gradient, and is known because the node keeps it."""
        for array in plain_inputs(node):
            if ("input", id(array)) not in self.place:
                name = self.names.get(id(array), "input")
                tip = f"{name}, an input without a gradient: {shape_text(array.shape)}, {array.dtype}"
                self._add(("input", id(array)), Box(name, "input", (shape_text(array.shape),), (), tip))

    def _add_operation(self, node: Node, group: Group) -> None:
        name = node.operation_name()
        kept = sum([array.nbytes for array in node.saved or () if hasattr(array, "nbytes")])
        doc = (type(node).__doc__ or "").strip().splitlines()
        tip = f"{name}: {doc[0]}" if doc and type(node).__doc__ != Node.__doc__ else name
        seconds = self.seconds.get(node, 0.0)
        place = self._add(node, Box(name, kind_of(type(node)), (), group, tip, (name,), kept, seconds))
        for array in plain_inputs(node):
            self.chart.links.append(Link(self.place["input", id(array)], place))
        for edge in node.next_edges:
            if edge is not None:
                self.chart.links.append(Link(self.place[edge[0]], place, edge[1], self._label(edge)))

    def _label(self, edge: Any) -> str:
        known = edge in self.shapes and not isinstance(edge[0], AccumulateGrad)
        return shape_text(self.shapes[edge]) if known else ""

    def finish(self, roots: Sequence[Any]) -> Chart:
        """Add the results, and return the chart."""
        for tensor in roots:
            edge = tensor.edge()
            if edge[0] not in self.place:  # a leaf itself
                self._add_leaf(edge[0], ())
            value = f"{tensor.item():.6g}" if tensor.dim() == 0 else shape_text(tensor.shape)
            name = self.names.get(id(tensor), "result")
            place = self._add(
                ("root", id(tensor)), Box(name, "output", (value,), (), "where backward begins")
            )
            self.chart.links.append(Link(self.place[edge[0]], place, edge[1], shape_text(tensor.shape)))
        return self.chart
