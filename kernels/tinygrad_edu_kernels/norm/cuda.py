"""Layer and batch normalisation on the GPU: the threads of a block share a row, or a channel.

As in softmax, thread t of T takes the numbers t, t + T, t + 2T ..., and the block adds up in shared memory what its
threads have found, always in the same order. The mean is taken first and the variance from the deviations, so a mean
that is large against the standard deviation does no harm. Sums of float32 run in float32.

The gradients of layer normalisation's weight and bias are sums over rows, which belong to different blocks. A
kernel of its own, with one thread a column, adds the rows up in parts, and CuPy adds the parts. Nothing is added
atomically, so the result is the same in every run.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from tinygrad_edu_kernels.cuda_launch import THREADS, array_module_of, launch, launch_rows

Array = Any

# So many rows does one thread add up for the gradients of weight and bias. Had it all rows, a matrix of few columns
# would leave most of the card without work.
ROWS_OF_A_PART = 32


def layer_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """Normalise the rows of x (rows, cols); return y, and mean and 1 / standard deviation (rows,)."""
    xp = array_module_of(x)
    rows, cols = x.shape
    y = xp.empty(x.shape, x.dtype)
    mean, rstd = xp.empty(rows, x.dtype), xp.empty(rows, x.dtype)
    inputs = xp.ascontiguousarray(x), *_parameters(x, weight, bias, cols), x.dtype.type(eps)
    launch_rows(_layer_norm_kernel, rows, max(cols, 1), *inputs, y, mean, rstd)
    return y, mean, rstd


def layer_norm_backward(
    grad_output: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, with_parameters: bool
) -> tuple[Array, Array | None, Array | None]:
    """Return the gradients of x (rows, cols) and, or None, of the weight (cols,) and of the bias (cols,)."""
    xp = array_module_of(x)
    rows, cols = x.shape
    grad_input = xp.empty(x.shape, x.dtype)
    arrays = [xp.ascontiguousarray(array, x.dtype) for array in (grad_output, x, mean, rstd)]
    weights, _ = _parameters(x, weight, None, cols)
    launch_rows(_layer_norm_backward_kernel, rows, cols, *arrays, weights, grad_input)
    if not with_parameters:
        return grad_input, None, None
    parts = -(-rows // ROWS_OF_A_PART)
    sums = xp.empty((2, parts, cols), x.dtype)
    launch(_column_sums_kernel, parts * cols, *arrays, sums)
    grad_weight, grad_bias = sums.sum(axis=1)
    return grad_input, grad_weight, grad_bias


def batch_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array, Array]:
    """Normalise the channels of x (n, c, positions); return y, and mean, variance and rstd (c,)."""
    xp = array_module_of(x)
    n, c, positions = x.shape
    y = xp.empty(x.shape, x.dtype)
    mean, variance, rstd = (xp.empty(c, x.dtype) for _ in range(3))
    inputs = xp.ascontiguousarray(x), *_parameters(x, weight, bias, c), x.dtype.type(eps)
    launch_rows(_batch_norm_kernel, c, max(n * positions, 1), *inputs, y, mean, variance, rstd)
    return y, mean, variance, rstd


def batch_norm_backward(
    grad_output: Array, x: Array, mean: Array, rstd: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """Return the gradients of x (n, c, positions), of the weight (c,) and of the bias (c,)."""
    xp = array_module_of(x)
    n, c, positions = x.shape
    grad_input = xp.empty(x.shape, x.dtype)
    grad_weight, grad_bias = xp.empty(c, x.dtype), xp.empty(c, x.dtype)
    inputs = [xp.ascontiguousarray(array, x.dtype) for array in (grad_output, x, mean, rstd)]
    weights, _ = _parameters(x, weight, None, c)
    results = grad_input, grad_weight, grad_bias
    launch_rows(_batch_norm_backward_kernel, c, max(n * positions, 1), *inputs, weights, *results)
    return results


def _parameters(x: Array, weight: Array | None, bias: Array | None, count: int) -> tuple[Array, Array]:
    """Return weight and bias, contiguous and of the dtype of x; ones and zeros where there are none."""
    xp = array_module_of(x)
    weight = xp.ones(count, x.dtype) if weight is None else xp.ascontiguousarray(weight, x.dtype)
    bias = xp.zeros(count, x.dtype) if bias is None else xp.ascontiguousarray(bias, x.dtype)
    return weight, bias


# ---- the threads of a block together ------------------------------------------------------------------------


@cuda.jit(device=True)
def _block_sum(partial, value):
    """Return, to every thread, the sum of all their values; ``partial`` is shared, a place for each."""
    thread, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    partial[thread] = value
    cuda.syncthreads()
    while half > 0:
        if thread < half:
            partial[thread] += partial[thread + half]
        cuda.syncthreads()
        half //= 2
    total = partial[0]
    cuda.syncthreads()  # nobody writes the next value before all have read this one
    return total


# ---- kernels: one block a row -------------------------------------------------------------------------------


@cuda.jit
def _layer_norm_kernel(x, weight, bias, eps, y, mean, rstd):
    """(x - mean) * rstd * weight + bias, and the statistics, which the first thread of a block writes."""
    partial = cuda.shared.array(THREADS, x.dtype)
    number = x.dtype.type
    count = number(x.shape[1])
    for i in range(cuda.blockIdx.x, x.shape[0], cuda.gridDim.x):
        total = number(0)
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            total += x[i, j]
        average = _block_sum(partial, total) / count
        total = number(0)
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            deviation = x[i, j] - average
            total += deviation * deviation
        r = number(1) / math.sqrt(_block_sum(partial, total) / count + eps)
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            y[i, j] = (x[i, j] - average) * r * weight[j] + bias[j]
        if cuda.threadIdx.x == 0:
            mean[i] = average
            rstd[i] = r


@cuda.jit
def _layer_norm_backward_kernel(grad_output, x, mean, rstd, weight, grad_input):
    """r * (h - average of h - x_hat * average of h * x_hat), with h = grad * weight."""
    partial = cuda.shared.array(THREADS, x.dtype)
    number = x.dtype.type
    count = number(x.shape[1])
    for i in range(cuda.blockIdx.x, x.shape[0], cuda.gridDim.x):
        average, r = mean[i], rstd[i]
        total, product_total = number(0), number(0)
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            scaled = grad_output[i, j] * weight[j]
            total += scaled
            product_total += scaled * ((x[i, j] - average) * r)
        mean_grad = _block_sum(partial, total) / count
        mean_product = _block_sum(partial, product_total) / count
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            x_hat = (x[i, j] - average) * r
            grad_input[i, j] = r * (grad_output[i, j] * weight[j] - mean_grad - x_hat * mean_product)


# ---- kernels: one thread a column ---------------------------------------------------------------------------


@cuda.jit
def _column_sums_kernel(grad_output, x, mean, rstd, sums):
    """Add up grad * x_hat, and grad, over a part of the rows, for every part and column."""
    number = x.dtype.type
    rows, cols = x.shape
    for element in range(cuda.grid(1), sums.shape[1] * cols, cuda.gridsize(1)):
        part, j = element // cols, element % cols
        product_total, total = number(0), number(0)
        for i in range(part * ROWS_OF_A_PART, min((part + 1) * ROWS_OF_A_PART, rows)):
            product_total += grad_output[i, j] * ((x[i, j] - mean[i]) * rstd[i])
            total += grad_output[i, j]
        sums[0, part, j] = product_total
        sums[1, part, j] = total


# ---- kernels: one block a channel ---------------------------------------------------------------------------


@cuda.jit
def _batch_norm_kernel(x, weight, bias, eps, y, mean, variance, rstd):
    """(x - mean) * rstd * weight + bias, and the statistics, which the first thread of a block writes."""
    partial = cuda.shared.array(THREADS, x.dtype)
    number = x.dtype.type
    positions = x.shape[2]
    size = x.shape[0] * positions
    for channel in range(cuda.blockIdx.x, x.shape[1], cuda.gridDim.x):
        total = number(0)
        for e in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            total += x[e // positions, channel, e % positions]
        average = _block_sum(partial, total) / number(size)
        total = number(0)
        for e in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            deviation = x[e // positions, channel, e % positions] - average
            total += deviation * deviation
        spread = _block_sum(partial, total) / number(size)
        r = number(1) / math.sqrt(spread + eps)
        for e in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            x_hat = (x[e // positions, channel, e % positions] - average) * r
            y[e // positions, channel, e % positions] = x_hat * weight[channel] + bias[channel]
        if cuda.threadIdx.x == 0:
            mean[channel] = average
            variance[channel] = spread
            rstd[channel] = r


@cuda.jit
def _batch_norm_backward_kernel(grad_output, x, mean, rstd, weight, grad_input, grad_weight, grad_bias):
    """r * weight * (grad - average of grad - x_hat * average of grad * x_hat), and the two sums."""
    partial = cuda.shared.array(THREADS, x.dtype)
    number = x.dtype.type
    positions = x.shape[2]
    size = x.shape[0] * positions
    for channel in range(cuda.blockIdx.x, x.shape[1], cuda.gridDim.x):
        average, r = mean[channel], rstd[channel]
        total, product_total = number(0), number(0)
        for e in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            image, j = e // positions, e % positions
            total += grad_output[image, channel, j]
            product_total += grad_output[image, channel, j] * ((x[image, channel, j] - average) * r)
        total, product_total = _block_sum(partial, total), _block_sum(partial, product_total)
        mean_grad, mean_product = total / number(size), product_total / number(size)
        for e in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            image, j = e // positions, e % positions
            x_hat = (x[image, channel, j] - average) * r
            gradient = grad_output[image, channel, j] - mean_grad - x_hat * mean_product
            grad_input[image, channel, j] = r * weight[channel] * gradient
        if cuda.threadIdx.x == 0:
            grad_weight[channel] = product_total
            grad_bias[channel] = total
