"""Recording an operation: how its node is connected with the Tensors that go in and those that come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import SECOND_BACKWARD, AccumulateGrad, Node, SavedLink, next_sequence_nr
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array


def connect(node: Node, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Note where the inputs come from, if operations are being recorded; return their arrays."""
    recording, arrays, edges = this_thread.mode.grad_enabled, [], []
    for x in inputs:
        is_tensor = isinstance(x, TensorBase)
        arrays.append(x.array if is_tensor else x)
        edges.append(x.edge() if is_tensor and recording else None)
    node.next_edges = edges
    node.needs_input_grad = tuple(map(bool, edges))  # a gradient is wanted where an edge leads
    node.sequence_nr = next_sequence_nr()
    return tuple(arrays)


def link_saved(
    node: Node,
    inputs: Sequence[Any],
    arrays: Sequence[Any],
    outputs: Sequence[Any],
    results: Sequence[Any],
) -> list[SavedLink | None]:
    """Tell which saved arrays are inputs or outputs: they have a version, and a history of their own.

    ``arrays`` are those of the inputs, ``outputs`` what forward returned, ``results`` the Tensors made from it.
    """
    links: list[SavedLink | None] = []
    for saved in node.saved:
        link = None
        if saved is None:
            links.append(link)
            continue
        for output_nr, output in enumerate(outputs):
            if output is saved:
                counter = results[output_nr].version_counter()
                link = SavedLink(None, output_nr, counter, counter.value)
        for i, array in enumerate(arrays):  # after the outputs: an input that is returned stays an input
            if array is saved and isinstance(inputs[i], TensorBase):
                counter = inputs[i].version_counter()
                link = SavedLink(node.next_edges[i], None, counter, counter.value)
        links.append(link)
    return links


def saved_as_tensors(node: Node) -> tuple[Any, ...]:
    """Return ``saved`` as Tensors with their history, for a backward that is itself differentiated."""
    if node.saved is None:
        raise RuntimeError(SECOND_BACKWARD)
    node.check_versions()
    links = node.saved_links or (None,) * len(node.saved)
    return tuple([saved_tensor(node, array, link) for array, link in zip(node.saved, links, strict=True)])


def saved_tensor(node: Node, array: Any, link: SavedLink | None) -> Any:
    """Return a saved array as a Tensor that has the history of the input or output that it is."""
    if array is None or not hasattr(array, "shape") or isinstance(array, TensorBase):
        return array  # a sparse tensor is saved as it is
    tensor = tensor_from_array(array)
    if link is None:
        return tensor
    edge = link.edge if link.output_nr is None else (node, link.output_nr)
    if edge is not None and isinstance(edge[0], AccumulateGrad) and edge[0].variable.array is array:
        return edge[0].variable  # the leaf itself
    tensor.set_history(edge)
    tensor.share_version(link.counter)
    return tensor
