"""Recurrent layers, compiled: the loop over time runs within a kernel, a step's gates in one pass.

The sequences of a batch have nothing to do with each other: each thread takes some of them through all steps, and no
thread waits for another one. The product of a step is that of the micro-kernel (``products.py``); what surrounds it are
loops over one row (``rows.py``), which the compiler vectorises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.micro_kernel import ROWS, round_up
from tinygrad_edu_kernels.recurrent.products import packed, padded, space_for, times_packed
from tinygrad_edu_kernels.recurrent.rows import (
    add,
    copy,
    gru_row,
    gru_row_back,
    lstm_row,
    lstm_row_back,
    tanh_of_sum,
)

Array = Any

NANOSECONDS = 0.02  # for a multiply-add, on one thread


def rnn_forward(
    gates: Array, weight_hh: Array, h0: Array, batch_sizes: tuple[int, ...], reverse: bool, relu: bool
) -> tuple[Array, Array, Array]:
    """Run an Elman network; return the states after and before each step (rows, H), and the last ones (B, H)."""
    output, previous = np.empty((2, *gates.shape), gates.dtype)
    h_n = np.array(h0, gates.dtype, order="C")
    matrix = packed(weight_hh.T)
    arrays = np.ascontiguousarray(gates), matrix, padded(None, matrix), output, previous, h_n
    _run_over_batch(_rnn_steps, len(gates), h_n, matrix, batch_sizes, reverse, *arrays, relu)
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
    """Return the gradients of the gates (rows, H) and of the initial state (B, H)."""
    grad_gates = np.empty(output.shape, output.dtype)
    grad_h0 = np.array(grad_h_n, output.dtype, order="C")
    matrix = packed(weight_hh)
    saved = np.ascontiguousarray(grad_output), np.ascontiguousarray(output)
    arrays = *saved, matrix, padded(None, matrix), grad_gates, grad_h0
    _run_over_batch(_rnn_steps_back, len(output), grad_h0, matrix, batch_sizes, not reverse, *arrays, relu)
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
    """Run an LSTM; return output, previous, activated, previous_cells, tanh_cells, h_n and c_n."""
    rows, dtype = len(gates), gates.dtype
    output, previous = np.empty((2, rows, h0.shape[1]), dtype)
    previous_cells, tanh_cells = np.empty((2, rows, c0.shape[1]), dtype)
    activated = np.empty(gates.shape, dtype)
    h_n, c_n = np.array(h0, dtype, order="C"), np.array(c0, dtype, order="C")
    matrix = packed(weight_hh.T)
    projection = packed(weight_hr.T) if weight_hr is not None else np.empty((0, 0, 0), dtype)
    products = matrix, padded(None, matrix), projection, padded(None, projection)
    results = output, previous, activated, previous_cells, tanh_cells, h_n, c_n
    gates = np.ascontiguousarray(gates)
    _run_over_batch(_lstm_steps, rows, h_n, matrix, batch_sizes, reverse, gates, *products, *results)
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
    """Return the gradients of the gates (rows, 4 H), of all states (rows, P), and of the first state and cell."""
    rows, dtype = len(activated), activated.dtype
    grad_gates, grad_states = np.empty(activated.shape, dtype), np.empty(grad_output.shape, dtype)
    grad_h0, grad_c0 = np.array(grad_h_n, dtype, order="C"), np.array(grad_c_n, dtype, order="C")
    matrix = packed(weight_hh)
    projection = packed(weight_hr) if weight_hr is not None else np.empty((0, 0, 0), dtype)
    products = matrix, padded(None, matrix), projection, padded(None, projection)
    given = [np.ascontiguousarray(a) for a in (grad_output, activated, previous_cells, tanh_cells)]
    arrays = *given, *products, grad_gates, grad_states, grad_h0, grad_c0
    _run_over_batch(_lstm_steps_back, rows, grad_h0, matrix, batch_sizes, not reverse, *arrays)
    return grad_gates, grad_states, grad_h0, grad_c0


def gru_forward(
    gates: Array,
    weight_hh: Array,
    bias_hh: Array | None,
    h0: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Run gated recurrent units; return output, previous, activated, hidden_new and h_n."""
    rows, dtype = len(gates), gates.dtype
    output, previous, hidden_new = np.empty((3, rows, h0.shape[1]), dtype)
    activated = np.empty(gates.shape, dtype)
    h_n = np.array(h0, dtype, order="C")
    matrix = packed(weight_hh.T)
    products = matrix, padded(bias_hh, matrix)
    arrays = np.ascontiguousarray(gates), *products, output, previous, activated, hidden_new, h_n
    _run_over_batch(_gru_steps, rows, h_n, matrix, batch_sizes, reverse, *arrays)
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
    """Return the gradients of the gates and of the products with the state (rows, 3 H), and of the first state."""
    grad_gates, grad_products = np.empty((2, *activated.shape), activated.dtype)
    grad_h0 = np.array(grad_h_n, activated.dtype, order="C")
    matrix = packed(weight_hh)
    given = [np.ascontiguousarray(a) for a in (grad_output, activated, hidden_new, previous)]
    arrays = *given, matrix, padded(None, matrix), grad_gates, grad_products, grad_h0
    _run_over_batch(_gru_steps_back, len(activated), grad_h0, matrix, batch_sizes, not reverse, *arrays)
    return grad_gates, grad_products, grad_h0


def _run_over_batch(
    kernel: Any,
    rows: int,
    state: Array,
    matrix: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    *arrays: Any,
) -> None:
    """Call a kernel for all steps, with the sequences of the batch in as many blocks as there are threads."""
    nanoseconds = NANOSECONDS * rows * matrix.size
    batch = len(state)
    parts = 1 if threads.is_small(nanoseconds) else threads.get_num_threads()
    block = round_up(max(-(-batch // parts), 1), max(ROWS, 1))
    steps = np.stack([np.cumsum(batch_sizes) - batch_sizes, batch_sizes], axis=1)  # first row, and how many
    steps = np.ascontiguousarray(steps[::-1] if reverse else steps)
    threads.run_over(-(-batch // block), nanoseconds, kernel, *arrays, steps, block)


# ---- kernels: they take the blocks of sequences first..last through all steps -----------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _begin_step(step, block, first, last):
    """Return the first row, the first sequence and the number of those that reach the step."""
    begin, end = first * block, min(last * block, step[1])
    return step[0] + begin, begin, max(end - begin, 0)


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _rnn_steps(gates, matrix, bias, output, previous, h, relu, steps, block, first, last):
    work = space_for(min((last - first) * block, len(h)), matrix)
    for t in range(len(steps)):
        start, begin, count = _begin_step(steps[t], block, first, last)
        for i in range(count):
            copy(h[begin + i], previous[start + i])
        times_packed(previous, start, count, matrix, bias, work)
        for i in range(count):
            y = output[start + i]
            if relu:
                add(gates[start + i], work[i], y)
                for j in range(y.size):
                    y[j] = y.dtype.type(0) if y[j] <= y.dtype.type(0) else y[j]
            else:
                tanh_of_sum(gates[start + i], work[i], y)
            copy(y, h[begin + i])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _rnn_steps_back(grad_output, output, matrix, bias, grad_gates, grad_h, relu, steps, block, first, last):
    work = space_for(min((last - first) * block, len(grad_h)), matrix)
    zero, one = output.dtype.type(0), output.dtype.type(1)
    for t in range(len(steps)):
        start, begin, count = _begin_step(steps[t], block, first, last)
        for i in range(count):
            grad, y, result = grad_h[begin + i], output[start + i], grad_gates[start + i]
            add(grad, grad_output[start + i], grad)
            for j in range(y.size):
                slope = (zero if y[j] == zero else one) if relu else one - y[j] * y[j]
                result[j] = grad[j] * slope
        times_packed(grad_gates, start, count, matrix, bias, work)
        for i in range(count):
            copy(work[i], grad_h[begin + i])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _lstm_steps(
    gates, matrix, bias, projection, no_bias, output, previous, activated, previous_cells, tanh_cells,
    h, c, steps, block, first, last,
):  # fmt: skip
    sequences = min((last - first) * block, len(h))
    work, projected = space_for(sequences, matrix), space_for(sequences, projection)
    hidden = np.empty((sequences, c.shape[1]), c.dtype)
    for t in range(len(steps)):
        start, begin, count = _begin_step(steps[t], block, first, last)
        for i in range(count):
            copy(h[begin + i], previous[start + i])
            copy(c[begin + i], previous_cells[start + i])
        times_packed(previous, start, count, matrix, bias, work)
        for i in range(count):
            row = start + i
            y = hidden[i] if len(projection) else output[row]
            lstm_row(gates[row], work[i], activated[row], c[begin + i], tanh_cells[row], y)
        if len(projection):
            times_packed(hidden, 0, count, projection, no_bias, projected)
            for i in range(count):
                copy(projected[i], output[start + i])
        for i in range(count):
            copy(output[start + i], h[begin + i])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _lstm_steps_back(
    grad_output, activated, previous_cells, tanh_cells, matrix, bias, projection, no_bias,
    grad_gates, grad_states, grad_h, grad_c, steps, block, first, last,
):  # fmt: skip
    sequences = min((last - first) * block, len(grad_h))
    work, projected = space_for(sequences, matrix), space_for(sequences, projection)
    size = grad_c.shape[1]
    for t in range(len(steps)):
        start, begin, count = _begin_step(steps[t], block, first, last)
        for i in range(count):
            add(grad_output[start + i], grad_h[begin + i], grad_states[start + i])
        if len(projection):
            times_packed(grad_states, start, count, projection, no_bias, projected)
        for i in range(count):
            row = start + i
            grad = projected[i, :size] if len(projection) else grad_states[row]
            lstm_row_back(
                grad, activated[row], previous_cells[row], tanh_cells[row], grad_c[begin + i], grad_gates[row]
            )
        times_packed(grad_gates, start, count, matrix, bias, work)
        for i in range(count):
            copy(work[i], grad_h[begin + i])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _gru_steps(gates, matrix, bias, output, previous, activated, hidden_new, h, steps, block, first, last):
    work = space_for(min((last - first) * block, len(h)), matrix)
    size = h.shape[1]
    for t in range(len(steps)):
        start, begin, count = _begin_step(steps[t], block, first, last)
        for i in range(count):
            copy(h[begin + i], previous[start + i])
        times_packed(previous, start, count, matrix, bias, work)
        for i in range(count):
            row = start + i
            copy(work[i, 2 * size : 3 * size], hidden_new[row])
            gru_row(gates[row], work[i], activated[row], hidden_new[row], previous[row], h[begin + i])
            copy(h[begin + i], output[row])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _gru_steps_back(
    grad_output, activated, hidden_new, previous, matrix, bias, grad_gates, grad_products,
    grad_h, steps, block, first, last,
):  # fmt: skip
    work = space_for(min((last - first) * block, len(grad_h)), matrix)
    size = grad_h.shape[1]
    for t in range(len(steps)):
        start, begin, count = _begin_step(steps[t], block, first, last)
        for i in range(count):
            row = start + i
            add(grad_h[begin + i], grad_output[row], grad_h[begin + i])
            gru_row_back(
                grad_h[begin + i],
                activated[row],
                hidden_new[row],
                previous[row],
                grad_gates[row],
                grad_products[row],
            )
        times_packed(grad_products, start, count, matrix, bias, work)
        for i in range(count):
            add(grad_h[begin + i], work[i, :size], grad_h[begin + i])
