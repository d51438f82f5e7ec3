"""The part of ``learn.record`` that sees a backward: what arrives at each node, what it sends, what is given up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.autograd.graph import sum_of
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.learn.copies import dense
from tinygrad_edu.learn.forward_recorder import ForwardRecorder
from tinygrad_edu.learn.tape import Accumulation, BackwardStep, Sent, Source, Value
from tinygrad_edu.numpy_dtypes import is_floating, is_inexact

MANY_ELEMENTS = 65_536
"""For more inputs than that, the derivatives of one number are not computed a second time."""


class BackwardRecorder:
    """Writes the steps of one backward.

    Parameters
    ----------
    forward : ForwardRecorder
        It knows the steps of the forward.
    """

    def __init__(self, forward: ForwardRecorder) -> None:
        self.forward = forward
        self.steps: list[BackwardStep] = []
        self.retained = False
        self._arrived: dict[Edge, list[tuple[BackwardStep, Sent]]] = {}
        self._waiting: dict[Edge, tuple[Any, Value]] = {}  # the sum that waits at an output of a node

    def see(self, run: Callable[[], Any], node: Node, grad_outputs: list[Any]) -> Any:
        """Run a node, and note a step."""
        step = self._begin(node, grad_outputs)
        local = self._local_derivatives(node, step)
        had_saved = bool(node.saved)
        if isinstance(node, AccumulateGrad):
            before = self.forward.copies.optional(node.variable._grad)
            grad_inputs = run()
            added = step.grads[0]
            after = self.forward.copies.optional(node.variable._grad)
            if added is not None and after is not None:  # a hook may have taken it away
                step.accumulation = Accumulation(before, added, after)
            return grad_inputs
        grad_inputs = run()
        for i, (edge, grad) in enumerate(zip(node.next_edges, grad_inputs, strict=True)):
            step.sent.append(self._send(step, i, edge, grad, local))
        self._note_what_is_freed(node, step, had_saved)
        return grad_inputs

    def _begin(self, node: Node, grad_outputs: list[Any]) -> BackwardStep:
        is_leaf = isinstance(node, AccumulateGrad)
        step = BackwardStep(
            kind="accumulate" if is_leaf else "op",
            name=node.name(),
            step=None if is_leaf else self.forward.step_for(node),
            leaf=self.forward.leaf_of(node.variable) if isinstance(node, AccumulateGrad) else None,
            grads=[self.forward.copies.optional(grad) for grad in grad_outputs],
            index=len(self.steps),
        )
        for output_nr, grad in enumerate(step.grads):
            edge = node, output_nr
            step.came_from += self._arrived.pop(edge, [])
            _, expected = self._waiting.pop(edge, (None, None))
            if expected is not None and not has_equal_numbers(expected, grad):
                step.hooked = True
        if not step.came_from and not is_leaf:
            self.forward.name_root(node)
        self.steps.append(step)
        return step

    def _send(
        self, step: BackwardStep, i: int, edge: Edge | None, grad: Any, local: list[Value | None]
    ) -> Sent:
        copies = self.forward.copies
        value = copies.optional(grad)
        if edge is None:
            return Sent(i, value, self._source_of(step, i))
        target = self._target(edge)
        sent = Sent(i, value, target, edge[1], local=local[i] if i < len(local) else None)
        if value is None:
            return sent
        waiting, before = self._waiting.get(edge, (None, None))
        total = dense(grad) if waiting is None else sum_of(waiting, dense(grad))
        sent.before, sent.total = before, copies.value_of(total)
        self._waiting[edge] = total, sent.total
        self._arrived.setdefault(edge, []).append((step, sent))
        return sent

    def _target(self, edge: Edge) -> Source:
        node = edge[0]
        if isinstance(node, AccumulateGrad):
            return self.forward.leaf_of(node.variable)
        return self.forward.step_for(node)

    def _source_of(self, step: BackwardStep, i: int) -> Source | None:
        inputs = step.step.inputs if step.step is not None else []
        return inputs[i].source if i < len(inputs) else None

    def _local_derivatives(self, node: Node, step: BackwardStep) -> list[Value | None]:
        """Return for each input by what the incoming gradient is multiplied, where it is so simple.

        That is so where every element is computed by itself, and where the output is one number. A gradient of ones
        then comes back as the derivative.
        """
        forward, grad = step.step, step.grads[0]
        if forward is None or not forward.seen or grad is None or len(step.grads) != 1:
            return []
        if not isinstance(node, Op) or node.saved is None:
            return []
        if grad.device != "cpu" or grad.dtype == "bfloat16" or not is_floating(grad.window.dtype):
            return []
        shapes = [x.value.shape for x in forward.inputs if x.needs_grad and x.value is not None]
        by_element = forward.is_elementwise and all(shape == grad.shape for shape in shapes)
        to_one_number = grad.size == 1 and sum(map(math.prod, shapes)) <= MANY_ELEMENTS
        if not by_element and not to_one_number:
            return []
        found = node.backward(np.ones(grad.shape, grad.window.dtype))
        return [self.forward.copies.optional(x) for x in (found if isinstance(found, tuple) else (found,))]

    def _note_what_is_freed(self, node: Node, step: BackwardStep, had_saved: bool) -> None:
        if not had_saved or step.step is None:
            return
        if node.saved is not None:
            self.retained = True
            return
        step.freed = list(step.step.saved)
        for saved in step.freed:
            saved.freed_by = step

    def collect(self) -> None:
        """Note the gradients that arrived at leaves which no node added to ``grad``: ``autograd.grad`` took them."""
        for (node, _), (_, total) in self._waiting.items():
            if isinstance(node, AccumulateGrad):
                leaf = self.forward.leaf_of(node.variable)
                step = BackwardStep("collect", node.name(), None, leaf, [total], index=len(self.steps))
                step.came_from = self._arrived.get((node, 0), [])
                self.steps.append(step)


def has_equal_numbers(a: Value, b: Value | None) -> bool:
    """Tell whether two values are the same, as far as they were copied."""
    return (
        b is not None
        and a.shape == b.shape
        and np.array_equal(a.window, b.window, equal_nan=is_inexact(a.window.dtype))
    )
