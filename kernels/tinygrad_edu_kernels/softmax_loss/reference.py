"""Softmax and cross-entropy, specified: plain loops over the rows.

References
----------
.. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
.. [2] https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
.. [3] I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, sections 4.1 and 6.2.2.3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def softmax_cross_entropy_forward(
    logits: Array, target: Array, weight: Array | None, ignore_index: int
) -> tuple[Array, Array, Array]:
    r"""Measure how improbable each row's target class is.

    Parameters
    ----------
    logits : (n, c) array
        Scores of the classes.
    target : (n,) int64 array
        Class of each row, from 0 to c - 1, or `ignore_index`.
    weight : (c,) array, optional
        Weight of each class; 1 without it.
    ignore_index : int
        Rows with this target are left out.

    Returns
    -------
    losses : (n,) array
        0 for the rows that are left out, NaN for a class that there is not.
    totals : (3,) array
        The sum of the losses, the sum of the weights of the rows, and how many targets are no classes.
    probabilities : (n, c) array
        Softmax of every row; the backward pass wants it.

    Notes
    -----
    .. math:: \ell_i = -w_t \log \frac{e^{x_{i,t}}}{\sum_j e^{x_{i,j}}}
                     = w_t \left(\log \sum_j e^{x_{i,j} - m_i} - (x_{i,t} - m_i)\right),
              \quad t = \mathrm{target}_i,\; m_i = \max_j x_{i,j}
    """
    n, c = logits.shape
    losses = np.zeros(n, logits.dtype)
    probabilities = np.empty((n, c), logits.dtype)
    totals = np.zeros(3)  # float64
    for i in range(n):
        row = [float(value) for value in logits[i]]
        largest = _largest(row)
        total = _sum_of_exponentials(row, largest)
        for j in range(c):
            probabilities[i, j] = math.exp(row[j] - largest) / total
        t = int(target[i])
        if t == ignore_index:
            continue
        if 0 <= t < c:
            row_weight = 1.0 if weight is None else float(weight[t])
            losses[i] = row_weight * (math.log(total) - (row[t] - largest))
            totals += losses[i], row_weight, 0
        else:
            losses[i] = math.nan
            totals += math.nan, 0, 1
    return losses, totals.astype(logits.dtype), probabilities


def softmax_cross_entropy_backward(
    grad_losses: Array,
    probabilities: Array,
    target: Array,
    weight: Array | None,
    ignore_index: int,
    divisor: float | Array = 1.0,
) -> Array:
    r"""Return the gradient with respect to the logits.

    Parameters
    ----------
    grad_losses : (n,) or () array
        Gradient with respect to the loss of each row; one number if it is the same for all.
    probabilities : (n, c) array
        Third result of the forward pass.
    target, weight, ignore_index
        As in the forward pass.
    divisor : float
        By what the losses were divided afterwards: the sum of the weights, for a mean.

    Returns
    -------
    (n, c) array
        Zero in the rows that are left out, NaN in those of a class that there is not.

    Notes
    -----
    .. math:: \frac{\partial \ell_i}{\partial x_{i,j}} = w_t \left(p_{i,j} - [j = t]\right)
    """
    n, c = probabilities.shape
    grad_logits = np.zeros((n, c), probabilities.dtype)
    grad_losses = np.broadcast_to(grad_losses, (n,))
    share = 1.0 / divisor if divisor else math.inf
    for i in range(n):
        t = int(target[i])
        if t == ignore_index:
            continue
        if not 0 <= t < c:
            grad_logits[i] = math.nan
            continue
        scale = float(grad_losses[i]) * share * (1.0 if weight is None else float(weight[t]))
        for j in range(c):
            one_hot = 1.0 if j == t else 0.0
            grad_logits[i, j] = scale * (float(probabilities[i, j]) - one_hot)
    return grad_logits


def softmax_forward(x: Array) -> Array:
    r"""Turn each row of scores into probabilities.

    Parameters
    ----------
    x : (rows, cols) array
        The scores.

    Returns
    -------
    (rows, cols) array

    Notes
    -----
    .. math:: y_j = \frac{e^{x_j - m}}{\sum_k e^{x_k - m}}, \quad m = \max_k x_k
    """
    y = np.empty(x.shape, x.dtype)
    for i in range(x.shape[0]):
        row = [float(value) for value in x[i]]
        largest = _largest(row)
        total = _sum_of_exponentials(row, largest)
        for j in range(x.shape[1]):
            y[i, j] = math.exp(row[j] - largest) / total
    return y


def log_softmax_forward(x: Array) -> Array:
    r"""Return the logarithm of the softmax of each row.

    Parameters
    ----------
    x : (rows, cols) array
        The scores.

    Returns
    -------
    (rows, cols) array

    Notes
    -----
    .. math:: y_j = x_j - m - \log \sum_k e^{x_k - m}, \quad m = \max_k x_k
    """
    y = np.empty(x.shape, x.dtype)
    for i in range(x.shape[0]):
        row = [float(value) for value in x[i]]
        largest = _largest(row)
        log_total = math.log(_sum_of_exponentials(row, largest)) if row else 0.0
        for j in range(x.shape[1]):
            y[i, j] = row[j] - largest - log_total
    return y


def softmax_backward(grad_output: Array, y: Array) -> Array:
    r"""Return the gradient of softmax with respect to its input, from its output.

    Parameters
    ----------
    grad_output, y : (rows, cols) arrays
        Gradient with respect to the output, and the output.

    Returns
    -------
    (rows, cols) array

    Notes
    -----
    .. math:: \frac{\partial L}{\partial x_j} = y_j \left(g_j - \sum_k g_k y_k\right)
    """
    grad_input = np.empty(y.shape, y.dtype)
    for i in range(y.shape[0]):
        mean = 0.0
        for j in range(y.shape[1]):
            mean += float(grad_output[i, j]) * float(y[i, j])
        for j in range(y.shape[1]):
            grad_input[i, j] = float(y[i, j]) * (float(grad_output[i, j]) - mean)
    return grad_input


def log_softmax_backward(grad_output: Array, y: Array) -> Array:
    r"""Return the gradient of log-softmax with respect to its input, from its output.

    Parameters
    ----------
    grad_output, y : (rows, cols) arrays
        Gradient with respect to the output, and the output.

    Returns
    -------
    (rows, cols) array

    Notes
    -----
    .. math:: \frac{\partial L}{\partial x_j} = g_j - e^{y_j} \sum_k g_k
    """
    grad_input = np.empty(y.shape, y.dtype)
    for i in range(y.shape[0]):
        total = 0.0
        for j in range(y.shape[1]):
            total += float(grad_output[i, j])
        for j in range(y.shape[1]):
            grad_input[i, j] = float(grad_output[i, j]) - math.exp(float(y[i, j])) * total
    return grad_input


def _largest(row: list[float]) -> float:
    """Return the largest value of a row."""
    largest = -math.inf
    for value in row:
        if value > largest:
            largest = value
    return largest


def _sum_of_exponentials(row: list[float], largest: float) -> float:
    """Return the sum of e^(value - largest); NaN if any difference is."""
    total = 0.0
    for value in row:
        total += math.exp(value - largest)
    return total
