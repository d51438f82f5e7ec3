"""The arrays that a graph keeps: each once, with who keeps it, and whether it would be there without the graph."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import Array
from tinygrad_edu.utils.checkpoint import Part

# What a node has besides the arrays that it keeps; the "likes" of a Function are shapes without memory.
NOT_ARRAYS = {
    "saved", "next_edges", "saved_links", "variable", "tensor_hooks", "retained", "input_likes", "output_likes",
}  # fmt: skip


@dataclass
class Kept:
    """Memory that a graph keeps.

    Attributes
    ----------
    operation, layer : str
        Of the oldest node that keeps it; the layer is empty if it is not known.
    role : str
        What it is to that node: "input 0", "output 0" or "made for backward".
    shape, dtype
        Of the array.
    nbytes : int
        The whole memory that the array lies in: of a view, that of its base.
    held_by : {"graph", "parameter", "program"}
        "graph" if it is freed with the graph; otherwise a leaf, or something else in the program, holds it
        anyway.
    comes_in : bool
        Whether it is an input that has no history, such as a batch of data.
    shared_with : list of str
        Other operations that keep it.
    nodes, key : list of Node, int
        Who keeps it, and the identity of the memory.
    """

    operation: str
    layer: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    held_by: Literal["graph", "parameter", "program"]
    comes_in: bool = False
    shared_with: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list, repr=False)
    key: int = field(default=0, repr=False)


def kept_by(nodes: Sequence[Node], layers: dict[Node, str]) -> list[Kept]:
    """Return what some nodes, oldest first, keep."""
    references = References(nodes)
    leaves = {id(memory_of(node.variable.array)) for node in nodes if isinstance(node, AccumulateGrad)}
    kept: dict[int, Kept] = {}
    for node in nodes:
        for array, role in arrays_of(node):
            memory = memory_of(array)
            if id(memory) in kept:
                found = kept[id(memory)]
                if node not in found.nodes:
                    found.nodes.append(node)
                    found.shared_with.append(node.operation_name())
                continue
            held_by: Literal["graph", "parameter", "program"] = "graph"
            if id(memory) in leaves:
                held_by = "parameter"
            elif references.are_elsewhere(memory):
                held_by = "program"
            kept[id(memory)] = Kept(
                node.operation_name(),
                layers.get(node, ""),
                role,
                tuple(array.shape),
                str(array.dtype),
                memory.nbytes,
                held_by,
                is_plain_input(node, array),
                nodes=[node],
                key=id(memory),
            )
    return list(kept.values())


def arrays_of(node: Node) -> Iterator[tuple[Array, str]]:
    """Yield the arrays that a node keeps, saved ones first, and what each is to it."""
    links = node.saved_links or ()
    for number, array in enumerate(node.saved or ()):
        if is_array(array):
            yield array, role_of(node, links[number] if number < len(links) else None)
    for value in attributes_of(node):
        yield (value.array if isinstance(value, TensorBase) else value), "made for backward"


def attributes_of(node: Node) -> Iterator[Any]:
    """Yield the arrays and Tensors that a node has besides: an index, what the user put into a ``ctx``."""
    stack = [value for name, value in vars(node).items() if name not in NOT_ARRAYS]
    while stack:
        value = stack.pop()
        if isinstance(value, TensorBase) or is_array(value):
            yield value
        elif isinstance(value, list | tuple):
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, Part):
            stack.extend([value.args, value.kwargs])


def is_array(value: Any) -> bool:
    """Tell whether a value is an array of NumPy or CuPy that has memory."""
    return hasattr(value, "nbytes") and hasattr(value, "strides") and not isinstance(value, TensorBase)


def role_of(node: Node, link: Any) -> str:
    """Return what a saved array is to its node."""
    if link is None:
        return "made for backward"
    if link.output_nr is not None:
        return f"output {link.output_nr}"
    edges = list(node.next_edges)
    return f"input {edges.index(link.edge)}" if link.edge in edges else "input"


def is_plain_input(node: Node, array: Array) -> bool:
    """Tell whether a saved array came into a node and has no history."""
    pairs = zip(node.saved or (), node.saved_links or (), strict=False)
    return any(saved is array and link is not None and link[:2] == (None, None) for saved, link in pairs)


def memory_of(array: Array) -> Array:
    """Return the array that owns the memory; a view keeps all of it."""
    while is_array(getattr(array, "base", None)):
        array = array.base
    return array


def bytes_of_objects(nodes: Sequence[Node]) -> int:
    """Return about how many bytes the nodes themselves take: Python's objects, and the headers of their arrays."""
    found: dict[int, int] = {}
    for node in nodes:
        links = [link for link in node.saved_links or () if link is not None]
        parts = [node, vars(node), *links, *[link.counter for link in links]]
        parts += [value for value in vars(node).values() if isinstance(value, list | tuple | int)]
        parts += [edge for edge in node.next_edges if edge is not None]
        found |= {id(part): sys.getsizeof(part) for part in parts}
        for array, _ in arrays_of(node):
            if isinstance(array, np.ndarray):
                found[id(array)] = sys.getsizeof(array) - (array.nbytes if array.flags.owndata else 0)
    return sum(found.values())


class References:
    """Counts who refers to the arrays of a graph: if Python counts more, the program holds them, too."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._objects: dict[int, Any] = {}
        self._known: Counter[int] = Counter()
        for node in nodes:
            self._note_all(node)
        self._elsewhere: set[int] = set()
        for key in self._objects:
            # The dictionary refers to it, too, and so does the call that counts.
            if sys.getrefcount(self._objects[key]) - 2 > self._known[key]:
                self._elsewhere.add(id(memory_of(getattr(self._objects[key], "array", self._objects[key]))))

    def _note_all(self, node: Node) -> None:
        """Note the references of a node; no variable of this method is left when they are counted."""
        for array in node.saved or ():
            if is_array(array):
                self._note(array)
        for value in attributes_of(node):
            self._note(value)

    def _note(self, value: Any) -> None:
        """Note a reference to an array or a Tensor, and those that lead on: to its array, to a view's base."""
        self._known[id(value)] += 1
        while id(value) not in self._objects:
            self._objects[id(value)] = value
            value = value.array if isinstance(value, TensorBase) else getattr(value, "base", None)
            if not is_array(value):
                return
            self._known[id(value)] += 1

    def are_elsewhere(self, memory: Array) -> bool:
        """Tell whether something besides the graph holds memory, or a view of it."""
        return id(memory) in self._elsewhere
