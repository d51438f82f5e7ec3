"""Running one node while a profiler records, or while NaN is looked for; otherwise nothing here runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.autograd import anomaly
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.backend import Array

if TYPE_CHECKING:
    from tinygrad_edu.autograd.op import Op


def watched_forward(node: Op, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any]) -> Any:
    """Return the output of ``node.forward``, timed and checked."""
    mode = this_thread.mode
    recorder = mode.recorder
    if recorder is None:
        output = mode.run_quietly(node.forward, *arrays, **options)
    else:
        event = recorder.begin_forward(node, inputs)
        try:
            output = mode.run_quietly(node.forward, *arrays, **options)
        finally:
            recorder.end(event)
        recorder.note_memory(event, arrays, output)
    if mode.detect_anomaly:
        anomaly.check_output(node, inputs, output)
        node.made_at = anomaly.user_line()
    return output


def watched_backward(node: Node, grad_outputs: list[Array | None], create_graph: bool) -> Any:
    """Return what ``node.backward`` does, timed and checked."""
    mode = this_thread.mode
    recorder = mode.recorder
    if recorder is None:
        grad_inputs = run_node_backward(node, grad_outputs, create_graph)
    else:
        event = recorder.begin_backward(node, grad_outputs)
        try:
            grad_inputs = run_node_backward(node, grad_outputs, create_graph)
        finally:
            recorder.end(event)
        recorder.note_memory(event, [*grad_outputs, *(node.saved or ())], grad_inputs)
    if mode.detect_anomaly:
        anomaly.check_no_nan(grad_inputs if isinstance(grad_inputs, tuple) else (grad_inputs,), node)
    return grad_inputs


def run_node_backward(node: Node, grad_outputs: list[Array | None], create_graph: bool) -> Any:
    """Call ``node.backward``, with Tensors if its result is to be differentiated."""
    return backward_on_tensors(node, grad_outputs) if create_graph else node.backward(*grad_outputs)


def backward_on_tensors(node: Node, grad_outputs: list[Array | None]) -> Any:
    """Call ``node.backward`` with Tensors, which have a history, in place of the saved arrays."""
    arrays = node.saved
    node.saved = node.saved_as_tensors()
    try:
        return node.backward(*grad_outputs)
    finally:
        node.saved = arrays
