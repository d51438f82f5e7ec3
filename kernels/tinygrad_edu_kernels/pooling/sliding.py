"""Averages over windows that slide, compiled: one tap of all windows of a plane at a time.

A window's own loop has two or three turns: too few for vectors. So the rows of pixels that a row of windows covers are
added up first, to a *line*, the sum of each column; then tap after tap of all windows is taken from the lines. Beyond
its ends a line is zero: no window need be shorter for the padding. A line is as long as a whole number of strides, so
that the windows of all lines are one long loop; those that are too many at the end of a line are left out at last.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu_kernels.kernel_cache import njit

# A stride of 2 has loops of its own: LLVM makes vectors of those, for it knows how far to go. Of a stride of 1, it
# makes them from the loop for any stride.


@njit(cache=True, error_model="numpy", nogil=True)
def _windows_of_line(width, windows, stride, padding):
    """Return how many windows a line has, those that are too many included."""
    longest = max(padding + width, (windows - 1) * stride + 1)
    return (longest + stride - 1) // stride


@njit(cache=True, error_model="numpy", nogil=True)
def mean_planes(x, output, rows, heights, widths, kernel, stride, padding, first, last):
    """Sum of each window, in float64, over its divisor."""
    width, count, windows = x.shape[2], output.shape[1], output.shape[2]
    held = _windows_of_line(width, windows, stride, padding)
    lines, totals = np.empty(count * held * stride + kernel), np.empty(count * held)
    for plane in range(first, last):
        _zero(lines)
        for i in range(count):
            start = i * held * stride + padding
            for row in range(rows[i, 0], rows[i, 1]):
                _add(x[plane, row], lines[start : start + width])
        _zero(totals)
        for k in range(kernel):
            _add_tap(lines[k:], stride, totals)
        for i in range(count):
            result, total = output[plane, i], totals[i * held : i * held + windows]
            for j in range(windows):
                result[j] = total[j] / (heights[i] * widths[j])


@njit(cache=True, error_model="numpy", nogil=True)
def mean_backward_planes(
    grad_output, grad_input, rows, heights, widths, kernel, stride, padding, first, last
):
    """Give each pixel of a window the gradient over the divisor."""
    width, count, windows = grad_input.shape[2], grad_output.shape[1], grad_output.shape[2]
    held = _windows_of_line(width, windows, stride, padding)
    lines = np.empty(count * held * stride + kernel, grad_input.dtype)
    shares = np.zeros(count * held, grad_input.dtype)
    for plane in range(first, last):
        for i in range(count):
            grad, share = grad_output[plane, i], shares[i * held : i * held + windows]
            for j in range(windows):
                share[j] = grad[j] / (heights[i] * widths[j])
        _zero(lines)
        for k in range(kernel):
            tap = lines[k:]
            for j in range(shares.size):
                tap[np.uintp(j * stride)] += shares[j]
        for row in range(grad_input.shape[1]):
            _zero(grad_input[plane, row])
        for i in range(count):
            start = i * held * stride + padding
            for row in range(rows[i, 0], rows[i, 1]):
                _add(lines[start : start + width], grad_input[plane, row])


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _zero(numbers):
    """numbers[:] = 0, which takes longer to compile."""
    for j in range(numbers.size):
        numbers[j] = 0


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _add(numbers, total):
    """total += numbers."""
    for j in range(total.size):
        total[j] += numbers[j]


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _add_tap(lines, stride, totals):
    """Add one tap of every window."""
    if stride == 2:
        for j in range(totals.size):
            totals[j] += lines[np.uintp(2 * j)]
    else:
        for j in range(totals.size):
            totals[j] += lines[np.uintp(j * stride)]
