"""What ``autograd.grad`` adds to a backward: it looks for some gradients, and lets none reach a leaf."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.node import Edge, Node
from tinygrad_edu.backend import Array


class Search:
    """What ``autograd.grad`` looks for: the gradients that arrive at some edges.

    Attributes
    ----------
    wanted : list of (Node, int)
        Those edges.
    targets, leading : set of Node
        The nodes of those edges; all nodes from which they can be reached.
    collected : dict
        The gradients that have been found.
    """

    def __init__(self, wanted: list[Edge]) -> None:
        self.wanted = wanted
        self.targets = {node for node, _ in wanted}
        self.leading: set[Node] = set()
        self.collected: dict[Edge, Array] = {}

    def prune(self, order: list[Node]) -> list[Node]:
        """Return the nodes of ``order`` from which a target can be reached, and remember them."""
        for node in reversed(order):
            if node in self.targets or self.leads_on(node):
                self.leading.add(node)
        return [node for node in order if node in self.leading]

    def leads_on(self, node: Node) -> bool:
        """Tell whether there is a target behind this node."""
        return any(edge is not None and edge[0] in self.leading for edge in node.next_edges)

    def run(self, run: Any, node: Node, grad_outputs: list[Array | None]) -> Any:
        """Take the gradients that have arrived, if this is a target; run the node if a target is behind it, too."""
        if node in self.targets:
            self.collected.update({(node, i): g for i, g in enumerate(grad_outputs) if g is not None})
            if not self.leads_on(node):
                return (None,) * len(node.next_edges)
        return run(node, grad_outputs)

    def results(self) -> list[Array | None]:
        """Return the gradient that arrived at each edge; None where no path led."""
        return [self.collected.get(edge) for edge in self.wanted]
