"""Results through which a backward may yet go: one node stands for the graph, and its backward is a list as well.

The nodes of a list are those of the call in which it was written down, and they stay connected. So there is a graph to
walk, for the backward list to be written down, and compared. Each call that is in flight, which is to say that its
backward has not been, has nodes of its own: two calls never share what they have saved.
"""

from __future__ import annotations

import copy
import weakref
from types import FunctionType
from typing import Any

from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.graph import Pending, add_gradient
from tinygrad_edu.autograd.node import (
    SECOND_BACKWARD,
    AccumulateGrad,
    Edge,
    Node,
    SavedLink,
    next_sequence_nr,
)
from tinygrad_edu.autograd.running import choose_run
from tinygrad_edu.replay.arrays import shares_memory
from tinygrad_edu.replay.lines.recorder import Recorder, Refused

OUTSIDE = Node()
"""Stands for whatever has made an argument."""


class Graph:
    """The nodes of one call, from its results to where gradients leave it.

    Attributes
    ----------
    nodes : list of Node
        The youngest first, which is the order of a backward.
    roots : list of (Node, int)
        Where the results come from.
    exits : list of (Node, int)
        Which inputs of which nodes are leaves or arguments, in the order of a backward.
    """

    def __init__(self, nodes: list[Node], roots: list[Edge]) -> None:
        self.nodes, self.roots = nodes, roots
        self._inner = inner = set(nodes)
        self.exits = [
            (node, i)
            for node in nodes
            for i, edge in enumerate(node.next_edges)
            if edge is not None and edge[0] not in inner
        ]

    def walk(self, grads: Any) -> tuple[Any, ...]:
        """Propagate the gradients of the results, as ``run_backward`` does; return the one that leaves at each exit."""
        pending: Pending = {}
        for root, grad in zip(self.roots, grads, strict=True):
            if grad is not None:
                add_gradient(pending, root, grad)
        leaving: dict[Any, Any] = dict.fromkeys(self.exits)
        run = choose_run(self.nodes, retain_graph=True, create_graph=False, search=None)
        for node in self.nodes:
            grad_outputs = pending.pop(node, None)
            if grad_outputs is None:
                continue
            for i, (edge, grad) in enumerate(zip(node.next_edges, run(node, grad_outputs), strict=True)):
                if (node, i) in leaving:
                    leaving[node, i] = grad
                elif edge is not None and grad is not None:
                    add_gradient(pending, edge, grad)
        return tuple(leaving.values())

    def reached_from(self, which: tuple[bool, ...]) -> frozenset[int]:
        """Return which nodes, by number, a backward from these results goes through."""
        found = [root for (root, _), is_given in zip(self.roots, which, strict=True) if is_given]
        seen = set()
        for node in found:  # the list grows while it is walked
            if node not in seen and node in self._inner:
                seen.add(node)
                found += [edge[0] for edge in node.next_edges if edge is not None]
        return frozenset([i for i, node in enumerate(self.nodes) if node in seen])

    def copies(self) -> dict[Node, Node]:
        """Return a copy of each node, connected as the nodes are."""
        new: dict[Node, Node] = {node: copy.copy(node) for node in self.nodes}
        for node in new.values():
            edges = [edge and (new.get(edge[0], edge[0]), edge[1]) for edge in node.next_edges]
            node.next_edges = edges
        return new


class Inside:
    """A list with nodes of its own, for one call that is in flight.

    Attributes
    ----------
    scope : dict
        What its lines name.
    graph : Graph
        Its nodes.
    owner : weak reference to CompiledFunction
        Who may yet need what the nodes have saved.
    """

    def __init__(self, recording: Any, scope: dict[str, Any], graph: Graph) -> None:
        self.recording, self.scope, self.graph = recording, scope, graph
        self.owner: Any = None
        self.backwards: dict[Any, Any] = {}

    def is_free(self) -> bool:
        """Tell whether nobody needs any longer what the nodes have saved."""
        owner = None if self.owner is None else self.owner()
        return owner is None or owner.saved is None

    def another(self) -> Inside:
        """Return the same list with other nodes."""
        new = self.graph.copies()
        scope = {
            name: new.get(value, value) if isinstance(value, Node) else value
            for name, value in self.scope.items()
        }
        roots = [(new[node], output_nr) for node, output_nr in self.graph.roots]
        return Inside(self.recording, scope, Graph([new[node] for node in self.graph.nodes], roots))

    def run(self, tensors: list[Any]) -> Any:
        """Run the forward list."""
        history = CompiledFunction(self)
        function = FunctionType(self.recording.function.__code__, self.scope)
        output = function(history, *[tensor.array for tensor in tensors])
        history.connect(tensors)
        return output

    def backward(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the gradients at the exits, by a list where there is one and nobody looks on."""
        if this_thread.mode.observers or self.recording.recorder.refused:
            return self.graph.walk(grads)
        which = tuple([grad is not None for grad in grads])
        return self.recording.backward_list(which).run(self, grads)

    def function_of(self, written: Any) -> Any:
        """Return the function of a backward list, on the nodes that are here."""
        if written not in self.backwards:
            scope = {**written.scope, **self.scope}
            self.backwards[written] = FunctionType(written.code, scope)
        return self.backwards[written]


class CompiledFunction(Node):
    """The history of what a compiled function returns: its backward is that of the graph of the whole call.

    It has an edge for each gradient that leaves the graph, several for a parameter that was used more than once: so
    they are added up in the order in which they are without replay. A backward from one of several results is the
    end of those nodes alone that it goes through, and of those only that have saved something.
    """

    twin: CompiledFunction | None = None
    """Has the same numbers from a list that is to be compared."""

    def __init__(self, inside: Inside) -> None:
        self.inside, self.num_outputs = inside, 0
        self._spent: frozenset[int] = frozenset()
        self._reached: frozenset[int] = frozenset()
        self._results: list[Any] = []
        inside.owner = weakref.ref(self)

    def name(self) -> str:
        """Return PyTorch's name for it."""
        return "CompiledFunctionBackward"

    def output(self, array: Any) -> Any:
        """Return an array as a Tensor with this history."""
        tensor = tensor_from_array(array)
        self.become_history_of(tensor)
        return tensor

    def become_history_of(self, tensor: Any) -> None:
        """Be the history of a result."""
        tensor._view = None
        tensor.set_history((self, self.num_outputs))
        self.num_outputs += 1
        self._results.append(tensor)

    def release_saved(self) -> None:
        """Give up the nodes that the backward has gone through; after the last, another call may have them."""
        saving: frozenset[int] = self.inside.recording.saving
        self._spent |= self._reached
        if saving and self._spent >= saving:
            super().release_saved()
            self.twin = None

    def connect(self, tensors: list[Any]) -> None:
        """Be connected with the leaves and the arguments; note the versions of what is saved."""
        recording = self.inside.recording
        self.next_edges = [place.of(tensors, []).edge() for place in recording.ends]
        self.needs_input_grad = (True,) * len(self.next_edges)
        self.sequence_nr = next_sequence_nr()  # it is younger than the nodes of leaves, which may be new
        arrays, links = [], []
        for place in recording.saved:
            tensor = place.of(tensors, self._results)
            counter = tensor.version_counter()
            arrays.append(tensor.array)
            links.append(SavedLink(None, place.result, counter, counter.value))
        self.saved, self.saved_links = (self.inside, *arrays), (None, *links) if links else ()
        self._results = []

    def backward(self, *grad_outputs: Any) -> Any:
        """Return a gradient for each edge."""
        which = tuple([grad is not None for grad in grad_outputs])
        self._reached = self.inside.recording.saving_from(which)
        if self._reached & self._spent:
            raise explained(RuntimeError(SECOND_BACKWARD))
        self._check_versions_of_reached()
        if any(isinstance(grad, Tensor) for grad in grad_outputs):
            return self._backward_on_tensors(grad_outputs)
        grads = self.inside.backward(grad_outputs)
        if self.twin is not None:
            self.inside.recording.compare(grads, self.twin.inside.backward(grad_outputs))
        return grads

    def check_versions(self) -> None:
        """Do nothing yet: which nodes a backward goes through, ``backward`` knows."""

    def _check_versions_of_reached(self) -> None:
        for i, place in enumerate(self.inside.recording.saved, start=1):
            link: Any = self.saved_links[i]
            if link.counter.value != link.version and place.nodes & self._reached:
                raise explained(RuntimeError(self._describe_change(self.saved[i], link)), link.counter)

    def _backward_on_tensors(self, grad_outputs: Any) -> Any:
        arrays = [grad.array if isinstance(grad, Tensor) else grad for grad in grad_outputs]
        node = DifferentiatedTwice()
        given = [grad.edge() for grad in grad_outputs if isinstance(grad, Tensor)]
        node.next_edges, node.sequence_nr = (*self.next_edges, *given), next_sequence_nr()
        grads = []
        for i, grad in enumerate(self.inside.backward(tuple(arrays))):
            tensor: Any = None if grad is None else tensor_from_array(grad.view())
            if tensor is not None:
                tensor.set_history((node, i))
            grads.append(tensor)
        node.num_outputs = len(grads)
        return tuple(grads)


class DifferentiatedTwice(Node):
    """Stands behind the gradients of a compiled function, and says that they cannot be differentiated in their turn."""

    def backward(self, *grad_outputs: Any) -> Any:
        """Raise, as PyTorch does."""
        raise RuntimeError(
            "torch.compile with aot_autograd does not currently support double backward. Hint: call the function or "
            "the model that is not compiled (model._orig_mod)"
        )


class Place:
    """A tensor that each call finds anew: a leaf, an argument or a result; ``nodes``, by number, have saved it."""

    def __init__(self, leaf: Any = None, argument: int | None = None, result: int | None = None) -> None:
        self.leaf, self.argument, self.result = leaf, argument, result
        self.nodes: set[int] = set()

    def of(self, arguments: list[Any], results: list[Any]) -> Any:
        """Return the tensor of this call."""
        if self.argument is not None:
            return arguments[self.argument]
        return self.leaf if self.result is None else results[self.result]


def graph_of(results: list[Any], nodes: list[Node], arguments: list[Edge | None]) -> Graph:
    """Return the part of the recorded nodes that leads from the results to leaves and arguments."""
    recorded, roots = set(nodes), [tensor._edge for tensor in results]
    found, seen = [edge[0] for edge in roots], set()
    for node in found:  # the list grows while it is walked
        if node in seen:
            continue
        seen.add(node)
        if node not in recorded:
            raise Refused("it uses a tensor with a history that is no argument")
        if node.tensor_hooks or node.retained:
            raise Refused("a tensor that is made inside has a hook, or keeps its grad")
        found += [
            edge[0]
            for edge in node.next_edges
            if edge is not None and edge not in arguments and not isinstance(edge[0], AccumulateGrad)
        ]
    return Graph([node for node in reversed(nodes) if node in seen], roots)


def places_of_ends(graph: Graph, recorder: Recorder, arguments: list[Edge | None]) -> list[Place]:
    """Return which leaf or argument each exit leads to."""
    places = []
    for node, i in graph.exits:
        edge: Any = node.next_edges[i]
        if edge in arguments:
            places.append(Place(argument=arguments.index(edge)))
        elif any(edge[0].variable.array is array for array in recorder.outside):
            places.append(Place(leaf=edge[0].variable))
        else:
            raise Refused("a leaf that is made inside needs a gradient")
    return places


def places_of_saved(graph: Graph, leaves: list[Any], arguments: list[Any], results: list[Any]) -> list[Place]:
    """Return which tensors that others may change are saved by the nodes."""
    known = {id(leaf._counter): Place(leaf=leaf) for leaf in leaves}
    known.update({id(tensor._counter): Place(argument=i) for i, tensor in enumerate(arguments)})
    known.update({id(tensor._counter): Place(result=i) for i, tensor in enumerate(results)})
    places: dict[int, Place] = {}
    for i, node in enumerate(graph.nodes):
        for link in filter(None, node.saved_links):
            if link.version != link.counter.value:
                raise Refused("what a backward needs is changed in place")
            if id(link.counter) in known:
                places[id(link.counter)] = known[id(link.counter)]
                known[id(link.counter)].nodes.add(i)
    return list(places.values())


def check_memory(results: list[Any], others: list[Any]) -> None:
    """Raise if a result is a view of something else: a change of one would not be seen in the other."""
    for i, tensor in enumerate(results):
        for other in [*results[:i], *others]:
            if shares_memory(tensor.array, other.array):
                raise Refused(
                    "a result shares its memory with another one, or with something that was there before"
                )


def cut_off(graph: Graph, ends: list[Place]) -> None:
    """Let the nodes hold nothing of the call: neither what made its arguments, nor versions, which change."""
    for node in graph.nodes:
        node.next_edges, node.saved_links = list(node.next_edges), ()
    for (node, i), place in zip(graph.exits, ends, strict=True):
        if place.argument is not None:
            node.next_edges[i] = (OUTSIDE, 0)  # type: ignore[index]
