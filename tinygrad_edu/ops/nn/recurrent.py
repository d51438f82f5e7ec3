"""Recurrent layers: one layer in one direction, all its time steps in one operation.

What the steps take from the input, x W_ih^T and the biases, comes as ``gates``, which ``linear`` has made for all
steps at once. A kernel walks through time, forward and backward; the gradient of W_hh is one product over all steps.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import raw
from tinygrad_edu.ops.linalg.matmul import linear_weight_gradient, sum_of_rows
from tinygrad_edu.ops.nn.recurrent_formula import (
    Steps,
    gradients_of_formula,
    gru_formula,
    lstm_formula,
    rnn_formula,
)


class RNNLayer(Op):
    """h_t = tanh(gates_t + W_hh h_before), or its ReLU; the outputs are all states (rows, H), and the last ones (B, H).

    The gradient goes through time backward: that of a state is what its output gets, and what comes from the next step.
    """

    def forward(
        self, gates: Array, weight_hh: Array, h0: Array, *, steps: Steps, relu: bool
    ) -> tuple[Array, Array]:
        self.steps, self.relu = steps, relu
        kernels = kernel_table.recurrent(gates)
        output, previous, h_n = kernels.rnn_forward(gates, weight_hh, h0, *steps, relu)
        self.save_for_backward(gates, weight_hh, h0, output, previous)
        return output, h_n

    def backward(self, *grads: Array | None) -> tuple[Array | None, ...]:
        gates, weight_hh, h0, output, previous = self.saved
        if is_differentiated(grads):
            inputs = gates, weight_hh, h0
            return gradients_of_formula(
                rnn_formula, inputs, self.needs_input_grad, grads, steps=self.steps, relu=self.relu
            )
        grad_output, grad_h_n = zeros_for_none(grads, output, h0)
        kernels = kernel_table.recurrent(output)
        grad_gates, grad_h0 = kernels.rnn_backward(
            grad_output, grad_h_n, output, weight_hh, *self.steps, self.relu
        )
        grad_weight = linear_weight_gradient(grad_gates, previous) if self.needs_input_grad[1] else None
        return grad_gates, grad_weight, grad_h0


class LSTMLayer(Op):
    """c_t = f c_before + i g and h_t = o tanh(c_t), projected by W_hr if it is given.

    The outputs are all states (rows, P), the last ones (B, P), and the last cells (B, H). A cell's gradient goes to the
    cell before it by way of the forget gate alone, which is why it does not fade over many steps.
    """

    def forward(
        self,
        gates: Array,
        weight_hh: Array,
        weight_hr: Array | None,
        h0: Array,
        c0: Array,
        *,
        steps: Steps,
    ) -> tuple[Array, Array, Array]:
        self.steps = steps
        kernels = kernel_table.recurrent(gates)
        output, previous, activated, previous_cells, tanh_cells, h_n, c_n = kernels.lstm_forward(
            gates, weight_hh, weight_hr, h0, c0, *steps
        )
        inputs = gates, weight_hh, weight_hr, h0, c0
        self.save_for_backward(*inputs, previous, activated, previous_cells, tanh_cells)
        return output, h_n, c_n

    def backward(self, *grads: Array | None) -> tuple[Array | None, ...]:
        *inputs, previous, activated, previous_cells, tanh_cells = self.saved
        if is_differentiated(grads):
            needed = self.needs_input_grad
            return gradients_of_formula(lstm_formula, tuple(inputs), needed, grads, steps=self.steps)
        _, weight_hh, weight_hr, h0, c0 = inputs
        grad_output, grad_h_n, grad_c_n = zeros_for_none(grads, previous, h0, c0)
        grad_gates, grad_states, grad_h0, grad_c0 = kernel_table.recurrent(previous).lstm_backward(
            grad_output, grad_h_n, grad_c_n, activated, previous_cells, tanh_cells, weight_hh, weight_hr,
            *self.steps,
        )  # fmt: skip
        grad_weight_hh = grad_weight_hr = None
        if self.needs_input_grad[1]:
            grad_weight_hh = linear_weight_gradient(grad_gates, previous)
        if self.needs_input_grad[2]:
            hidden = activated[:, 3 * tanh_cells.shape[1] :] * tanh_cells  # o tanh(c), before the projection
            grad_weight_hr = linear_weight_gradient(grad_states, hidden)
        return grad_gates, grad_weight_hh, grad_weight_hr, grad_h0, grad_c0


class GRULayer(Op):
    """h_t = (1 - z) n + z h_before; the outputs are all states (rows, H), and the last ones (B, H).

    Its b_hh is no part of the gates, for the reset gate is multiplied with it.
    """

    def forward(
        self, gates: Array, weight_hh: Array, bias_hh: Array | None, h0: Array, *, steps: Steps
    ) -> tuple[Array, Array]:
        self.steps = steps
        kernels = kernel_table.recurrent(gates)
        output, previous, activated, hidden_new, h_n = kernels.gru_forward(
            gates, weight_hh, bias_hh, h0, *steps
        )
        self.save_for_backward(gates, weight_hh, bias_hh, h0, previous, activated, hidden_new)
        return output, h_n

    def backward(self, *grads: Array | None) -> tuple[Array | None, ...]:
        *inputs, previous, activated, hidden_new = self.saved
        if is_differentiated(grads):
            needed = self.needs_input_grad
            return gradients_of_formula(gru_formula, tuple(inputs), needed, grads, steps=self.steps)
        _, weight_hh, _, h0 = inputs
        grad_output, grad_h_n = zeros_for_none(grads, previous, h0)
        grad_gates, grad_products, grad_h0 = kernel_table.recurrent(previous).gru_backward(
            grad_output, grad_h_n, activated, hidden_new, previous, weight_hh, *self.steps
        )
        grad_weight = grad_bias = None
        if self.needs_input_grad[1]:
            grad_weight = linear_weight_gradient(grad_products, previous)
        if self.needs_input_grad[2]:
            grad_bias = sum_of_rows(grad_products)
        return grad_gates, grad_weight, grad_bias, grad_h0


def is_differentiated(grads: tuple[Any, ...]) -> bool:
    """Tell whether a backward gets Tensors: it is to be differentiated itself."""
    return any(isinstance(gradient, TensorBase) for gradient in grads)


def zeros_for_none(grads: tuple[Array | None, ...], *likes: Array) -> list[Array]:
    """Return the gradients; zeros, of the shape of an array, for an output that nobody has used."""
    pairs = zip(grads, likes, strict=True)
    return [array_module(like).zeros(like.shape, like.dtype) if g is None else g for g, like in pairs]


def rnn_layer(gates: Array, weight_hh: Array, h0: Array, *, steps: Steps, relu: bool) -> tuple[Array, ...]:
    """Run an Elman network over packed rows; return all states (rows, H), and the last ones (B, H)."""
    if has_recurrent_kernels(gates, weight_hh, h0):
        return RNNLayer.apply(gates, weight_hh, h0, steps=steps, relu=relu)
    return rnn_formula(gates, weight_hh, h0, steps=steps, relu=relu)


def lstm_layer(
    gates: Array, weight_hh: Array, weight_hr: Array | None, h0: Array, c0: Array, *, steps: Steps
) -> tuple[Array, ...]:
    """Run an LSTM over packed rows; return all states (rows, P), the last ones (B, P), and the last cells (B, H)."""
    if has_recurrent_kernels(gates, weight_hh, weight_hr, h0, c0):
        return LSTMLayer.apply(gates, weight_hh, weight_hr, h0, c0, steps=steps)
    return lstm_formula(gates, weight_hh, weight_hr, h0, c0, steps=steps)


def gru_layer(
    gates: Array, weight_hh: Array, bias_hh: Array | None, h0: Array, *, steps: Steps
) -> tuple[Array, ...]:
    """Run a network of gated recurrent units; return all states (rows, H), and the last ones (B, H)."""
    if has_recurrent_kernels(gates, weight_hh, bias_hh, h0):
        return GRULayer.apply(gates, weight_hh, bias_hh, h0, steps=steps)
    return gru_formula(gates, weight_hh, bias_hh, h0, steps=steps)


def has_recurrent_kernels(gates: Array, *others: Array | None) -> bool:
    """Tell whether the kernels can be used: all are float32, or all float64."""
    array = raw(gates)
    return kernel_table.has_kernels(array) and all(x is None or raw(x).dtype == array.dtype for x in others)
