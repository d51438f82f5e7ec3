"""Layer and batch normalisation, compiled.

The mean is taken first and the variance from the deviations, while the numbers are still in the cache: so a mean
that is large against the standard deviation does no harm. Sums of float32 run in float32 over blocks of 1024
numbers (which the compiler adds in many interleaved parts), and the sums of the blocks are added in float64. Weights'
gradients are sums over rows: they run in float32 over 64 rows, then in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.kernel_cache import njit

Array = Any

NANOSECONDS = 0.4  # for an element, on one thread

# fastmath flags for kernels with sums: terms may be added in another order, a * b + c may round once. NaN and
# infinity come through as without them ("nnan" and "ninf" are left out on purpose).
SUMS = {"reassoc", "contract"}

BLOCK = 1024
BLOCK_ROWS = 64

# Channels with fewer positions than this are gathered into one row each; to visit them one by one takes longer.
FEW_POSITIONS = 32


def layer_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """Normalise the rows of x (rows, cols); return y, and mean and 1 / standard deviation (rows,)."""
    rows, cols = x.shape
    y = np.empty((rows, cols), x.dtype)
    mean, rstd = np.empty(rows, x.dtype), np.empty(rows, x.dtype)
    arrays = np.ascontiguousarray(x), *_parameters(x, weight, bias, cols), float(eps), y, mean, rstd
    threads.run_over(rows, NANOSECONDS * x.size, _layer_norm_rows, *arrays)
    return y, mean, rstd


def layer_norm_backward(
    grad_output: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, with_parameters: bool
) -> tuple[Array, Array | None, Array | None]:
    """Return the gradients of x (rows, cols) and, or None, of the weight (cols,) and of the bias (cols,)."""
    rows, cols = x.shape
    grad_input = np.empty((rows, cols), x.dtype)
    nanoseconds = 2 * NANOSECONDS * x.size
    sums = np.zeros((threads.number_of_sums(rows, nanoseconds, 2 * cols), 2, cols if with_parameters else 0))
    arrays = np.ascontiguousarray(grad_output), np.ascontiguousarray(x), mean, rstd
    weights, _ = _parameters(x, weight, None, cols)
    threads.run_over(len(sums), nanoseconds, _layer_norm_backward_rows, *arrays, weights, grad_input, sums)
    if not with_parameters:
        return grad_input, None, None
    grad_weight, grad_bias = sums.sum(axis=0).astype(x.dtype)
    return grad_input, grad_weight, grad_bias


def batch_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array, Array]:
    """Normalise the channels of x (n, c, positions); return y, and mean, variance and rstd (c,)."""
    rows = _channels(x)
    y = np.empty(rows.shape, x.dtype)
    mean, variance, rstd = np.empty((3, x.shape[1]), x.dtype)
    parameters = _parameters(x, weight, bias, x.shape[1])
    arrays = rows, *parameters, float(eps), y, mean, variance, rstd
    threads.run_over(x.shape[1], NANOSECONDS * x.size, _batch_norm_channels, *arrays)
    return _images(y, x.shape), mean, variance, rstd


def batch_norm_backward(
    grad_output: Array, x: Array, mean: Array, rstd: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """Return the gradients of x (n, c, positions), of the weight (c,) and of the bias (c,)."""
    rows = _channels(x)
    grad_input = np.empty(rows.shape, x.dtype)
    grad_weight, grad_bias = np.empty((2, x.shape[1]), x.dtype)
    weights, _ = _parameters(x, weight, None, x.shape[1])
    arrays = _channels(grad_output), rows, mean, rstd, weights, grad_input, grad_weight, grad_bias
    threads.run_over(x.shape[1], 2 * NANOSECONDS * x.size, _batch_norm_backward_channels, *arrays)
    return _images(grad_input, x.shape), grad_weight, grad_bias


def _parameters(x: Array, weight: Array | None, bias: Array | None, count: int) -> tuple[Array, Array]:
    """Return weight and bias, contiguous and of the dtype of x; ones and zeros where there are none."""
    weight = np.ones(count, x.dtype) if weight is None else np.ascontiguousarray(weight, x.dtype)
    bias = np.zeros(count, x.dtype) if bias is None else np.ascontiguousarray(bias, x.dtype)
    return weight, bias


def _channels(x: Array) -> Array:
    """Return (n, c, positions) contiguous; with few positions, as (1, c, n * positions)."""
    n, c, positions = x.shape
    if positions < FEW_POSITIONS:
        x = x.transpose(1, 0, 2).reshape(1, c, n * positions)
    return np.ascontiguousarray(x)


def _images(x: Array, shape: tuple[int, int, int]) -> Array:
    """Undo ``_channels``."""
    n, c, positions = shape
    if x.shape == shape:
        return x
    return np.ascontiguousarray(x.reshape(c, n, positions).transpose(1, 0, 2))


# ---- sums of the numbers of one row --------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS, forceinline=True)
def _sum(row):
    """Return the sum in float64."""
    total = 0.0
    for start in range(0, row.size, BLOCK):
        block = row[start : start + BLOCK]
        block_total = row.dtype.type(0)
        for j in range(block.size):
            block_total += block[j]
        total += block_total
    return total


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS, forceinline=True)
def _sum_of_squares(row, mean):
    """Return the sum of the squared deviations from the mean in float64."""
    total = 0.0
    for start in range(0, row.size, BLOCK):
        block = row[start : start + BLOCK]
        block_total = row.dtype.type(0)
        for j in range(block.size):
            deviation = block[j] - mean
            block_total += deviation * deviation
        total += block_total
    return total


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS, forceinline=True)
def _sum_of_products(grad, row, mean):
    """Return the sums of grad and of grad times the deviation from the mean in float64."""
    total, product_total = 0.0, 0.0
    for start in range(0, row.size, BLOCK):
        grad_block, block = grad[start : start + BLOCK], row[start : start + BLOCK]
        block_total, block_product_total = row.dtype.type(0), row.dtype.type(0)
        for j in range(block.size):
            block_total += grad_block[j]
            block_product_total += grad_block[j] * (block[j] - mean)
        total += block_total
        product_total += block_product_total
    return total, product_total


# ---- kernels: they do rows or channels first..last -------------------------------------------------------------
# Loops that write are short ones: the compiler vectorises a loop only if it can check that its few arrays do not
# overlap.


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _layer_norm_rows(x, weight, bias, eps, y, mean, rstd, first, last):
    for i in range(first, last):
        row, result = x[i], y[i]
        average = x.dtype.type(_sum(row) / row.size)
        r = x.dtype.type(1 / math.sqrt(_sum_of_squares(row, average) / row.size + eps))
        for j in range(row.size):
            result[j] = (row[j] - average) * r * weight[j] + bias[j]
        mean[i], rstd[i] = average, r


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _layer_norm_backward_rows(grad_output, x, mean, rstd, weight, grad_input, sums, first, last):
    """Do sums first..last of sums (sums, 2, cols), of some of the rows each, and the gradients of these rows."""
    for number in range(first, last):
        start, stop = number * len(x) // len(sums), (number + 1) * len(x) // len(sums)
        _layer_norm_backward_sum(grad_output, x, mean, rstd, weight, grad_input, sums[number], start, stop)


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _layer_norm_backward_sum(grad_output, x, mean, rstd, weight, grad_input, sums, first, last):
    """Gradients of rows first..last, and their sums (2, cols)."""
    block_sums = np.empty(sums.shape, x.dtype)
    grad_weight, grad_bias = block_sums[0], block_sums[1]
    scaled = np.empty(x.shape[1], x.dtype)
    for start in range(first, last, BLOCK_ROWS):
        block_sums[:] = 0
        for i in range(start, min(start + BLOCK_ROWS, last)):
            row, grad, result = x[i], grad_output[i], grad_input[i]
            average, r = mean[i], rstd[i]
            for j in range(row.size):
                scaled[j] = grad[j] * weight[j]
            total, product_total = _sum_of_products(scaled, row, average)
            mean_grad = x.dtype.type(total / row.size)
            mean_product = x.dtype.type(product_total * r * r / row.size)
            for j in range(row.size):
                result[j] = r * (scaled[j] - mean_grad - (row[j] - average) * mean_product)
            for j in range(grad_weight.size):
                grad_weight[j] += grad[j] * ((row[j] - average) * r)
                grad_bias[j] += grad[j]
        sums += block_sums


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _batch_norm_channels(x, weight, bias, eps, y, mean, variance, rstd, first, last):
    count = x.shape[0] * x.shape[2]
    for channel in range(first, last):
        total = 0.0
        for i in range(x.shape[0]):
            total += _sum(x[i, channel])
        average = x.dtype.type(total / count)
        total = 0.0
        for i in range(x.shape[0]):
            total += _sum_of_squares(x[i, channel], average)
        r = x.dtype.type(1 / math.sqrt(total / count + eps))
        scale, shift = r * weight[channel], bias[channel]
        for i in range(x.shape[0]):
            row, result = x[i, channel], y[i, channel]
            for j in range(row.size):
                result[j] = (row[j] - average) * scale + shift
        mean[channel], variance[channel], rstd[channel] = average, total / count, r


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _batch_norm_backward_channels(
    grad_output, x, mean, rstd, weight, grad_input, grad_weight, grad_bias, first, last
):
    count = x.shape[0] * x.shape[2]
    for channel in range(first, last):
        average, r = mean[channel], rstd[channel]
        total, product_total = 0.0, 0.0
        for i in range(x.shape[0]):
            sums = _sum_of_products(grad_output[i, channel], x[i, channel], average)
            total += sums[0]
            product_total += sums[1]
        mean_grad = x.dtype.type(total / count)
        mean_product = x.dtype.type(product_total * r * r / count)
        scale = r * weight[channel]
        for i in range(x.shape[0]):
            row, grad, result = x[i, channel], grad_output[i, channel], grad_input[i, channel]
            for j in range(row.size):
                result[j] = scale * (grad[j] - mean_grad - (row[j] - average) * mean_product)
        grad_weight[channel] = product_total * r if count > 0 else 0.0  # r of no numbers is NaN
        grad_bias[channel] = total
