"""Walking the graph backward.

``run_backward`` is the whole of backpropagation: put the nodes in topological order, then go through them
once with a dictionary of the gradients that are still to be passed on.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from tinygrad_edu import _tensor
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node, accumulate_grad, private_copy
from tinygrad_edu.autograd.watching import backward_on_tensors, watched_backward
from tinygrad_edu.backend import Array, is_on_host, on_card_of
from tinygrad_edu.profiler.event import Category
from tinygrad_edu.profiler.label import recorded
from tinygrad_edu_kernels import overlap

NOTHING = contextlib.nullcontext()
SEQUENCE_NR = operator.attrgetter("sequence_nr")


def topological_order(roots: Iterable[Node]) -> list[Node]:
    """Return every node that can be reached, each one after all the nodes that use its outputs.

    A node's gradient is a sum over its users, so it may be passed on only when all of them have been seen. A
    node is always younger than the nodes it leads to: their outputs were there when it was made. So the order
    of age, youngest first, is a topological one. Nothing is recursive: a chain of 100,000 operations needs no
    more stack than one of ten.
    """
    return explore(roots)[0]


def explore(roots: Iterable[Node]) -> tuple[list[Node], set[Node]]:
    """Return the nodes in topological order, and those of them that can be reached by more than one edge."""
    seen = set(roots)
    found = list(seen)
    shared: set[Node] = set()
    for node in found:  # the list grows while it is walked
        for edge in node.next_edges:
            if edge is not None:
                behind, _ = edge
                if behind in seen:
                    shared.add(behind)
                else:
                    seen.add(behind)
                    found.append(behind)
    found.sort(key=SEQUENCE_NR, reverse=True)
    return found, shared


def nodes_leading_to(order: list[Node], targets: set[Node]) -> set[Node]:
    """Return the nodes of ``order`` from which a target can be reached, the targets included."""
    leading = set()
    for node in reversed(order):
        if node in targets or any(edge is not None and edge[0] in leading for edge in node.next_edges):
            leading.add(node)
    return leading


def run_backward(
    roots: list[Edge],
    root_grads: list[Array],
    retain_graph: bool,
    create_graph: bool,
    wanted: list[Edge] | None = None,
) -> list[Array | None]:
    """Propagate gradients from the roots to the leaves.

    Parameters
    ----------
    roots : list of (Node, int)
        Where to begin: the outputs to differentiate.
    root_grads : list of arrays (Tensors if ``create_graph``)
        The gradients of the roots, with the roots' shapes and dtypes.
    retain_graph : bool
        Keep the saved arrays, so that the graph can be walked again.
    create_graph : bool
        Compute with Tensors, so that the gradients can be differentiated in their turn.
    wanted : list of (Node, int), optional
        Collect the gradients that arrive here and leave every leaf's ``grad`` as it is (``autograd.grad``);
        without it they are added to the ``grad`` of the leaves.

    Returns
    -------
    list of arrays (Tensors if ``create_graph``) or None
        The wanted gradients; None where no path leads.
    """
    order, shared = explore([node for node, _ in roots])
    search = None if wanted is None else Search(wanted, order)
    if search is not None:
        order = search.on_the_way(order)
    pending: dict[Node, list[Array | None]] = {}
    for edge, grad in zip(roots, root_grads):  # noqa: B905  (strict=True is slower)
        is_kept = isinstance(edge[0], AccumulateGrad) and search is None
        add_gradient(pending, edge, private_copy(grad) if is_kept else grad)

    first = root_grads[0] if root_grads else np.zeros(0)
    first = first.array if isinstance(first, _tensor.Tensor) else first
    on_gpu = not is_on_host(first)
    mode = this_thread.mode
    watched, grad_was_enabled = mode.watched, mode.grad_enabled
    plain = not (watched or create_graph)
    last = last_operation(order) if plain else None
    token = mode.numpy_errors.set(mode.ignored_errors())  # np.errstate and set_grad_enabled, in less time
    try:
        mode.grad_enabled = create_graph
        overlap.allow(False)  # this may be a backward within another one's last operation
        with surroundings(first) if watched or on_gpu else NOTHING:
            for node in order:
                grad_outputs = pending.pop(node, None)
                if grad_outputs is None:
                    continue  # all its users answered None: nothing flows through here
                if on_gpu:
                    use_card_of(grad_outputs)
                if node.watched:
                    apply_hooks(node, grad_outputs)
                if search is not None and node in search.targets and not search.collect(node, grad_outputs):
                    continue
                if node.saved or node.saved is None:
                    node.check_ready()
                if node is last:
                    overlap.allow(True)  # only leaves are left; who reads a gradient there calls overlap.wait
                if watched:
                    grad_inputs = watched_backward(node, grad_outputs, create_graph)
                elif create_graph:
                    grad_inputs = backward_on_tensors(node, grad_outputs)
                else:
                    grad_inputs = node.backward(*grad_outputs)
                if not isinstance(grad_inputs, tuple):
                    grad_inputs = (grad_inputs,)
                if node.saved and not retain_graph:
                    node.release()
                if len(grad_inputs) != len(node.next_edges):
                    raise RuntimeError(wrong_number_of_gradients(node, grad_inputs))
                position = 0  # not by zip, of which every node would need a new one
                for next_edge in node.next_edges:
                    grad = grad_inputs[position]
                    position += 1
                    if next_edge is None or grad is None:
                        continue
                    receiver = next_edge[0]
                    if isinstance(receiver, AccumulateGrad) and search is None:
                        if create_graph or not node.gives_new_gradients:
                            grad = private_copy(grad)  # somebody else may hold it, too
                        if plain and receiver not in shared and receiver.keep_first(grad):
                            continue  # nothing will be added to it
                    if receiver in pending or receiver.num_outputs > 1:
                        add_gradient(pending, next_edge, grad)
                    else:  # the same without a call: most nodes have one output, and one user
                        pending[receiver] = [grad]
    finally:
        mode.grad_enabled = grad_was_enabled
        mode.numpy_errors.reset(token)
        overlap.end()
    return [] if search is None else search.results()


@contextlib.contextmanager
def surroundings(first: Array) -> Generator[None, None, None]:
    """Let a profiler see the whole of it, and compute on the card of the first gradient."""
    with recorded("run_backward", Category.BACKWARD), on_card_of(first):
        yield


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

    def __init__(self, wanted: list[Edge], order: list[Node]) -> None:
        self.wanted = wanted
        self.targets = {node for node, _ in wanted}
        self.leading = nodes_leading_to(order, self.targets)
        self.collected: dict[Edge, Array] = {}

    def on_the_way(self, order: list[Node]) -> list[Node]:
        """Return the nodes of ``order`` from which a target can be reached."""
        return [node for node in order if node in self.leading]

    def collect(self, node: Node, grads: list[Array | None]) -> bool:
        """Take the gradients that have arrived at a target; tell whether there is another one behind it."""
        self.collected.update({(node, i): grad for i, grad in enumerate(grads) if grad is not None})
        return any(edge is not None and edge[0] in self.leading for edge in node.next_edges)

    def results(self) -> list[Array | None]:
        """Return the gradient that arrived at each edge; None where no path led."""
        return [self.collected.get(edge) for edge in self.wanted]


def last_operation(order: list[Node]) -> Node | None:
    """Return the last node that is not a leaf's."""
    for node in reversed(order):
        if not isinstance(node, AccumulateGrad):
            return node
    return None


def use_card_of(grads: list[Array | None]) -> None:
    """Compute on the card where the gradients of a node's outputs are."""
    for grad in grads:
        array = getattr(grad, "array", grad)
        if array is not None and not is_on_host(array):
            array.device.use()
            return


def add_gradient(pending: dict[Node, list[Array | None]], edge: Edge, grad: Array) -> None:
    """Add ``grad`` to what is pending for one output of a node."""
    node, output_nr = edge
    grads = pending.get(node)
    if grads is None:
        grads = pending[node] = [None] * node.num_outputs
    before = grads[output_nr]
    if before is not None:
        overlap.wait()
        grad = before + grad
    grads[output_nr] = grad


def wrong_number_of_gradients(node: Node, grad_inputs: tuple[Any, ...]) -> str:
    """Say that a ``backward`` returned too many gradients, or too few."""
    expected, got = len(node.next_edges), len(grad_inputs)
    return (
        f"{node.name()}: backward returned an incorrect number of gradients (expected {expected}, got {got})"
    )


def apply_hooks(node: Node, grads: list[Array | None]) -> None:
    """Let the tensors' hooks see, and replace, the gradients of a node's outputs; then fill retained grads."""
    overlap.wait()
    for output_nr, hook in list(node.tensor_hooks):
        grad = grads[output_nr]
        if grad is None:
            continue
        as_tensor = grad if isinstance(grad, _tensor.Tensor) else _tensor.tensor_from_array(grad)
        answer = hook(as_tensor)
        if answer is not None:
            check_hook_answer(answer, as_tensor)
            grads[output_nr] = answer if isinstance(grad, _tensor.Tensor) else answer.array
    for output_nr, reference in node.retained:
        tensor, grad = reference(), grads[output_nr]
        if tensor is not None and grad is not None and tensor.edge() == (node, output_nr):
            accumulate_grad(tensor, private_copy(grad))


def check_hook_answer(answer: Any, grad: _tensor.Tensor) -> None:
    """Raise unless a hook gave back a Tensor of the gradient's shape and dtype."""
    if not isinstance(answer, _tensor.Tensor):
        raise TypeError(f"hook: expected a Tensor or None, got {type(answer).__name__}")
    if answer.shape != grad.shape:
        raise RuntimeError(f"hook: expected a gradient of shape {list(grad.shape)}, got {list(answer.shape)}")
    if answer.dtype != grad.dtype:
        raise RuntimeError(f"hook: expected a gradient of type {grad.dtype}, got {answer.dtype}")
