"""Recurrent layers as formulas in operations: for dtypes that have no kernel, and for second derivatives.

One step is a few lines; the loop over time around it is Python's. The kernels do the same, faster.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tinygrad_edu.autograd.api import grad
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.backend import Array
from tinygrad_edu.ops.elementwise.trigonometry import tanh
from tinygrad_edu.ops.elementwise.unary import sigmoid
from tinygrad_edu.ops.nn.activation import relu as relu_of
from tinygrad_edu.ops.shape.join import cat
from tinygrad_edu.ops.shape.layout import clone


class Steps(NamedTuple):
    """How sequences lie in packed rows: those of step 0, then those of step 1, and so on, the longest ones first."""

    batch_sizes: tuple[int, ...]  # how many sequences reach each step
    reverse: bool  # whether time runs backward

    def in_time(self) -> Iterator[tuple[int, slice, int]]:
        """Yield (step, its rows, how many) in the order in which the state goes through them."""
        starts = list(itertools.accumulate(self.batch_sizes, initial=0))
        steps = range(len(self.batch_sizes))
        for t in reversed(steps) if self.reverse else steps:
            yield t, slice(starts[t], starts[t + 1]), self.batch_sizes[t]


def rnn_formula(gates: Array, weight_hh: Array, h: Array, *, steps: Steps, relu: bool) -> tuple[Array, Array]:
    """h_t = tanh(gates_t + W_hh h_before), or its ReLU; return all states, and the last ones."""
    outputs: list[Any] = [None] * len(steps.batch_sizes)
    for t, rows, count in steps.in_time():
        total = gates[rows] + h[:count] @ weight_hh.T
        outputs[t] = relu_of(total) if relu else tanh(total)
        h = replaced(h, outputs[t])
    return cat(outputs), h


def lstm_formula(
    gates: Array, weight_hh: Array, weight_hr: Array | None, h: Array, c: Array, *, steps: Steps
) -> tuple[Array, Array, Array]:
    """c_t = f c_before + i g and h_t = o tanh(c_t); return all states, the last ones, and the last cells."""
    outputs: list[Any] = [None] * len(steps.batch_sizes)
    size = c.shape[1]
    for t, rows, count in steps.in_time():
        total = gates[rows] + h[:count] @ weight_hh.T
        i, f = sigmoid(total[:, :size]), sigmoid(total[:, size : 2 * size])
        g, o = tanh(total[:, 2 * size : 3 * size]), sigmoid(total[:, 3 * size :])
        cell = f * c[:count] + i * g
        hidden = o * tanh(cell)
        outputs[t] = hidden if weight_hr is None else hidden @ weight_hr.T
        h, c = replaced(h, outputs[t]), replaced(c, cell)
    return cat(outputs), h, c


def gru_formula(
    gates: Array, weight_hh: Array, bias_hh: Array | None, h: Array, *, steps: Steps
) -> tuple[Array, Array]:
    """h_t = (1 - z) n + z h_before; return all states, and the last ones."""
    outputs: list[Any] = [None] * len(steps.batch_sizes)
    size = h.shape[1]
    for t, rows, count in steps.in_time():
        a, before = gates[rows], h[:count]
        m = before @ weight_hh.T
        m = m if bias_hh is None else m + bias_hh
        r = sigmoid(a[:, :size] + m[:, :size])
        z = sigmoid(a[:, size : 2 * size] + m[:, size : 2 * size])
        n = tanh(a[:, 2 * size :] + r * m[:, 2 * size :])
        outputs[t] = (1 - z) * n + z * before
        h = replaced(h, outputs[t])
    return cat(outputs), h


def replaced(state: Array, first: Array) -> Array:
    """Return the state with its first rows replaced: those of the sequences that reach the step."""
    return first if len(first) == len(state) else cat([first, state[len(first) :]])


def gradients_of_formula(
    formula: Callable[..., tuple[Array, ...]],
    inputs: tuple[Array | None, ...],
    needs_grad: tuple[bool, ...],
    grad_outputs: tuple[Array | None, ...],
    **options: Any,
) -> tuple[Array | None, ...]:
    """Return the gradients of the inputs as Tensors that can be differentiated again.

    The formula is computed once more, from copies of the inputs: what lies before them is none of its business.
    """
    with enable_grad():
        copies = [clone(x) if needed else x for x, needed in zip(inputs, needs_grad, strict=True)]
        outputs = formula(*copies, **options)
        pairs = [(y, g) for y, g in zip(outputs, grad_outputs, strict=True) if g is not None]
        wanted = [x for x, needed in zip(copies, needs_grad, strict=True) if needed]
        ys, gs = zip(*pairs, strict=True)
        found = iter(grad(ys, wanted, gs, create_graph=True, allow_unused=True))
    return tuple([next(found) if needed else None for needed in needs_grad])
