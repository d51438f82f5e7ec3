"""Walking the graph backward.

``run_backward`` is the whole of backpropagation: put the nodes in topological order, then go through them
once with a dictionary of the gradients that are still to be passed on.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TypeAlias

from tinygrad_edu.autograd.grad_mode import ModeSwitch, this_thread
from tinygrad_edu.autograd.node import Edge, Node
from tinygrad_edu.autograd.observer import observed_block
from tinygrad_edu.autograd.running import choose_run
from tinygrad_edu.autograd.search import Search
from tinygrad_edu.autograd.telling import tell_called
from tinygrad_edu.autograd.tensor_base import array_of
from tinygrad_edu.backend import Array, on_card_of
from tinygrad_edu.float_errors import ignored_float_errors


def topological_order(roots: Iterable[Node]) -> list[Node]:
    """Return every node that can be reached, each one after all the nodes that use its outputs.

    A node's gradient is a sum over its users, so it may be passed on only when all of them have been seen. A
    node is always younger than the nodes it leads to: their outputs were there when it was made. So the order
    of age, youngest first, is a topological one. Nothing is recursive: a chain of 100,000 operations needs no
    more stack than one of ten.
    """
    seen = set(roots)
    found = list(seen)
    for node in found:  # the list grows while it is walked
        for edge in node.next_edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                found.append(edge[0])
    return sorted(found, key=operator.attrgetter("sequence_nr"), reverse=True)


Pending: TypeAlias = dict[Node, list[Array | None]]
"""For each node that still has to run, the gradients of its outputs, as far as they have arrived."""


def run_backward(
    pending: Pending, retain_graph: bool, create_graph: bool, search: Search | None = None
) -> None:
    """Propagate gradients from the roots to the leaves, whose nodes add them to ``grad``.

    Parameters
    ----------
    pending : dict of Node to list
        At first, the gradients of the outputs to differentiate: arrays, or Tensors if ``create_graph``.
    retain_graph : bool
        Keep the saved arrays, so that the graph can be walked again.
    create_graph : bool
        Compute with Tensors, so that the gradients can be differentiated in their turn.
    search : Search, optional
        Collects the gradients that arrive at some edges, and lets nothing reach a leaf.
    """
    order = topological_order(pending)
    if search is not None:
        order = search.prune(order)
    run = choose_run(order, retain_graph, create_graph, search)
    # A backward is recorded only if it is to be differentiated in its turn; 1 / 0 is infinity and no news.
    with ModeSwitch(create_graph), ignored_float_errors(), observed_block("run_backward", "backward"):
        for node in order:
            grad_outputs = pending.pop(node, None)
            if grad_outputs is None:
                continue  # all its users answered None: nothing flows through here
            grad_inputs = run(node, grad_outputs)  # node.backward(*grad_outputs), and what is wanted round it
            for edge, grad in zip(node.next_edges, grad_inputs, strict=True):
                if edge is not None and grad is not None:
                    add_gradient(pending, edge, grad)


def add_gradient(pending: Pending, edge: Edge, grad: Array) -> None:
    """Add a gradient to those that have arrived at an edge."""
    node, output_nr = edge
    grads = pending.setdefault(node, [None] * node.num_outputs)
    grads[output_nr] = grad if grads[output_nr] is None else sum_of(grads[output_nr], grad)


def sum_of(a: Array, b: Array) -> Array:
    """Return the sum of two gradients, on the card where they are."""
    with on_card_of(array_of(a)):
        total = b + a if getattr(a, "is_sparse", False) else a + b  # a sparse one may be added to a dense one
    if this_thread.mode.observers:
        tell_called(sum_of, (a, b), total)
    return total
