"""Softmax and cross-entropy, compiled, with an exponential of our own that the compiler can vectorise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES
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
        _loss_rows(*arrays, totals, 0, rows)
    else:
        partial = np.empty((sums, 3), dtype)
        threads.run_over(sums, NANOSECONDS * size, _loss_sums, *arrays, partial)
        totals = partial.sum(0)
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


# ---- exponential and maximum -------------------------------------------------------------------------------


@intrinsic
def _float_from_bits(typing_context, bits):
    """Read the 32 or 64 bits of an integer as a float."""
    single = bits == types.int32

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType() if single else ir.DoubleType())

    return (types.float32 if single else types.float64)(bits), generate


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _exp_float32(value):
    """Return e^value for value <= 0, to about one unit in the last place.

    With n the whole number nearest to value / ln 2, e^value = 2^n * e^r where r = value - n ln 2 lies within
    ln 2 / 2 of zero. A polynomial gives e^r (that of ``expf`` in the Cephes library); ln 2 is taken off in
    two parts, so that r is exact. 2^n is put together from its exponent bits. There is no branch and no call
    in it, which is why a loop of these is vectorised and a loop of ``math.exp`` is not.
    """
    smallest = np.float32(-87)  # e^value is next to nothing below it, and 2^n has no normal float
    bounded = value if value > smallest else smallest
    n = np.floor(bounded * np.float32(1.44269504) + np.float32(0.5))
    r = (bounded - n * np.float32(0.693359375)) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1)
    result = p * _float_from_bits(np.int32((np.int32(n) + 127) << 23))
    result = result if value > smallest else np.float32(0)
    return result if value == value else value  # NaN


def _as_float(bits: Any) -> Any:
    """Read the bits of an integer as a float (what runs when Numba is switched off)."""
    return bits.view(np.float32 if bits.dtype == np.int32 else np.float64)


@overload(_as_float, inline="always")
def _read_bits(bits):
    """Let the compiler read them where they are."""

    def read(bits):
        return _float_from_bits(bits)

    return read


def _as_integers(x: Array) -> Array:
    """Return a view of floats as integers of the same bits."""
    return x.view(np.int32 if x.dtype == np.float32 else np.int64)


@overload(_as_integers)
def _choose_integers(x):
    """Choose the integers for the type of x, at compile time."""
    integer = np.int32 if x.dtype == types.float32 else np.int64

    def view(x):
        return x.view(integer)

    return view


def _exp(value: float) -> float:
    """Return e^value for value <= 0 (what runs when Numba is switched off)."""
    return np.exp(value)


@overload(_exp, inline="always")
def _choose_exp(value):
    """Choose the exponential for the type of value, at compile time."""

    def single(value):
        return _exp_float32(value)

    def double(value):
        return math.exp(value)

    return single if value == types.float32 else double


@njit(cache=True, error_model="numpy", nogil=True)
def _largest(bits, i):
    """Return the largest float of row i, whose bits are read as integers here.

    Floats are ordered as their bits are, once those of the negative ones are turned round. Looking for the
    largest integer is vectorised; looking for the largest float is not, because of NaN. (A NaN counts as
    larger or smaller than all the numbers, as its sign says. Either way it gets into the sum of
    exponentials.)
    """
    flip = bits.dtype.type(np.iinfo(bits.dtype).max)  # every bit but the sign
    largest = bits.dtype.type(np.iinfo(bits.dtype).min)
    for j in range(bits.shape[1]):
        key = bits[i, j]
        key = bits.dtype.type(key ^ flip) if key < 0 else key
        largest = key if key > largest else largest
    return _as_float(bits.dtype.type(largest ^ flip) if largest < 0 else largest)


# ---- kernels: they do rows first..last ----------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _exponentials(x, bits, largest, y, first, last):
    """Write down the largest entry of rows first..last, and e^(entry - largest) for all entries, in y (n c,).

    The exponentials of all these rows are one loop: with ten to a row, most turns of a loop would fill no vector.
    """
    columns = x.shape[1]
    for i in range(first, last):
        row, shifted, top = x[i], y[i * columns : (i + 1) * columns], _largest(bits, i)
        largest[i] = top
        for j in range(columns):
            shifted[j] = row[j] - top
    block = y[first * columns : last * columns]
    for k in range(block.size):
        block[k] = _exp(block[k])


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
def _softmax_of_row(x, bits, largest, row, i):
    """Do all of it for row i, which is a long one: it fills the vectors by itself, and is gone through less often."""
    scores, top, total = x[i], _largest(bits, i), x.dtype.type(0)
    largest[i] = top
    for j in range(row.size):
        exponential = _exp(scores[j] - top)
        row[j] = exponential
        total += exponential
    scale = x.dtype.type(1) / total
    for j in range(row.size):
        row[j] *= scale
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def _softmax_rows(x, largest, y, first, last):
    """Take the softmax of every row."""
    bits, columns = _as_integers(x), x.shape[1]
    height = max(1, BLOCK // max(1, columns))
    for start in range(first, last, height):
        stop = min(start + height, last)
        if height > 1:
            _exponentials(x, bits, largest, y, start, stop)
        for i in range(start, stop):
            row = y[i * columns : (i + 1) * columns]
            if height > 1:
                _divide_by_sum(row)
            else:
                _softmax_of_row(x, bits, largest, row, i)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _log_softmax_rows(x, y, first, last):
    """Each row less the logarithm of its sum of exponentials."""
    bits = _as_integers(x)
    for i in range(first, last):
        row, result = x[i], y[i]
        largest = _largest(bits, i)
        total = x.dtype.type(0)
        for j in range(row.size):
            total += _exp(row[j] - largest)
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
            result[j] = grad[j] - _exp(row[j]) * total


@njit(cache=True, error_model="numpy", nogil=True)
def _loss_rows(logits, losses, probabilities, target, weight, ignore_index, totals, first, last):
    """Probabilities of each row and the loss of its target; the sums of losses, of weights, and of classes outside."""
    number, bits, classes = logits.dtype.type, _as_integers(logits), logits.shape[1]
    height = max(1, BLOCK // max(1, classes))
    total_loss = total_weight = outside = 0.0  # float64
    for start in range(first, last, height):
        stop = min(start + height, last)
        if height > 1:
            _exponentials(logits, bits, losses, probabilities, start, stop)
        for i in range(start, stop):
            row = probabilities[i * classes : (i + 1) * classes]
            total = _divide_by_sum(row) if height > 1 else _softmax_of_row(logits, bits, losses, row, i)
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
