"""Running the backward of one node, with whatever is wanted round it.

``run_node`` is what a backward does with each node. The functions below it stand round ``run_node``, or round one
another: each is given the ``run`` that it stands round, and ``choose_run`` puts together those that are wanted.
Mostly nothing is.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import TypeAlias

from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.hooks import apply_hooks
from tinygrad_edu.autograd.node import SECOND_BACKWARD, Node
from tinygrad_edu.autograd.recording import saved_as_tensors
from tinygrad_edu.autograd.search import Search
from tinygrad_edu.autograd.tensor_base import array_of
from tinygrad_edu.backend import Array, is_gpu_in_use, on_card_of

TENSOR_HOOKS, RETAINED = operator.attrgetter("tensor_hooks"), operator.attrgetter("retained")

Gradients: TypeAlias = tuple[Array | None, ...]
Run: TypeAlias = "Callable[[Node, list[Array | None]], Gradients]"
"""Turns the gradients of a node's outputs into the gradients of its inputs."""


def run_node(node: Node, grad_outputs: list[Array | None], retain_graph: bool) -> Gradients:
    """Turn the gradients of a node's outputs, which have arrived, into those of its inputs, which are to be passed on.

    Then what the node has saved is given up.
    """
    if node.saved is None:
        raise explained(RuntimeError(SECOND_BACKWARD))
    if node.saved_links:
        node.check_versions()
    grad_inputs = node.backward(*grad_outputs)
    if not isinstance(grad_inputs, tuple):
        grad_inputs = (grad_inputs,)
    if len(grad_inputs) != len(node.next_edges):
        raise RuntimeError(wrong_number_of_gradients(node, grad_inputs))
    if node.saved and not retain_graph:
        node.release_saved()
    return grad_inputs


def wrong_number_of_gradients(node: Node, grad_inputs: Gradients) -> str:
    """Say that a ``backward`` returned too many gradients, or too few."""
    expected, got = len(node.next_edges), len(grad_inputs)
    return (
        f"{node.name()}: backward returned an incorrect number of gradients (expected {expected}, got {got})"
    )


def choose_run(order: list[Node], retain_graph: bool, create_graph: bool, search: Search | None) -> Run:
    """Return what a backward does with each node: ``run_node``, and what is wanted round it.

    Each one stands round those before it, so the last is outermost: hooks come before the search, and ``autograd.grad``
    returns what they made of a gradient.
    """
    run: Run = functools.partial(run_node, retain_graph=retain_graph)
    if create_graph:
        run = functools.partial(run_on_tensors, run)
    if this_thread.mode.observers:
        run = functools.partial(run_observed, run)
    if search is not None:
        run = functools.partial(search.run, run)
    if any(map(TENSOR_HOOKS, order)) or any(map(RETAINED, order)):
        run = functools.partial(run_hooks, run)
    if is_gpu_in_use():
        run = functools.partial(run_on_card, run)
    return run


def run_on_tensors(run: Run, node: Node, grad_outputs: list[Array | None]) -> Gradients:
    """Have Tensors in the place of the saved arrays: they have a history, so the result can be differentiated."""
    arrays, node.saved = node.saved, saved_as_tensors(node)
    try:
        return run(node, grad_outputs)
    finally:
        if node.saved is not None:  # it has not been given up
            node.saved = arrays


def run_observed(run: Run, node: Node, grad_outputs: list[Array | None]) -> Gradients:
    """Let this thread's observers look on."""
    seen: Callable[[], Gradients] = functools.partial(run, node, grad_outputs)
    for observer in this_thread.mode.observers:
        seen = functools.partial(observer.backward, seen, node, grad_outputs)
    return seen()


def run_hooks(run: Run, node: Node, grad_outputs: list[Array | None]) -> Gradients:
    """Let the hooks of the node's outputs see, and replace, the gradients first."""
    apply_hooks(node, grad_outputs)
    return run(node, grad_outputs)


def run_on_card(run: Run, node: Node, grad_outputs: list[Array | None]) -> Gradients:
    """Use the card where the gradients are: CuPy computes on no other."""
    with on_card_of(*[array_of(grad) for grad in grad_outputs]):
        return run(node, grad_outputs)
