"""The nodes of the graph that backward walks.

A node is one step of the computation. It knows where its inputs came from (``next_edges``), keeps the
arrays its derivative needs (``saved``), and turns the gradient of its outputs into the gradients of its
inputs (``backward``). Edges lead from node to node and never to a Tensor: an activation that nobody saved
is freed as soon as the program lets go of it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tinygrad_edu import (
    _tensor,  # the module, not the class: here the import cycle of a tensor library closes
)
from tinygrad_edu.backend import Array

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor

Edge: TypeAlias = "tuple[Node, int]"
"""A node, and which of its outputs is meant."""

TensorHook: TypeAlias = "Callable[[Tensor], Tensor | None]"

SECOND_BACKWARD = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
    "you need to access saved tensors after calling backward."
)


class VersionCounter:
    """Counts the in-place changes of an array; a tensor and its views share one.

    ``rebased`` counts those among them that autograd has recorded, which gave the array a new history.
    """

    __slots__ = ("last_change", "rebased", "value")

    def __init__(self) -> None:
        self.value = self.rebased = 0
        self.last_change = ""


class SavedLink:
    """What a saved array is to its node: which input or output, and how often it had been changed."""

    __slots__ = ("counter", "edge", "output_nr", "version")

    def __init__(self, edge: Edge | None, output_nr: int | None, counter: VersionCounter) -> None:
        self.edge = edge
        self.output_nr = output_nr
        self.counter = counter
        self.version = counter.value


class Node:
    """A step of the computation that can be walked backward.

    Attributes
    ----------
    next_edges : tuple of (Node, int) or None
        For each input, the node that made it and which of its outputs it is; None if it needs no gradient.
    needs_input_grad : tuple of bool
        For each input, whether a gradient is wanted.
    saved : tuple of arrays
        What ``save_for_backward`` was given; Tensors while a backward with ``create_graph=True`` runs.
    num_outputs : int
        How many gradients ``backward`` is given.
    made_at : str or None
        The line of the user's program that made this node, noted while anomaly detection is on.
    """

    __slots__ = (
        "__weakref__",
        "freed",
        "made_at",
        "needs_input_grad",
        "next_edges",
        "num_outputs",
        "retained",
        "saved",
        "saved_links",
        "tensor_hooks",
    )

    next_edges: tuple[Edge | None, ...]
    needs_input_grad: tuple[bool, ...]
    saved: tuple[Any, ...]
    saved_links: tuple[SavedLink | None, ...]
    tensor_hooks: list[tuple[int, TensorHook]]
    retained: list[tuple[int, weakref.ref[Tensor]]]

    def __init__(self) -> None:
        self.saved = self.saved_links = self.next_edges = self.needs_input_grad = ()
        self.tensor_hooks = self.retained = NOTHING
        self.num_outputs = 1
        self.freed = False
        self.made_at: str | None = None

    def backward(self, *grad_outputs: Array) -> Any:
        """Turn the gradients of the outputs into the gradients of the inputs, one for each of ``next_edges``."""
        raise NotImplementedError(f"{self.name()}: this operation has no backward")

    def name(self) -> str:
        """Return the name PyTorch gives such a node."""
        return f"{type(self).__name__}Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, as PyTorch spells them."""
        return tuple((None, 0) if edge is None else edge for edge in self.next_edges)

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep what ``backward`` will need: inputs, outputs or other arrays; None is allowed."""
        self.saved = arrays

    def link_saved(self, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
        """Note which saved arrays are inputs or outputs: they have a version, and a history of their own."""
        self.saved_links = tuple([self._link_of(array, inputs, outputs) for array in self.saved])

    def _link_of(self, array: Any, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> SavedLink | None:
        if array is None:
            return None
        for tensor, edge in zip(inputs, self.next_edges, strict=True):
            if isinstance(tensor, _tensor.Tensor) and tensor.array is array:
                return SavedLink(edge, None, tensor.version_counter())
        for output_nr, tensor in enumerate(outputs):
            if tensor.array is array:
                return SavedLink(None, output_nr, tensor.version_counter())
        return None

    def saved_as_tensors(self) -> tuple[Any, ...]:
        """Return ``saved`` as Tensors with their history, for a backward that is itself differentiated."""
        if self.freed:
            raise RuntimeError(SECOND_BACKWARD)
        links = self.saved_links or (None,) * len(self.saved)
        return tuple(self._saved_tensor(array, link) for array, link in zip(self.saved, links, strict=True))

    def _saved_tensor(self, array: Any, link: SavedLink | None) -> Any:
        if array is None or not hasattr(array, "shape"):
            return array
        tensor = _tensor.tensor_from_array(array)
        if link is not None:
            edge = link.edge if link.output_nr is None else (self, link.output_nr)
            tensor.set_history(edge)
        return tensor

    def check_ready(self) -> None:
        """Raise if the saved arrays have been freed, or changed since they were saved."""
        if self.freed:
            raise RuntimeError(SECOND_BACKWARD)
        for array, link in zip(self.saved, self.saved_links, strict=True):
            if link is not None and link.counter.value != link.version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace "
                    f"operation: [{array.dtype} {list(array.shape)}], saved by {self.name()}"
                    f"{'' if self.made_at is None else ' made at ' + self.made_at}, is at version "
                    f"{link.counter.value}; expected version {link.version} instead. Last changed by "
                    f"{link.counter.last_change}. Hint: use the operation that returns a new tensor, or "
                    "clone() before the change."
                )

    def release(self) -> None:
        """Free the saved arrays; a second backward through this node is then an error."""
        if self.saved:
            self.saved = self.saved_links = ()
            self.freed = True


NOTHING: list[Any] = []
"""Shared by all nodes without hooks; never changed."""


class AccumulateGrad(Node):
    """The end of the graph: adds the gradient that arrives to the ``grad`` of a leaf tensor."""

    __slots__ = ("variable",)

    def __init__(self, variable: Tensor) -> None:
        super().__init__()
        self.variable = variable

    def name(self) -> str:
        """Return PyTorch's name for it, which has no suffix."""
        return "AccumulateGrad"

    def backward(self, grad_output: Array) -> tuple[()]:
        """Add ``grad_output`` (an array, or a Tensor with history) to ``variable.grad``."""
        before = self.variable.grad
        if isinstance(grad_output, _tensor.Tensor):
            self.variable.grad = grad_output if before is None else before + grad_output
        elif before is None:
            # A copy, because other nodes may hold the same array: both gradients of a + b are one.
            self.variable.grad = _tensor.tensor_from_array(grad_output.copy())
        elif before.requires_grad:
            self.variable.grad = before + _tensor.tensor_from_array(grad_output)
        else:
            before.array += grad_output
            before.increment_version("AccumulateGrad")
        return ()
