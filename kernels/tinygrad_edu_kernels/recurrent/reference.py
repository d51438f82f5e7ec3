"""Recurrent layers, specified: plain loops over time, over the sequences and over their numbers.

What a step takes from the input, x W_ih^T and the biases, is the same whatever the state: it is made for all steps at
once by ``linear``, and comes here as ``gates``. What is left is one loop over time, in which the state goes from step
to step. Backpropagation through time walks the same loop the other way round.

In all functions, T is the number of steps, B that of sequences, rows the sum of ``batch_sizes``, and H the number of
hidden units. ``reverse`` runs through time from the last step to the first.

References
----------
.. [1] S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997; the forget gate is that of F. Gers,
   J. Schmidhuber and F. Cummins, "Learning to Forget", 2000.
.. [2] K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
.. [3] P. Werbos, "Backpropagation Through Time: What It Does and How to Do It", 1990.
.. [4] https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

Array = Any


def rnn_forward(
    gates: Array, weight_hh: Array, h0: Array, batch_sizes: tuple[int, ...], reverse: bool, relu: bool
) -> tuple[Array, Array, Array]:
    r"""Run an Elman network, h = tanh(gates + W_hh h_before), or with a ReLU.

    Parameters
    ----------
    gates : (rows, H) array
        What every step takes from the input.
    weight_hh : (H, H) array
        From the state to the next one.
    h0 : (B, H) array
        The state before the first step.
    batch_sizes : tuple of T int
        How many sequences reach each step.
    reverse : bool
        Whether time runs backward.
    relu : bool
        Whether to cut off what is below 0, instead of the hyperbolic tangent.

    Returns
    -------
    output, previous : (rows, H) arrays
        The state after each step, and before it.
    h_n : (B, H) array
        The state after the last step of each sequence.
    """
    rows, hidden_size = gates.shape
    output, previous = np.empty((rows, hidden_size), gates.dtype), np.empty((rows, hidden_size), gates.dtype)
    h_n = h0.copy()
    for row, b in _rows_in_time(batch_sizes, reverse):
        previous[row] = h_n[b]
        for j in range(hidden_size):
            total = float(gates[row, j]) + _dot(weight_hh[j], previous[row])
            output[row, j] = _relu(total) if relu else math.tanh(total)
        h_n[b] = output[row]
    return output, previous, h_n


def rnn_backward(
    grad_output: Array,
    grad_h_n: Array,
    output: Array,
    weight_hh: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    relu: bool,
) -> tuple[Array, Array]:
    r"""Return the gradients of the gates and of the initial state.

    Parameters
    ----------
    grad_output : (rows, H) array
        Gradient with respect to the output.
    grad_h_n : (B, H) array
        Gradient with respect to the last states.
    output, weight_hh, batch_sizes, reverse, relu
        The first result of the forward pass, and what it was given.

    Returns
    -------
    grad_gates : (rows, H) array
        With respect to the gates, and to the products W_hh h_before. The gradient of the weight is the product
        ``grad_gates^T previous`` over all rows.
    grad_h0 : (B, H) array
        With respect to the initial state.

    Notes
    -----
    The state of a step goes into the output and into the next step, so its gradient is a sum of two:

    .. math:: g_t = \frac{\partial L}{\partial y_t} + W_{hh}^T \delta_{t+1}, \quad
              \delta_t = g_t\, (1 - h_t^2)
    """
    rows, hidden_size = output.shape
    grad_gates = np.empty((rows, hidden_size), output.dtype)
    grad_h0 = grad_h_n.copy()
    for row, b in _rows_in_time(batch_sizes, not reverse):
        for j in range(hidden_size):
            gradient, h = float(grad_output[row, j]) + float(grad_h0[b, j]), float(output[row, j])
            grad_gates[row, j] = gradient * ((1.0 if h != 0 else 0.0) if relu else 1 - h * h)
        for k in range(hidden_size):
            grad_h0[b, k] = _dot(grad_gates[row], weight_hh[:, k])
    return grad_gates, grad_h0


def lstm_forward(
    gates: Array,
    weight_hh: Array,
    weight_hr: Array | None,
    h0: Array,
    c0: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
    r"""Run a network with long short-term memory.

    Parameters
    ----------
    gates : (rows, 4 H) array
        What every step takes from the input: for the input gate i, the forget gate f, the new content g and the
        output gate o.
    weight_hh : (4 H, P) array
        From the state to the gates; P = H without a projection.
    weight_hr : (P, H) array, optional
        The projection: the state is W_hr (o tanh(c)), and shorter than the cell.
    h0, c0 : (B, P) and (B, H) arrays
        State and cell before the first step.
    batch_sizes, reverse
        As in :func:`rnn_forward`.

    Returns
    -------
    output, previous : (rows, P) arrays
        The state after each step, and before it.
    activated : (rows, 4 H) array
        i, f, g and o.
    previous_cells, tanh_cells : (rows, H) arrays
        The cell before each step, and the hyperbolic tangent of the cell after it.
    h_n, c_n : (B, P) and (B, H) arrays
        State and cell after the last step of each sequence.

    Notes
    -----
    .. math:: i, f, o = \sigma(\cdot), \quad g = \tanh(\cdot), \quad
              c_t = f\, c_{t-1} + i\, g, \quad h_t = o \tanh(c_t)

    where the dots are the gates plus :math:`W_{hh} h_{t-1}`.
    """
    rows, size = len(gates), c0.shape[1]
    activated = np.empty((rows, 4 * size), gates.dtype)
    output, previous = (np.empty((rows, h0.shape[1]), gates.dtype) for _ in range(2))
    previous_cells, tanh_cells = (np.empty((rows, size), gates.dtype) for _ in range(2))
    h_n, c_n = h0.copy(), c0.copy()
    for row, b in _rows_in_time(batch_sizes, reverse):
        previous[row], previous_cells[row] = h_n[b], c_n[b]
        for j in range(4 * size):
            total = float(gates[row, j]) + _dot(weight_hh[j], previous[row])
            activated[row, j] = math.tanh(total) if 2 * size <= j < 3 * size else _sigmoid(total)
        hidden = np.empty(size, gates.dtype)
        for j in range(size):
            i, f, g, o = [float(activated[row, gate * size + j]) for gate in range(4)]
            c_n[b, j] = f * float(previous_cells[row, j]) + i * g
            tanh_cells[row, j] = math.tanh(float(c_n[b, j]))
            hidden[j] = o * float(tanh_cells[row, j])
        output[row] = hidden if weight_hr is None else [_dot(weights, hidden) for weights in weight_hr]
        h_n[b] = output[row]
    return output, previous, activated, previous_cells, tanh_cells, h_n, c_n


def lstm_backward(
    grad_output: Array,
    grad_h_n: Array,
    grad_c_n: Array,
    activated: Array,
    previous_cells: Array,
    tanh_cells: Array,
    weight_hh: Array,
    weight_hr: Array | None,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Array, Array, Array, Array]:
    r"""Return the gradients of the gates, of all states, of the initial state and of the initial cell.

    Parameters
    ----------
    grad_output, grad_h_n, grad_c_n : (rows, P), (B, P) and (B, H) arrays
        Gradients with respect to the output, to the last states and to the last cells.
    activated, previous_cells, tanh_cells
        From the forward pass.
    weight_hh, weight_hr, batch_sizes, reverse
        As in the forward pass.

    Returns
    -------
    grad_gates : (rows, 4 H) array
        With respect to the gates, and to the products W_hh h_before.
    grad_states : (rows, P) array
        With respect to the state after each step, by all ways. The projection's gradient is made of it.
    grad_h0, grad_c0 : (B, P) and (B, H) arrays
        With respect to the initial state and cell.

    Notes
    -----
    The cell hands its gradient to the step before it by way of the forget gate alone: while f is near 1, nothing is
    lost over many steps. With :math:`d_t` the gradient of :math:`o \tanh(c_t)`,

    .. math:: \frac{\partial L}{\partial c_t} = d_t\, o\, (1 - \tanh^2 c_t)
                  + f_{t+1} \frac{\partial L}{\partial c_{t+1}}, \quad
              \frac{\partial L}{\partial (i, f, g, o)} =
                  \left(\frac{\partial L}{\partial c_t} g, \frac{\partial L}{\partial c_t} c_{t-1},
                  \frac{\partial L}{\partial c_t} i, d_t \tanh c_t\right)
    """
    rows, size = tanh_cells.shape
    grad_gates, grad_states = np.empty_like(activated), np.empty(grad_output.shape, activated.dtype)
    grad_h0, grad_c0 = grad_h_n.copy(), grad_c_n.copy()
    for row, b in _rows_in_time(batch_sizes, not reverse):
        for k in range(grad_output.shape[1]):
            grad_states[row, k] = float(grad_output[row, k]) + float(grad_h0[b, k])
        for j in range(size):
            i, f, g, o = [float(activated[row, gate * size + j]) for gate in range(4)]
            tanh_cell = float(tanh_cells[row, j])
            grad = (
                float(grad_states[row, j]) if weight_hr is None else _dot(grad_states[row], weight_hr[:, j])
            )
            grad_cell = float(grad_c0[b, j]) + grad * o * (1 - tanh_cell * tanh_cell)
            grad_gates[row, j] = grad_cell * g * i * (1 - i)
            grad_gates[row, size + j] = grad_cell * float(previous_cells[row, j]) * f * (1 - f)
            grad_gates[row, 2 * size + j] = grad_cell * i * (1 - g * g)
            grad_gates[row, 3 * size + j] = grad * tanh_cell * o * (1 - o)
            grad_c0[b, j] = grad_cell * f
        for k in range(grad_output.shape[1]):
            grad_h0[b, k] = _dot(grad_gates[row], weight_hh[:, k])
    return grad_gates, grad_states, grad_h0, grad_c0


def gru_forward(
    gates: Array,
    weight_hh: Array,
    bias_hh: Array | None,
    h0: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    r"""Run a network of gated recurrent units.

    Parameters
    ----------
    gates : (rows, 3 H) array
        What every step takes from the input: for the reset gate r, the update gate z and the new content n.
    weight_hh : (3 H, H) array
        From the state to the gates.
    bias_hh : (3 H,) array, optional
        Added to the products with the state; the reset gate is multiplied with it, too.
    h0, batch_sizes, reverse
        As in :func:`rnn_forward`.

    Returns
    -------
    output, previous : (rows, H) arrays
        The state after each step, and before it.
    activated : (rows, 3 H) array
        r, z and n.
    hidden_new : (rows, H) array
        What the state gives to n, before it is multiplied by r.
    h_n : (B, H) array
        The state after the last step of each sequence.

    Notes
    -----
    With :math:`m = W_{hh} h_{t-1} + b_{hh}`, in three parts as the gates a,

    .. math:: r = \sigma(a_r + m_r), \quad z = \sigma(a_z + m_z), \quad n = \tanh(a_n + r\, m_n), \quad
              h_t = (1 - z)\, n + z\, h_{t-1}
    """
    rows, size = len(gates), h0.shape[1]
    activated = np.empty((rows, 3 * size), gates.dtype)
    output, previous, hidden_new = (np.empty((rows, size), gates.dtype) for _ in range(3))
    h_n = h0.copy()
    for row, b in _rows_in_time(batch_sizes, reverse):
        previous[row] = h_n[b]
        products = [_dot(weights, previous[row]) for weights in weight_hh]
        if bias_hh is not None:
            products = [products[j] + float(bias_hh[j]) for j in range(3 * size)]
        for j in range(size):
            r = _sigmoid(float(gates[row, j]) + products[j])
            z = _sigmoid(float(gates[row, size + j]) + products[size + j])
            n = math.tanh(float(gates[row, 2 * size + j]) + r * products[2 * size + j])
            activated[row, j], activated[row, size + j], activated[row, 2 * size + j] = r, z, n
            hidden_new[row, j] = products[2 * size + j]
            output[row, j] = (1 - z) * n + z * float(previous[row, j])
        h_n[b] = output[row]
    return output, previous, activated, hidden_new, h_n


def gru_backward(
    grad_output: Array,
    grad_h_n: Array,
    activated: Array,
    hidden_new: Array,
    previous: Array,
    weight_hh: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Array, Array, Array]:
    r"""Return the gradients of the gates, of the products with the state, and of the initial state.

    Parameters
    ----------
    grad_output, grad_h_n : (rows, H) and (B, H) arrays
        Gradients with respect to the output and to the last states.
    activated, hidden_new, previous
        From the forward pass.
    weight_hh, batch_sizes, reverse
        As in the forward pass.

    Returns
    -------
    grad_gates : (rows, 3 H) array
        With respect to the gates.
    grad_products : (rows, 3 H) array
        With respect to W_hh h_before + b_hh: the same, but with r multiplied to the third part.
    grad_h0 : (B, H) array
        With respect to the initial state.

    Notes
    -----
    With :math:`g` the gradient of :math:`h_t`, and :math:`\delta` that of the three gates,

    .. math:: \delta_n = g\, (1 - z)(1 - n^2), \quad \delta_z = g\, (h_{t-1} - n)\, z (1 - z), \quad
              \delta_r = \delta_n m_n\, r (1 - r), \quad
              \frac{\partial L}{\partial h_{t-1}} = g\, z + W_{hh}^T (\delta_r, \delta_z, r\, \delta_n)
    """
    rows, size = hidden_new.shape
    grad_gates, grad_products = np.empty_like(activated), np.empty_like(activated)
    grad_h0 = grad_h_n.copy()
    for row, b in _rows_in_time(batch_sizes, not reverse):
        carried = [0.0] * size
        for j in range(size):
            r, z, n = [float(activated[row, gate * size + j]) for gate in range(3)]
            grad = float(grad_output[row, j]) + float(grad_h0[b, j])
            grad_new = grad * (1 - z) * (1 - n * n)
            grad_gates[row, j] = grad_new * float(hidden_new[row, j]) * r * (1 - r)
            grad_gates[row, size + j] = grad * (float(previous[row, j]) - n) * z * (1 - z)
            grad_gates[row, 2 * size + j] = grad_new
            grad_products[row, 2 * size + j] = grad_new * r
            carried[j] = grad * z
        grad_products[row, : 2 * size] = grad_gates[row, : 2 * size]
        for k in range(size):
            grad_h0[b, k] = carried[k] + _dot(grad_products[row], weight_hh[:, k])
    return grad_gates, grad_products, grad_h0


def _rows_in_time(batch_sizes: tuple[int, ...], reverse: bool) -> Iterator[tuple[int, int]]:
    """Yield every row, and the number of its sequence, from the first step to the last, or the other way round."""
    starts = np.cumsum(batch_sizes) - batch_sizes
    steps = range(len(batch_sizes))
    for t in reversed(steps) if reverse else steps:
        for b in range(int(batch_sizes[t])):
            yield int(starts[t]) + b, b


def _dot(a: Array, b: Array) -> float:
    """Return the sum of the products of two vectors."""
    return sum([float(a[k]) * float(b[k]) for k in range(len(a))], 0.0)


def _sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), with an exponential that cannot overflow."""
    e = math.exp(-abs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def _relu(x: float) -> float:
    """Return x where it is above 0, else 0; a NaN is not below 0."""
    return 0.0 if x <= 0 else x
