"""Softmax and cross-entropy on the GPU: the threads of a block share a row.

Thread t of T takes the entries t, t + T, t + 2T ... of the row. What they have found each, the largest entry or
a sum, they put together in shared memory, halving the number of threads in every round: always in the same
order, so that the result is the same in every run.

The caller cannot look at the targets without waiting for the card, so the kernels do: a class that there is not
gives NaN, as loss and as gradient, instead of a read from somewhere else in memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from tinygrad_edu_kernels.cuda_launch import THREADS, array_module_of, launch, launch_rows

Array = Any


def softmax_cross_entropy_forward(
    logits: Array, target: Array, weight: Array | None, ignore_index: int
) -> tuple[Array, Array, Array]:
    """Return losses (n,), totals (3,) and probabilities (n, c) of logits (n, c) and class numbers (n,)."""
    xp = array_module_of(logits)
    losses, totals = xp.zeros(len(logits), logits.dtype), xp.zeros(3, logits.dtype)
    probabilities = xp.empty(logits.shape, logits.dtype)
    labels = *_labels(target, weight, logits.shape[1], logits.dtype), ignore_index
    launch_rows(_loss_kernel, *logits.shape, xp.ascontiguousarray(logits), losses, probabilities, *labels)
    launch_rows(_totals_kernel, 1, len(losses), losses, totals, logits.shape[1], *labels)
    return losses, totals, probabilities


def softmax_cross_entropy_backward(
    grad_losses: Array,
    probabilities: Array,
    target: Array,
    weight: Array | None,
    ignore_index: int,
    divisor: float | Array = 1.0,
) -> Array:
    """Return the gradient with respect to the logits, (n, c); the divisor may be on the card."""
    xp = array_module_of(probabilities)
    shape, dtype = probabilities.shape, probabilities.dtype
    grad_logits = xp.empty(shape, dtype)
    shares = xp.empty(shape[0], dtype)
    shares[...] = grad_losses / divisor
    labels = *_labels(target, weight, shape[1], dtype), ignore_index
    arrays = shares, xp.ascontiguousarray(probabilities), grad_logits
    launch(_loss_backward_kernel, grad_logits.size, *arrays, *labels)
    return grad_logits


def _labels(target: Array, weight: Array | None, classes: int, dtype: Any) -> tuple[Array, Array]:
    """Return class numbers and weights as the kernels take them; without weights every class weighs 1."""
    xp = array_module_of(target)
    weight = xp.ones(classes, dtype) if weight is None else xp.ascontiguousarray(weight, dtype)
    return xp.ascontiguousarray(target, np.int64), weight


def softmax_forward(x: Array) -> Array:
    """Turn each row of scores into probabilities: (rows, cols) -> (rows, cols)."""
    return _run_rows(_softmax_kernel, x)


def log_softmax_forward(x: Array) -> Array:
    """Return the logarithm of the softmax of each row: (rows, cols) -> (rows, cols)."""
    return _run_rows(_log_softmax_kernel, x)


def softmax_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of softmax from its output y: (rows, cols) -> (rows, cols)."""
    return _run_rows(_softmax_backward_kernel, grad_output, y)


def log_softmax_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of log-softmax from its output y: (rows, cols) -> (rows, cols)."""
    return _run_rows(_log_softmax_backward_kernel, grad_output, y)


def _run_rows(kernel: Any, *inputs: Array) -> Array:
    """Run a kernel over the rows of its inputs, (rows, cols) each, and return what it makes of them."""
    xp = array_module_of(inputs[-1])
    shape, dtype = inputs[-1].shape, inputs[-1].dtype
    result = xp.empty(shape, dtype)
    launch_rows(kernel, *shape, *[xp.ascontiguousarray(x, dtype) for x in inputs], result)
    return result


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


@cuda.jit(device=True)
def _block_largest(partial, value):
    """Return, to every thread, the largest of all their values, none of which is NaN."""
    thread, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    partial[thread] = value
    cuda.syncthreads()
    while half > 0:
        if thread < half and partial[thread + half] > partial[thread]:
            partial[thread] = partial[thread + half]
        cuda.syncthreads()
        half //= 2
    largest = partial[0]
    cuda.syncthreads()
    return largest


@cuda.jit(device=True)
def _row_largest(x, i, partial):
    """Return the largest entry of row i. A NaN is not found here; it gets into the sum of exponentials."""
    largest = x.dtype.type(-math.inf)
    for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        if x[i, j] > largest:
            largest = x[i, j]
    return _block_largest(partial, largest)


@cuda.jit(device=True)
def _row_sum_of_exponentials(x, i, largest, partial):
    """Return the sum of e^(x - largest) over row i."""
    total = x.dtype.type(0)
    for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        total += math.exp(x[i, j] - largest)
    return _block_sum(partial, total)


# ---- kernels ------------------------------------------------------------------------------------------------


@cuda.jit
def _softmax_kernel(x, y):
    """Exponentials of each row over their sum."""
    partial = cuda.shared.array(THREADS, x.dtype)
    for i in range(cuda.blockIdx.x, x.shape[0], cuda.gridDim.x):
        largest = _row_largest(x, i, partial)
        total = _row_sum_of_exponentials(x, i, largest, partial)
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            y[i, j] = math.exp(x[i, j] - largest) / total


@cuda.jit
def _log_softmax_kernel(x, y):
    """Each row less the logarithm of its sum of exponentials."""
    partial = cuda.shared.array(THREADS, x.dtype)
    for i in range(cuda.blockIdx.x, x.shape[0], cuda.gridDim.x):
        largest = _row_largest(x, i, partial)
        log_total = math.log(_row_sum_of_exponentials(x, i, largest, partial))
        for j in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            y[i, j] = (x[i, j] - largest) - log_total


@cuda.jit
def _loss_kernel(logits, losses, probabilities, target, weight, ignore_index):
    """Probabilities of each row and, from the first thread of its block, the loss of its target."""
    partial = cuda.shared.array(THREADS, logits.dtype)
    for i in range(cuda.blockIdx.x, logits.shape[0], cuda.gridDim.x):
        largest = _row_largest(logits, i, partial)
        total = _row_sum_of_exponentials(logits, i, largest, partial)
        for j in range(cuda.threadIdx.x, logits.shape[1], cuda.blockDim.x):
            probabilities[i, j] = math.exp(logits[i, j] - largest) / total
        if cuda.threadIdx.x == 0:
            t = target[i]
            loss = logits.dtype.type(0 if t == ignore_index else math.nan)
            if t != ignore_index and 0 <= t < logits.shape[1]:
                loss = weight[t] * (math.log(total) - (logits[i, t] - largest))
            losses[i] = loss


@cuda.jit
def _totals_kernel(losses, totals, classes, target, weight, ignore_index):
    """Add up the losses, the weights, and the classes that there are not; one block does it."""
    if cuda.blockIdx.x > 0:
        return
    partial = cuda.shared.array(THREADS, totals.dtype)
    number = totals.dtype.type
    total_loss, total_weight, outside = number(0), number(0), number(0)
    for i in range(cuda.threadIdx.x, losses.size, cuda.blockDim.x):
        t = target[i]
        total_loss += losses[i]
        if t != ignore_index:
            if 0 <= t < classes:
                total_weight += weight[t]
            else:
                outside += number(1)
    total_loss = _block_sum(partial, total_loss)
    total_weight = _block_sum(partial, total_weight)
    outside = _block_sum(partial, outside)
    if cuda.threadIdx.x == 0:
        totals[0], totals[1], totals[2] = total_loss, total_weight, outside


@cuda.jit
def _loss_backward_kernel(shares, probabilities, grad_logits, target, weight, ignore_index):
    """share * weight * (probability - one_hot), zero in the rows that are left out."""
    number = grad_logits.dtype.type
    classes = probabilities.shape[1]
    for element in range(cuda.grid(1), grad_logits.size, cuda.gridsize(1)):
        i, j = element // classes, element % classes
        t = target[i]
        gradient = number(0 if t == ignore_index else math.nan)
        if t != ignore_index and 0 <= t < classes:
            one_hot = number(1) if j == t else number(0)
            gradient = shares[i] * weight[t] * (probabilities[i, j] - one_hot)
        grad_logits[i, j] = gradient


@cuda.jit
def _softmax_backward_kernel(grad_output, y, grad_input):
    """y * (grad - sum(grad * y))."""
    partial = cuda.shared.array(THREADS, y.dtype)
    for i in range(cuda.blockIdx.x, y.shape[0], cuda.gridDim.x):
        mean = y.dtype.type(0)
        for j in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
            mean += grad_output[i, j] * y[i, j]
        mean = _block_sum(partial, mean)
        for j in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
            grad_input[i, j] = y[i, j] * (grad_output[i, j] - mean)


@cuda.jit
def _log_softmax_backward_kernel(grad_output, y, grad_input):
    """grad - e^y * sum(grad)."""
    partial = cuda.shared.array(THREADS, y.dtype)
    for i in range(cuda.blockIdx.x, y.shape[0], cuda.gridDim.x):
        total = y.dtype.type(0)
        for j in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
            total += grad_output[i, j]
        total = _block_sum(partial, total)
        for j in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
            grad_input[i, j] = grad_output[i, j] - math.exp(y[i, j]) * total
