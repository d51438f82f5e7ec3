"""What a graph does not say until it is walked: the shapes of the outputs, and how long each backward takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.autograd.grad_mode import ModeSwitch
from tinygrad_edu.autograd.graph import Pending, add_gradient, topological_order
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node
from tinygrad_edu.autograd.running import run_node
from tinygrad_edu.autograd.tensor_base import array_of
from tinygrad_edu.backend import array_module
from tinygrad_edu.float_errors import ignored_float_errors

Shapes = dict[Edge, tuple[int, ...]]


def shapes_kept(nodes: Sequence[Node]) -> Shapes:
    """Return the shapes of outputs that are known without computing: of leaves, and of what has been saved."""
    shapes: Shapes = {}
    for node in nodes:
        if isinstance(node, AccumulateGrad):
            shapes[node, 0] = tuple(node.variable.shape)
        for array, link in zip(node.saved or (), node.saved_links or (), strict=False):
            if link is None or not hasattr(array, "shape"):
                continue
            edge = (node, link.output_nr) if link.output_nr is not None else link.edge
            if edge is not None:
                shapes[edge] = tuple(array.shape)
    return shapes


def walk_backward(roots: Sequence[Any]) -> tuple[Shapes, dict[Node, float]]:
    """Return the shape of every output that a gradient reaches, and the seconds each node's backward took.

    A gradient has the shape of what it is the gradient of. Hooks are left out, no ``grad`` changes, and
    everything saved stays. Where a backward fails, or the saved arrays have been given up, the walk ends, and
    what is known is returned.
    """
    pending: Pending = {}
    for root in roots:
        array = array_of(root)
        add_gradient(pending, root.edge(), array_module(array).ones_like(array))
    shapes: Shapes = {}
    seconds: dict[Node, float] = {}
    with ModeSwitch(grad_enabled=False), ignored_float_errors():
        for node in topological_order(pending):
            grads = pending.pop(node, None)
            if grads is None:
                continue
            shapes.update(
                {(node, nr): tuple(grad.shape) for nr, grad in enumerate(grads) if grad is not None}
            )
            if isinstance(node, AccumulateGrad):
                continue
            start = time.perf_counter()
            try:
                answer = run_node(node, grads, retain_graph=True)
            except Exception:
                break
            seconds[node] = time.perf_counter() - start
            for edge, grad in zip(node.next_edges, answer, strict=True):
                if edge is not None and grad is not None:
                    add_gradient(pending, edge, grad)
    return shapes, seconds


def all_nodes(roots: Sequence[Any]) -> list[Node]:
    """Return the nodes behind some tensors, oldest first."""
    nodes = {tensor.edge()[0]: None for tensor in roots if tensor.edge() is not None}
    return topological_order(nodes)[::-1]
