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
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy import ndarray  # by name: a look-up in NumPy's module takes long

from tinygrad_edu import _tensor  # the module, not the class: the import cycle closes here
from tinygrad_edu.backend import Array
from tinygrad_edu.dtypes import from_numpy_dtype
from tinygrad_edu_kernels import overlap

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


next_sequence_nr = itertools.count().__next__
"""Returns a number that is higher than all before, in whichever thread they were asked for."""


class VersionCounter:
    """Counts the in-place changes of an array; a tensor and those that share its memory have one together."""

    value: int = 0
    last_change: str = ""


SavedLink: TypeAlias = "tuple[Edge | None, int | None, VersionCounter, int]"
"""What a saved array is to its node: the edge of the input, or the number of the output, that it is; how its changes
are counted, and how many there had been."""


class Node:
    """A step of the computation that can be walked backward.

    Attributes
    ----------
    next_edges : sequence of (Node, int) or None
        For each input, the node that made it and which of its outputs it is; None if it needs no gradient.
    needs_input_grad : sequence of bool
        For each input, whether a gradient is wanted.
    saved : tuple of arrays, or None
        What ``save_for_backward`` was given; Tensors while a backward with ``create_graph=True`` runs; None when
        it has been given up by a backward without ``retain_graph``.
    saved_links : sequence of SavedLink or None
        What each of them is to this node; None for an array that is neither an input nor an output.
    num_outputs : int
        How many gradients ``backward`` is given.
    tensor_hooks : sequence of (int, callable)
        Hooks of the output tensors, each with the number of its output.
    retained : sequence of (int, weak reference)
        Output tensors that want their ``grad`` filled.
    watched : bool
        Whether there may be hooks or retained gradients.
    gives_new_gradients : bool
        Whether nobody else ever holds the arrays that ``backward`` returns, so that a leaf may keep them.
    made_at : str or None
        The line of the user's program that made this node, noted while anomaly detection is on.
    sequence_nr : int
        The node's age: it is higher than those of all nodes it leads to. The profiler finds the forward of a
        backward by it, too.
    """

    next_edges: Sequence[Edge | None] = ()
    needs_input_grad: Sequence[bool] = ()
    saved: Any = ()
    saved_links: Sequence[SavedLink | None] = ()
    num_outputs: int = 1
    tensor_hooks: list[tuple[int, TensorHook]] | tuple[()] = ()
    retained: list[tuple[int, weakref.ref[Tensor]]] | tuple[()] = ()
    watched: bool = False
    gives_new_gradients: bool = False
    made_at: str | None = None
    sequence_nr: int = -1

    def backward(self, *grad_outputs: Array) -> Any:
        """Turn the gradients of the outputs into the gradients of the inputs, one for each of ``next_edges``."""
        raise NotImplementedError(f"{self.name()}: this operation has no backward")

    def name(self) -> str:
        """Return the name PyTorch gives such a node."""
        return f"{type(self).__name__}Backward0"

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

    def link_saved(
        self,
        inputs: Sequence[Any],
        arrays: Sequence[Any],
        outputs: Sequence[Any],
        results: Sequence[Any],
    ) -> None:
        """Note which saved arrays are inputs or outputs: they have a version, and a history of their own.

        ``arrays`` are those of the inputs, ``outputs`` what forward returned, ``results`` the Tensors made from it.
        """
        links: list[SavedLink | None] = []
        for saved in self.saved:
            link: SavedLink | None = None
            if saved is not None:
                position = 0  # not by enumerate, which takes longer than the search
                for array in arrays:
                    if array is saved:
                        x = inputs[position]
                        if isinstance(x, _tensor.Tensor):
                            counter = x._counter or x.version_counter()
                            link = self.next_edges[position], None, counter, counter.value
                        break
                    position += 1  # noqa: SIM113
                else:
                    for output_nr, output in enumerate(outputs):
                        if output is saved:
                            counter = results[output_nr].version_counter()
                            link = None, output_nr, counter, counter.value
            links.append(link)
        self.saved_links = links

    def keep_copies_of(self, array: Array) -> None:
        """Copy an array that was saved, because it is about to be overwritten."""
        for position, saved in enumerate(self.saved or ()):
            if saved is array:
                link = self.saved_links[position]
                unversioned = None if link is None else (*link[:2], VersionCounter(), 0)
                self.saved = (*self.saved[:position], array.copy(), *self.saved[position + 1 :])
                self.saved_links = (
                    *self.saved_links[:position],
                    unversioned,
                    *self.saved_links[position + 1 :],
                )

    def saved_as_tensors(self) -> tuple[Any, ...]:
        """Return ``saved`` as Tensors with their history, for a backward that is itself differentiated."""
        self.check_ready()
        links = self.saved_links or (None,) * len(self.saved)
        return tuple([self._saved_tensor(array, link) for array, link in zip(self.saved, links, strict=True)])

    def _saved_tensor(self, array: Any, link: SavedLink | None) -> Any:
        if array is None or not hasattr(array, "shape"):
            return array
        edge = counter = None
        if link is not None:
            edge, output_nr, counter, _ = link
            if output_nr is not None:
                edge = self, output_nr
        if edge is not None and isinstance(edge[0], AccumulateGrad) and edge[0].variable.array is array:
            return edge[0].variable  # the leaf itself
        tensor = _tensor.tensor_from_array(array)
        tensor.set_history(edge)
        if counter is not None:
            tensor.share_version(counter)
        return tensor

    def check_ready(self) -> None:
        """Raise if the saved arrays have been given up, or changed since they were saved."""
        if self.saved is None:
            raise RuntimeError(SECOND_BACKWARD)
        for link in self.saved_links:
            if link is not None and link[2].value != link[3]:
                position = next(i for i, other in enumerate(self.saved_links) if other is link)
                raise RuntimeError(self._describe_change(self.saved[position], link))

    def _describe_change(self, array: Array, link: SavedLink) -> str:
        _, output_nr, counter, version = link
        which = "an input" if output_nr is None else f"output {output_nr}"
        made_at = "" if self.made_at is None else f" called at {self.made_at}"
        return (
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{from_numpy_dtype(array.dtype)} {list(array.shape)}], which is {which} of {self.name()}{made_at}, "
            f"is at version {counter.value}; expected version {version} instead. It was last changed by "
            f"{counter.last_change}. Hint: use the operation that returns a new tensor, or clone() before "
            "the change."
        )

    def release(self) -> None:
        """Give up the saved arrays; a second backward through this node is then an error."""
        self.saved, self.saved_links = None, ()


class AccumulateGrad(Node):
    """The end of the graph: adds the gradient that arrives to the ``grad`` of a leaf tensor.

    Attributes
    ----------
    variable : Tensor
        The leaf.
    """

    variable: Tensor

    def name(self) -> str:
        """Return PyTorch's name for it, which has no suffix."""
        return "AccumulateGrad"

    def keep_first(self, grad: Array) -> bool:
        """Give the leaf its gradient if it has none yet, nor hooks that want to see it; tell whether it was so."""
        variable = self.variable
        if self.watched or variable._grad is not None:
            return False
        array = variable.array
        if type(grad) is ndarray is type(array) and grad.shape == array.shape and grad.dtype == array.dtype:
            variable._grad = _tensor.tensor_from_array(grad)  # nothing happens more often
        else:
            accumulate_grad(variable, grad)
        return True

    def backward(self, grad_output: Array) -> tuple[()]:
        """Add ``grad_output`` (an array, or a Tensor with history) to ``variable.grad``."""
        if self.watched:  # a hook has seen it, or even made it
            grad_output = private_copy(grad_output)
        accumulate_grad(self.variable, grad_output)
        return ()


def private_copy(grad: Array) -> Array:
    """Return a copy of a gradient that nobody else holds: both gradients of a + b are one array."""
    return grad.clone() if isinstance(grad, _tensor.Tensor) else grad.copy()


def accumulate_grad(tensor: Tensor, grad: Array) -> None:
    """Add a gradient, an array or a Tensor with history, to ``tensor.grad``; the first one is kept as it is."""
    overlap.wait()  # helpers may be at it still
    before = tensor._grad
    if before is not None and not before.requires_grad and not isinstance(grad, _tensor.Tensor):
        before.array += grad
        before.increment_version("AccumulateGrad")
        return
    found = grad if isinstance(grad, _tensor.Tensor) else _tensor.tensor_from_array(grad)
    tensor.grad = found if before is None else before + found
