"""Softmax and cross-entropy, compiled, with an exponential of our own that the compiler can vectorise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES
from tinygrad_edu_kernels.exponential import exp_of_negative, largest_of_row
from tinygrad_edu_kernels.kernel_cache import njit

Array = Any

NANOSECONDS = 2.0  # for an entry, on one thread
BLOCK = 1024  # entries of short rows that are worked on together, in the nearest cache

INT64 = np.dtype(np.int64)
NO_WEIGHT = {dtype: np.empty(0, dtype) for dtype in COMPILED_DTYPES}

# fastmath flags for kernels with sums: terms may be added in another order, a * b + c may round once. NaN and
# infinity come through as without them ("nnan" and "ninf" are left out on purpose).
SUMS = {"reassoc", "contract"}


def softmax_cross_entropy_forward(
    logits: Array, target: Array, weight: Array | None, ignore_index: int
) -> tuple[Array, Array, Array]:
    """Return losses (n,), totals (3,) and probabilities (n, c) of logits (n, c) and class numbers (n,)."""
    rows, size, dtype = len(logits), logits.size, logits.dtype
    losses, probabilities = np.empty(rows, dtype), np.empty(size, dtype)
    arrays = (
        np.ascontiguousarray(logits),
        losses,
        probabilities,
        *_labels(target, weight, ignore_index, dtype),
    )
    sums = threads.number_of_sums(rows, NANOSECONDS * size, 3)
    if sums == 1:
        totals = np.empty(3, dtype)
        threads.call(_loss_rows, *arrays, totals, 0, rows)
    else:
        partial = np.empty((sums, 3), dtype)
        threads.run_over(sums, NANOSECONDS * size, _loss_sums, *arrays, partial)
        totals = threads.call(np.add.reduce, partial, 0)
    return losses, totals, probabilities.reshape(logits.shape)


def softmax_cross_entropy_backward(
    grad_losses: Array,
    probabilities: Array,
    target: Array,
    weight: Array | None,
    ignore_index: int,
    divisor: float | Array = 1.0,
) -> Array:
    """Return the gradient with respect to the logits, (n, c)."""
    shape, dtype = probabilities.shape, probabilities.dtype
    grad_logits = np.empty(shape, dtype)
    arrays = (
        np.ascontiguousarray(probabilities),
        np.array(grad_losses, dtype, ndmin=1, order="C"),
        grad_logits,
    )
    labels = _labels(target, weight, ignore_index, dtype)
    share = dtype.type(1.0 / divisor if divisor else math.inf)
    threads.run_over(shape[0], NANOSECONDS * probabilities.size, _loss_backward_rows, *arrays, *labels, share)
    return grad_logits


def softmax_forward(x: Array) -> Array:
    """Turn each row of scores into probabilities: (rows, cols) -> (rows, cols)."""
    largest, y = np.empty(len(x), x.dtype), np.empty(x.size, x.dtype)
    _run(_softmax_rows, np.ascontiguousarray(x), largest, y)
    return y.reshape(x.shape)


def log_softmax_forward(x: Array) -> Array:
    """Return the logarithm of the softmax of each row: (rows, cols) -> (rows, cols)."""
    y = np.empty(x.shape, x.dtype)
    _run(_log_softmax_rows, np.ascontiguousarray(x), y)
    return y


def softmax_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of softmax from its output y: (rows, cols) -> (rows, cols)."""
    grad_input = np.empty(y.shape, y.dtype)
    _run(_softmax_backward_rows, np.ascontiguousarray(grad_output), np.ascontiguousarray(y), grad_input)
    return grad_input


def log_softmax_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of log-softmax from its output y: (rows, cols) -> (rows, cols)."""
    grad_input = np.empty(y.shape, y.dtype)
    _run(_log_softmax_backward_rows, np.ascontiguousarray(grad_output), np.ascontiguousarray(y), grad_input)
    return grad_input


def _labels(target: Array, weight: Array | None, ignore_index: int, dtype: Any) -> tuple[Array, Array, int]:
    """Return class numbers and weights as the kernels take them; no weights become none at all, (0,).

    Copies, if need be: the kernels would be compiled once more for a read-only array.
    """
    weight = NO_WEIGHT[dtype] if weight is None else np.array(weight, dtype)
    if type(target) is not np.ndarray or target.dtype != INT64 or not target.flags.carray:
        target = np.array(target, INT64)
    return target, weight, int(ignore_index)


def _run(kernel: Any, *arrays: Array) -> None:
    """Run a kernel over all rows of arrays[0]."""
    threads.run_over(len(arrays[0]), NANOSECONDS * arrays[0].size, kernel, *arrays)


# ---- kernels: they do rows first..last ----------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _exponentials(x, largest, y, first, last):
    """Write down the largest entry of rows first..last, and e^(entry - largest) for all entries, in y (n c,).

    The exponentials of all these rows are one loop: with ten to a row, most turns of a loop would fill no vector.
    """
    columns = x.shape[1]
    for i in range(first, last):
        row, shifted, top = x[i], y[i * columns : (i + 1) * columns], largest_of_row(x, i)
        largest[i] = top
        for j in range(columns):
            shifted[j] = row[j] - top
    block = y[first * columns : last * columns]
    for k in range(block.size):
        block[k] = exp_of_negative(block[k])


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _divide_by_sum(row):
    """Divide a row by its sum, and return the sum."""
    total = row.dtype.type(0)
    for j in range(row.size):
        total += row[j]
    scale = row.dtype.type(1) / total
    for j in range(row.size):
        row[j] *= scale
    return total


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _softmax_of_row(x, largest, row, i):
    """Do all of it for row i, which is a long one: it fills the vectors by itself, and is gone through less often."""
    scores, top, total = x[i], largest_of_row(x, i), x.dtype.type(0)
    largest[i] = top
    for j in range(row.size):
        exponential = exp_of_negative(scores[j] - top)
        row[j] = exponential
        total += exponential
    scale = x.dtype.type(1) / total
    for j in range(row.size):
        row[j] *= scale
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def _softmax_rows(x, largest, y, first, last):
    """Take the softmax of every row."""
    columns = x.shape[1]
    height = max(1, BLOCK // max(1, columns))
    for start in range(first, last, height):
        stop = min(start + height, last)
        if height > 1:
            _exponentials(x, largest, y, start, stop)
        for i in range(start, stop):
            row = y[i * columns : (i + 1) * columns]
            if height > 1:
                _divide_by_sum(row)
            else:
                _softmax_of_row(x, largest, row, i)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _log_softmax_rows(x, y, first, last):
    """Each row less the logarithm of its sum of exponentials."""
    for i in range(first, last):
        row, result = x[i], y[i]
        largest = largest_of_row(x, i)
        total = x.dtype.type(0)
        for j in range(row.size):
            total += exp_of_negative(row[j] - largest)
        log_total = math.log(total)
        for j in range(row.size):
            result[j] = (row[j] - largest) - log_total


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _softmax_backward_rows(grad_output, y, grad_input, first, last):
    """y * (grad - sum(grad * y))."""
    for i in range(first, last):
        grad, row, result = grad_output[i], y[i], grad_input[i]
        mean = y.dtype.type(0)
        for j in range(row.size):
            mean += grad[j] * row[j]
        for j in range(row.size):
            result[j] = row[j] * (grad[j] - mean)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _log_softmax_backward_rows(grad_output, y, grad_input, first, last):
    """grad - e^y * sum(grad)."""
    for i in range(first, last):
        grad, row, result = grad_output[i], y[i], grad_input[i]
        total = y.dtype.type(0)
        for j in range(row.size):
            total += grad[j]
        for j in range(row.size):
            result[j] = grad[j] - exp_of_negative(row[j]) * total


@njit(cache=True, error_model="numpy", nogil=True)
def _loss_rows(logits, losses, probabilities, target, weight, ignore_index, totals, first, last):
    """Probabilities of each row and the loss of its target; the sums of losses, of weights, and of classes outside."""
    number, classes = logits.dtype.type, logits.shape[1]
    height = max(1, BLOCK // max(1, classes))
    total_loss = total_weight = outside = 0.0  # float64
    for start in range(first, last, height):
        stop = min(start + height, last)
        if height > 1:
            _exponentials(logits, losses, probabilities, start, stop)
        for i in range(start, stop):
            row = probabilities[i * classes : (i + 1) * classes]
            total = _divide_by_sum(row) if height > 1 else _softmax_of_row(logits, losses, row, i)
            t, largest = target[i], losses[i]  # where the largest score was written down
            loss = w = number(0)
            if t != ignore_index:
                if 0 <= t < classes:
                    w = weight[t] if weight.size else number(1)
                    loss = w * (math.log(total) - (logits[i, t] - largest))
                else:
                    loss = number(np.nan)
                    outside += 1
            losses[i] = loss
            total_loss += loss
            total_weight += w
    totals[0], totals[1], totals[2] = total_loss, total_weight, outside


@njit(cache=True, error_model="numpy", nogil=True)
def _loss_sums(logits, losses, probabilities, target, weight, ignore_index, partial, first, last):
    """Do sums first..last of partial (sums, 3), the totals of some of the rows each."""
    rows, sums = len(logits), len(partial)
    for number in range(first, last):
        start, stop = number * rows // sums, (number + 1) * rows // sums
        _loss_rows(logits, losses, probabilities, target, weight, ignore_index, partial[number], start, stop)


@njit(cache=True, error_model="numpy", nogil=True)
def _loss_backward_rows(
    probabilities, grad_losses, grad_logits, target, weight, ignore_index, share, first, last
):
    """grad_loss * share * weight * (probability - one_hot), zero in the rows that are left out."""
    number, classes = probabilities.dtype.type, probabilities.shape[1]
    step = 1 if grad_losses.size > 1 else 0
    for i in range(first, last):
        row, result, t = probabilities[i], grad_logits[i], target[i]
        if t == ignore_index:
            for j in range(classes):  # result[:] = 0 takes longer to compile
                result[j] = 0
            continue
        scale = grad_losses[i * step] * share
        if t < 0 or t >= classes:
            scale = number(np.nan)
        elif weight.size:
            scale *= weight[t]
        for j in range(classes):
            one_hot = number(1) if j == t else number(0)
            result[j] = scale * (row[j] - one_hot)
