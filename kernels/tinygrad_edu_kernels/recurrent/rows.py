"""What a step does with one row, compiled: gates, cells and their gradients.

Every loop has few arrays: the compiler vectorises a loop only if it can check that those do not overlap.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from tinygrad_edu_kernels.activation.cpu import _exp

f32 = np.float32

# ---- elementary functions --------------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def _tanh_float32(x):
    """Return tanh(x) to 2 ulp: below 0.625 the polynomial of ``tanhf`` in the Cephes library, else by e^-2|x|."""
    square = x * x
    p = f32(-5.70498872745e-3)
    p = p * square + f32(2.06390887954e-2)
    p = p * square - f32(5.37397155531e-2)
    p = p * square + f32(1.33314422036e-1)
    p = p * square - f32(3.33332819422e-1)
    near_zero = x + x * (square * p)
    e = _exp(f32(-2) * abs(x))
    far = (f32(1) - e) / (f32(1) + e)
    far = -far if x < f32(0) else far
    return near_zero if abs(x) < f32(0.625) else far


def _tanh(x: float) -> float:
    """Return tanh(x)."""
    return np.tanh(x)


@overload(_tanh, inline="always")
def _choose_tanh(x):
    def single(x):
        return _tanh_float32(x)

    def double(x):
        return math.tanh(x)

    return single if x == types.float32 else double


# ---- loops over one row ----------------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def copy(source, target):
    """target[:] = source[: target.size]."""
    for j in range(target.size):
        target[j] = source[j]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def add(a, b, total):
    """total[:] = a + b."""
    for j in range(total.size):
        total[j] = a[j] + b[j]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def sigmoid_of_sum(a, b, y):
    """y[:] = sigmoid(a + b)."""
    one = y.dtype.type(1)
    for j in range(y.size):
        y[j] = one / (one + _exp(-(a[j] + b[j])))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def tanh_of_sum(a, b, y):
    """y[:] = tanh(a + b)."""
    for j in range(y.size):
        y[j] = _tanh(a[j] + b[j])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def lstm_row(gates, products, activated, c, tanh_cell, hidden):
    """Fill activated with i, f, g and o; c[:] = f c + i g, tanh_cell[:] = tanh(c) and hidden[:] = o tanh(c)."""
    size = c.size
    sigmoid_of_sum(gates[: 2 * size], products[: 2 * size], activated[: 2 * size])
    tanh_of_sum(gates[2 * size : 3 * size], products[2 * size : 3 * size], activated[2 * size : 3 * size])
    sigmoid_of_sum(gates[3 * size :], products[3 * size : 4 * size], activated[3 * size :])
    i, f = activated[:size], activated[size : 2 * size]
    g, o = activated[2 * size : 3 * size], activated[3 * size :]
    for j in range(size):
        c[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(size):
        tanh_cell[j] = _tanh(c[j])
        hidden[j] = o[j] * tanh_cell[j]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def lstm_row_back(grad, activated, previous_cell, tanh_cell, grad_c, grad_gates):
    """Fill grad_gates from the gradient of hidden and of c, and turn grad_c into that of the cell before."""
    size, one = grad_c.size, grad_c.dtype.type(1)
    i, f = activated[:size], activated[size : 2 * size]
    g, o = activated[2 * size : 3 * size], activated[3 * size :]
    grad_i, grad_f = grad_gates[:size], grad_gates[size : 2 * size]
    grad_g, grad_o = grad_gates[2 * size : 3 * size], grad_gates[3 * size :]
    for j in range(size):
        grad_c[j] += grad[j] * o[j] * (one - tanh_cell[j] * tanh_cell[j])
    for j in range(size):
        grad_o[j] = grad[j] * tanh_cell[j] * (o[j] * (one - o[j]))
    for j in range(size):
        grad_i[j] = grad_c[j] * g[j] * (i[j] * (one - i[j]))
    for j in range(size):
        grad_g[j] = grad_c[j] * i[j] * (one - g[j] * g[j])
    for j in range(size):
        grad_f[j] = grad_c[j] * previous_cell[j] * (f[j] * (one - f[j]))
    for j in range(size):
        grad_c[j] *= f[j]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def gru_row(gates, products, activated, hidden_new, before, h):
    """Fill activated with r, z and n; h[:] = (1 - z) n + z before."""
    size = h.size
    sigmoid_of_sum(gates[: 2 * size], products[: 2 * size], activated[: 2 * size])
    r, z, n = activated[:size], activated[size : 2 * size], activated[2 * size :]
    gate = gates[2 * size :]
    for j in range(size):
        n[j] = _tanh(gate[j] + r[j] * hidden_new[j])
    for j in range(size):
        h[j] = n[j] + z[j] * (before[j] - n[j])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def gru_row_back(grad, activated, hidden_new, before, grad_gates, grad_products):
    """Fill both gradients from that of h, and leave of it what goes straight to the state before: grad z."""
    size, one = grad.size, grad.dtype.type(1)
    r, z, n = activated[:size], activated[size : 2 * size], activated[2 * size :]
    grad_r, grad_z, grad_n = grad_gates[:size], grad_gates[size : 2 * size], grad_gates[2 * size :]
    grad_product = grad_products[2 * size :]
    for j in range(size):
        grad_n[j] = grad[j] * (one - z[j]) * (one - n[j] * n[j])
    for j in range(size):
        grad_z[j] = grad[j] * (before[j] - n[j]) * (z[j] * (one - z[j]))
    for j in range(size):
        grad_r[j] = grad_n[j] * hidden_new[j] * (r[j] * (one - r[j]))
    for j in range(size):
        grad_product[j] = grad_n[j] * r[j]
    copy(grad_gates[: 2 * size], grad_products[: 2 * size])
    for j in range(size):
        grad[j] *= z[j]
