"""Recurrent layers on the GPU: a block takes a sequence through all steps, so one launch does the whole loop over time.

The threads of a block share the hidden units of a step. What one thread has written the others read in the next step,
behind a barrier; blocks have nothing to do with each other. Weights come transposed where that lets neighbouring
threads read neighbouring numbers. Sums of float32 run in float32, always in the same order.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from tinygrad_edu_kernels.cuda_launch import array_module_of, launch_rows

Array = Any


def rnn_forward(
    gates: Array, weight_hh: Array, h0: Array, batch_sizes: tuple[int, ...], reverse: bool, relu: bool
) -> tuple[Array, Array, Array]:
    """Run an Elman network; return the states after and before each step (rows, H), and the last ones (B, H)."""
    xp, dtype = array_module_of(gates), gates.dtype
    output, previous = xp.empty(gates.shape, dtype), xp.empty(gates.shape, dtype)
    h_n = xp.array(h0, dtype, order="C")
    inputs = (
        xp.ascontiguousarray(gates),
        xp.ascontiguousarray(weight_hh.T),
        _steps(gates, batch_sizes, reverse),
    )
    launch_rows(_rnn_kernel, *h_n.shape, *inputs, int(relu), output, previous, h_n)
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
    xp, dtype = array_module_of(output), output.dtype
    grad_gates, grad_h0 = xp.empty(output.shape, dtype), xp.array(grad_h_n, dtype, order="C")
    inputs = [xp.ascontiguousarray(array) for array in (grad_output, output, weight_hh)]
    steps = _steps(output, batch_sizes, not reverse)
    launch_rows(_rnn_backward_kernel, *grad_h0.shape, *inputs, steps, int(relu), grad_gates, grad_h0)
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
    xp, dtype, rows = array_module_of(gates), gates.dtype, len(gates)
    output, previous = (xp.empty((rows, h0.shape[1]), dtype) for _ in range(2))
    activated = xp.empty(gates.shape, dtype)
    previous_cells, tanh_cells, hidden = (xp.empty((rows, c0.shape[1]), dtype) for _ in range(3))
    h_n, c_n = xp.array(h0, dtype, order="C"), xp.array(c0, dtype, order="C")
    projection = xp.empty((0, 0), dtype) if weight_hr is None else xp.ascontiguousarray(weight_hr.T)
    inputs = xp.ascontiguousarray(gates), xp.ascontiguousarray(weight_hh.T), projection
    results = output, previous, activated, previous_cells, tanh_cells, h_n, c_n
    launch_rows(_lstm_kernel, *c_n.shape, *inputs, _steps(gates, batch_sizes, reverse), hidden, *results)
    return results


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
    xp, dtype = array_module_of(activated), activated.dtype
    grad_gates, grad_states = xp.empty(activated.shape, dtype), xp.empty(grad_output.shape, dtype)
    grad_h0, grad_c0 = xp.array(grad_h_n, dtype, order="C"), xp.array(grad_c_n, dtype, order="C")
    given = grad_output, activated, previous_cells, tanh_cells, weight_hh
    inputs = [xp.ascontiguousarray(array) for array in given]
    projection = xp.empty((0, 0), dtype) if weight_hr is None else xp.ascontiguousarray(weight_hr)
    results = grad_gates, grad_states, grad_h0, grad_c0
    steps = _steps(activated, batch_sizes, not reverse)
    launch_rows(_lstm_backward_kernel, *grad_c0.shape, *inputs, projection, steps, *results)
    return results


def gru_forward(
    gates: Array,
    weight_hh: Array,
    bias_hh: Array | None,
    h0: Array,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Run gated recurrent units; return output, previous, activated, hidden_new and h_n."""
    xp, dtype, rows = array_module_of(gates), gates.dtype, len(gates)
    output, previous, hidden_new = (xp.empty((rows, h0.shape[1]), dtype) for _ in range(3))
    activated, h_n = xp.empty(gates.shape, dtype), xp.array(h0, dtype, order="C")
    bias = xp.zeros(gates.shape[1], dtype) if bias_hh is None else xp.ascontiguousarray(bias_hh)
    inputs = xp.ascontiguousarray(gates), xp.ascontiguousarray(weight_hh.T), bias
    results = output, previous, activated, hidden_new, h_n
    launch_rows(_gru_kernel, *h_n.shape, *inputs, _steps(gates, batch_sizes, reverse), *results)
    return results


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
    xp, dtype = array_module_of(activated), activated.dtype
    grad_gates, grad_products = xp.empty(activated.shape, dtype), xp.empty(activated.shape, dtype)
    grad_h0 = xp.array(grad_h_n, dtype, order="C")
    given = grad_output, activated, hidden_new, previous, weight_hh
    inputs = [xp.ascontiguousarray(array) for array in given]
    results = grad_gates, grad_products, grad_h0
    launch_rows(
        _gru_backward_kernel, *grad_h0.shape, *inputs, _steps(activated, batch_sizes, not reverse), *results
    )
    return results


def _steps(array: Array, batch_sizes: tuple[int, ...], reverse: bool) -> Array:
    """Return (T, 2) of int64 on the GPU: the first row of every step, and how many it has, in the order of time."""
    steps = [(0, 0)]
    for size in batch_sizes:
        steps.append((steps[-1][0] + steps[-1][1], int(size)))
    steps = steps[:0:-1] if reverse else steps[1:]
    return array_module_of(array).array(steps, "int64").reshape(len(steps), 2)


# ---- one element --------------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _sigmoid(x, number):
    """Return 1 / (1 + e^-x), with an exponential that cannot overflow; ``number`` is the dtype to compute in."""
    exponential = math.exp(-abs(x))
    return (number(1) if x >= number(0) else exponential) / (number(1) + exponential)


@cuda.jit(device=True)
def _dot(a, row, matrix, column, count, total):
    """Return total + the sum over k < count of a[row, k] matrix[k, column]."""
    for k in range(count):
        total += a[row, k] * matrix[k, column]
    return total


# ---- kernels: one block a sequence ---------------------------------------------------------------------------
# All threads of a block come to the same barriers: whether the sequence reaches a step is the same for all of them.


@cuda.jit
def _rnn_kernel(gates, weight, steps, relu, output, previous, h):
    """h = tanh(gates + h weight), or its ReLU."""
    zero = h.dtype.type(0)
    size = h.shape[1]
    for b in range(cuda.blockIdx.x, h.shape[0], cuda.gridDim.x):
        for t in range(steps.shape[0]):
            if b < steps[t, 1]:
                row = steps[t, 0] + b
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    total = _dot(h, b, weight, j, size, gates[row, j])
                    if relu:
                        output[row, j] = zero if total <= zero else total
                    else:
                        output[row, j] = math.tanh(total)
                cuda.syncthreads()
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    previous[row, j] = h[b, j]
                    h[b, j] = output[row, j]
                cuda.syncthreads()


@cuda.jit
def _rnn_backward_kernel(grad_output, output, weight, steps, relu, grad_gates, grad_h):
    """(grad + that of the state) * slope, which goes on to the state before by way of the weight."""
    number = grad_h.dtype.type
    size = grad_h.shape[1]
    for b in range(cuda.blockIdx.x, grad_h.shape[0], cuda.gridDim.x):
        for t in range(steps.shape[0]):
            if b < steps[t, 1]:
                row = steps[t, 0] + b
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    y = output[row, j]
                    slope = number(1) - y * y
                    if relu:
                        slope = number(0) if y == number(0) else number(1)
                    grad_gates[row, j] = (grad_output[row, j] + grad_h[b, j]) * slope
                cuda.syncthreads()
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    grad_h[b, j] = _dot(grad_gates, row, weight, j, size, number(0))
                cuda.syncthreads()


@cuda.jit
def _lstm_kernel(
    gates, weight, projection, steps, hidden, output, previous, activated, previous_cells, tanh_cells, h, c
):
    """c = f c + i g, hidden = o tanh(c), and h = hidden, or its projection."""
    number = h.dtype.type
    size, state_size = c.shape[1], h.shape[1]
    for b in range(cuda.blockIdx.x, h.shape[0], cuda.gridDim.x):
        for t in range(steps.shape[0]):
            if b < steps[t, 1]:
                row = steps[t, 0] + b
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    i = _sigmoid(_dot(h, b, weight, j, state_size, gates[row, j]), number)
                    f = _sigmoid(_dot(h, b, weight, size + j, state_size, gates[row, size + j]), number)
                    g = math.tanh(_dot(h, b, weight, 2 * size + j, state_size, gates[row, 2 * size + j]))
                    o = _sigmoid(
                        _dot(h, b, weight, 3 * size + j, state_size, gates[row, 3 * size + j]), number
                    )
                    activated[row, j], activated[row, size + j] = i, f
                    activated[row, 2 * size + j], activated[row, 3 * size + j] = g, o
                    previous_cells[row, j] = c[b, j]
                    cell = f * c[b, j] + i * g
                    c[b, j] = cell
                    tanh_cells[row, j] = math.tanh(cell)
                    hidden[row, j] = o * math.tanh(cell)
                cuda.syncthreads()
                for k in range(cuda.threadIdx.x, state_size, cuda.blockDim.x):
                    if projection.shape[0] > 0:
                        output[row, k] = _dot(hidden, row, projection, k, size, number(0))
                    else:
                        output[row, k] = hidden[row, k]
                    previous[row, k] = h[b, k]
                    h[b, k] = output[row, k]
                cuda.syncthreads()


@cuda.jit
def _lstm_backward_kernel(
    grad_output, activated, previous_cells, tanh_cells, weight, projection, steps,
    grad_gates, grad_states, grad_h, grad_c,
):  # fmt: skip
    """dL/d(gates) of a step, dL/dh of its state, and those of the state and the cell before it."""
    number = grad_h.dtype.type
    one = number(1)
    size, state_size = grad_c.shape[1], grad_h.shape[1]
    for b in range(cuda.blockIdx.x, grad_h.shape[0], cuda.gridDim.x):
        for t in range(steps.shape[0]):
            if b < steps[t, 1]:
                row = steps[t, 0] + b
                for k in range(cuda.threadIdx.x, state_size, cuda.blockDim.x):
                    grad_states[row, k] = grad_output[row, k] + grad_h[b, k]
                cuda.syncthreads()
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    if projection.shape[0] > 0:
                        grad = _dot(grad_states, row, projection, j, state_size, number(0))
                    else:
                        grad = grad_states[row, j]
                    i, f = activated[row, j], activated[row, size + j]
                    g, o = activated[row, 2 * size + j], activated[row, 3 * size + j]
                    tanh_cell = tanh_cells[row, j]
                    grad_cell = grad_c[b, j] + grad * o * (one - tanh_cell * tanh_cell)
                    grad_gates[row, j] = grad_cell * g * i * (one - i)
                    grad_gates[row, size + j] = grad_cell * previous_cells[row, j] * f * (one - f)
                    grad_gates[row, 2 * size + j] = grad_cell * i * (one - g * g)
                    grad_gates[row, 3 * size + j] = grad * tanh_cell * o * (one - o)
                    grad_c[b, j] = grad_cell * f
                cuda.syncthreads()
                for k in range(cuda.threadIdx.x, state_size, cuda.blockDim.x):
                    grad_h[b, k] = _dot(grad_gates, row, weight, k, 4 * size, number(0))
                cuda.syncthreads()


@cuda.jit
def _gru_kernel(gates, weight, bias, steps, output, previous, activated, hidden_new, h):
    """h = (1 - z) n + z h."""
    number = h.dtype.type
    size = h.shape[1]
    for b in range(cuda.blockIdx.x, h.shape[0], cuda.gridDim.x):
        for t in range(steps.shape[0]):
            if b < steps[t, 1]:
                row = steps[t, 0] + b
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    r = _sigmoid(gates[row, j] + _dot(h, b, weight, j, size, bias[j]), number)
                    product = _dot(h, b, weight, size + j, size, bias[size + j])
                    z = _sigmoid(gates[row, size + j] + product, number)
                    product = _dot(h, b, weight, 2 * size + j, size, bias[2 * size + j])
                    n = math.tanh(gates[row, 2 * size + j] + r * product)
                    activated[row, j], activated[row, size + j], activated[row, 2 * size + j] = r, z, n
                    hidden_new[row, j] = product
                    output[row, j] = (number(1) - z) * n + z * h[b, j]
                cuda.syncthreads()
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    previous[row, j] = h[b, j]
                    h[b, j] = output[row, j]
                cuda.syncthreads()


@cuda.jit
def _gru_backward_kernel(
    grad_output, activated, hidden_new, previous, weight, steps, grad_gates, grad_products, grad_h
):
    """dL/d(gates) of a step, that of its products with the state, and that of the state before it."""
    number = grad_h.dtype.type
    one = number(1)
    size = grad_h.shape[1]
    for b in range(cuda.blockIdx.x, grad_h.shape[0], cuda.gridDim.x):
        for t in range(steps.shape[0]):
            if b < steps[t, 1]:
                row = steps[t, 0] + b
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    r, z, n = activated[row, j], activated[row, size + j], activated[row, 2 * size + j]
                    grad = grad_output[row, j] + grad_h[b, j]
                    grad_new = grad * (one - z) * (one - n * n)
                    grad_reset = grad_new * hidden_new[row, j] * r * (one - r)
                    grad_update = grad * (previous[row, j] - n) * z * (one - z)
                    grad_gates[row, j], grad_products[row, j] = grad_reset, grad_reset
                    grad_gates[row, size + j], grad_products[row, size + j] = grad_update, grad_update
                    grad_gates[row, 2 * size + j] = grad_new
                    grad_products[row, 2 * size + j] = grad_new * r
                    grad_h[b, j] = grad * z
                cuda.syncthreads()
                for j in range(cuda.threadIdx.x, size, cuda.blockDim.x):
                    grad_h[b, j] = _dot(grad_products, row, weight, j, 3 * size, grad_h[b, j])
                cuda.syncthreads()
