"""The nodes of the graph that backward walks.

A node is one step of the computation. It knows where its inputs came from (``next_edges``), keeps the
arrays its derivative needs (``saved``), and turns the gradient of its outputs into the gradients of its
inputs (``backward``). Edges lead from node to node and never to a Tensor: an activation that nobody saved
is freed as soon as the program lets go of it.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from tinygrad_edu.autograd.errors.cuts import Cut
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.dtypes import from_numpy_dtype

Edge: TypeAlias = "tuple[Node, int]"
"""A node, and which of its outputs is meant."""

TensorHook: TypeAlias = "Callable[[Any], Any]"

SECOND_BACKWARD = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
    "you need to access saved tensors after calling backward."
)


next_sequence_nr = itertools.count().__next__
"""Returns a number that is higher than all before, in whichever thread they were asked for."""


class VersionCounter:
    """Counts the in-place changes of an array; a tensor and those that share its memory have one together."""

    value: int = 0
    last_change: str = ""


class SavedLink(NamedTuple):
    """What a saved array is to its node: one of the inputs, one of the outputs, or a tensor made in between.

    Attributes
    ----------
    edge : (Node, int) or None
        Of an input: where it comes from.
    output_nr : int or None
        Of an output: its number.
    counter : VersionCounter
        Counts the changes of the array.
    version : int
        How many there had been when it was saved.
    """

    edge: Edge | None
    output_nr: int | None
    counter: VersionCounter
    version: int


class Node:
    """A step of the computation that can be walked backward.

    Attributes
    ----------
    next_edges : sequence of (Node, int) or None
        For each input, the node that made it and which of its outputs it is; None if it needs no gradient.
    needs_input_grad : tuple of bool
        For each input, whether a gradient is wanted.
    saved : tuple of arrays, or None
        What ``save_for_backward`` was given; Tensors while a backward with ``create_graph=True`` runs; None when
        it has been given up by a backward without ``retain_graph``.
    saved_links : sequence of SavedLink or None
        What each of them is to this node; None for an array that is neither an input nor an output. Empty, if all
        are such.
    num_outputs : int
        How many gradients ``backward`` is given.
    tensor_hooks : sequence of (int, callable)
        Hooks of the output tensors, each with the number of its output.
    retained : sequence of (int, weak reference)
        Output tensors that want their ``grad`` filled.
    made_at : str or None
        The line of the user's program that made this node, noted while anomaly detection is on.
    made_in : str
        The layer in which it was made, noted with it.
    cuts : tuple of Cut
        Where numbers that came in had left the graph, noted by ``learn.explain``.
    sequence_nr : int
        The node's age: it is higher than those of all nodes it leads to. The profiler finds the forward of a
        backward by it, too.
    """

    next_edges: Sequence[Edge | None] = ()
    needs_input_grad: tuple[bool, ...] = ()
    saved: Any = ()
    saved_links: Sequence[SavedLink | None] = ()
    num_outputs: int = 1
    tensor_hooks: list[tuple[int, TensorHook]] | tuple[()] = ()
    retained: list[tuple[int, weakref.ref[Any]]] | tuple[()] = ()
    made_at: str | None = None
    made_in: str = ""
    cuts: tuple[Cut, ...] = ()
    sequence_nr: int = -1

    def backward(self, *grad_outputs: Array) -> Any:
        """Turn the gradients of the outputs into the gradients of the inputs, one for each of ``next_edges``."""
        raise NotImplementedError(f"{self.name()}: this operation has no backward")

    def name(self) -> str:
        """Return the name PyTorch gives such a node."""
        return f"{type(self).__name__}Backward0"

    def operation_name(self) -> str:
        """Return the name of the class that a learner finds in the source: Conv2d for Conv2dBackward0."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, as PyTorch spells them."""
        return tuple([(None, 0) if edge is None else edge for edge in self.next_edges])

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    # ---- saved arrays --------------------------------------------------------------------------------

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep what ``backward`` will need: inputs, outputs or other arrays; None is allowed."""
        self.saved = arrays

    def keep_copies_of(self, array: Array) -> None:
        """Copy an array that was saved, or views of it that were, because it is about to be overwritten."""
        if not self.saved:
            return
        arrays, links = list(self.saved), list(self.saved_links or [None] * len(self.saved))
        for i, saved in enumerate(arrays):
            if saved is array or (hasattr(saved, "flags") and shares_memory(saved, array)):
                arrays[i] = saved.copy()
                link = links[i]
                if link is not None:
                    links[i] = SavedLink(link.edge, link.output_nr, VersionCounter(), 0)  # nobody changes it
        self.saved, self.saved_links = tuple(arrays), links

    def check_versions(self) -> None:
        """Raise if a saved array has been changed since it was saved."""
        for i, link in enumerate(self.saved_links):
            if link is not None and link.counter.value != link.version:
                raise explained(RuntimeError(self._describe_change(self.saved[i], link)), link.counter)

    def _describe_change(self, array: Array, link: SavedLink) -> str:
        which = "an input" if link.output_nr is None else f"output {link.output_nr}"
        made_at = "" if self.made_at is None else f" called at {self.made_at}"
        made_at += f" in layer {self.made_in}" if self.made_in else ""
        return (
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{from_numpy_dtype(array.dtype)} {list(array.shape)}], which is {which} of {self.name()}{made_at}, "
            f"is at version {link.counter.value}; expected version {link.version} instead. It was last changed by "
            f"{link.counter.last_change}. Hint: use the operation that returns a new tensor, or clone() before "
            "the change."
        )

    def release_saved(self) -> None:
        """Give up the saved arrays; a second backward through this node is then an error."""
        self.saved, self.saved_links = None, ()


def shares_memory(a: Array, b: Array) -> bool:
    """Tell whether two arrays may lie in the same memory."""
    return type(a) is type(b) and bool(array_module(a).may_share_memory(a, b))


class AccumulateGrad(Node):
    """The end of the graph: adds the gradient that arrives to the ``grad`` of a leaf tensor.

    Attributes
    ----------
    variable : Tensor
        The leaf.
    """

    variable: Any

    def name(self) -> str:
        """Return PyTorch's name for it, which has no suffix."""
        return "AccumulateGrad"

    def backward(self, grad_output: Array) -> tuple[()]:
        """Add ``grad_output`` (an array, or a Tensor with history) to ``variable.grad``."""
        self.variable.accumulate_grad(grad_output)
        for hook in list(self.variable._post_accumulate_hooks):
            hook(self.variable)
        return ()
