"""Layer and batch normalisation, specified: plain loops, in Python's floats.

References
----------
.. [1] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer Normalization", 2016, equation 4.
.. [2] S. Ioffe and C. Szegedy, "Batch Normalization", 2015, algorithm 1 and the gradients in section 3.
.. [3] https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def layer_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    r"""Normalise every row; then scale and shift its elements.

    Parameters
    ----------
    x : (rows, cols) array
        What is normalised.
    weight, bias : (cols,) array, optional
        By default 1 and 0.
    eps : float
        Added to the variance.

    Returns
    -------
    y : (rows, cols) array
        The result.
    mean, rstd : (rows,) arrays
        Mean and 1 / standard deviation of every row; the backward pass wants them.

    Notes
    -----
    .. math:: y_j = \hat x_j w_j + b_j, \quad \hat x_j = (x_j - \mu)\, r, \quad
              \mu = \frac1n \sum_k x_k, \quad r = \left(\frac1n \sum_k (x_k - \mu)^2 + \epsilon\right)^{-1/2}
    """
    rows, cols = x.shape
    y = np.empty((rows, cols), x.dtype)
    mean, rstd = np.empty(rows, x.dtype), np.empty(rows, x.dtype)
    for i in range(rows):
        average, variance = _moments([float(value) for value in x[i]])
        r = 1 / math.sqrt(variance + eps) if variance + eps else math.inf
        for j in range(cols):
            w = 1.0 if weight is None else float(weight[j])
            b = 0.0 if bias is None else float(bias[j])
            y[i, j] = (float(x[i, j]) - average) * r * w + b
        mean[i], rstd[i] = average, r
    return y, mean, rstd


def layer_norm_backward(
    grad_output: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, with_parameters: bool
) -> tuple[Array, Array | None, Array | None]:
    r"""Return the gradients of the input, of the weight and of the bias.

    Parameters
    ----------
    grad_output, x : (rows, cols) arrays
        Gradient with respect to y, and the input.
    mean, rstd : (rows,) arrays
        Second and third result of the forward pass.
    weight : (cols,) array, optional
        By default 1.
    with_parameters : bool
        Whether the gradients of weight and bias are wanted.

    Returns
    -------
    grad_input : (rows, cols) array
        With respect to x.
    grad_weight, grad_bias : (cols,) arrays or None
        With respect to the parameters.

    Notes
    -----
    With :math:`h_j = g_j w_j`,

    .. math:: \frac{\partial L}{\partial x_j} = r \left(h_j - \frac1n \sum_k h_k
                  - \hat x_j\, \frac1n \sum_k h_k \hat x_k\right), \quad
              \frac{\partial L}{\partial w_j} = \sum_i g_{ij} \hat x_{ij}, \quad
              \frac{\partial L}{\partial b_j} = \sum_i g_{ij}
    """
    rows, cols = x.shape
    grad_input = np.empty((rows, cols), x.dtype)
    grad_weight, grad_bias = [0.0] * cols, [0.0] * cols
    for i in range(rows):
        x_hat = [(float(x[i, j]) - float(mean[i])) * float(rstd[i]) for j in range(cols)]
        scaled = [
            float(grad_output[i, j]) * (1.0 if weight is None else float(weight[j])) for j in range(cols)
        ]
        gradients = _gradient_of_normalising(scaled, x_hat, float(rstd[i]))
        for j in range(cols):
            grad_input[i, j] = gradients[j]
            grad_weight[j] += float(grad_output[i, j]) * x_hat[j]
            grad_bias[j] += float(grad_output[i, j])
    if not with_parameters:
        return grad_input, None, None
    return grad_input, np.array(grad_weight, x.dtype), np.array(grad_bias, x.dtype)


def batch_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array, Array]:
    r"""Normalise every channel over the batch and all positions; then scale and shift it.

    Parameters
    ----------
    x : (n, c, positions) array
        What is normalised.
    weight, bias : (c,) array, optional
        By default 1 and 0.
    eps : float
        Added to the variance.

    Returns
    -------
    y : (n, c, positions) array
        The result.
    mean, variance, rstd : (c,) arrays
        Mean, variance (of all numbers, "biased") and 1 / standard deviation of every channel.

    Notes
    -----
    The formulas are those of layer normalisation, with a sum over batch and positions, and one weight and bias
    a channel.
    """
    n, c, positions = x.shape
    y = np.empty((n, c, positions), x.dtype)
    mean, variance, rstd = (np.empty(c, x.dtype) for _ in range(3))
    for channel in range(c):
        average, spread = _moments([float(value) for value in x[:, channel].flat])
        r = 1 / math.sqrt(spread + eps) if spread + eps else math.inf
        w = 1.0 if weight is None else float(weight[channel])
        b = 0.0 if bias is None else float(bias[channel])
        for i in range(n):
            for j in range(positions):
                y[i, channel, j] = (float(x[i, channel, j]) - average) * r * w + b
        mean[channel], variance[channel], rstd[channel] = average, spread, r
    return y, mean, variance, rstd


def batch_norm_backward(
    grad_output: Array, x: Array, mean: Array, rstd: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """Return the gradients of the input, of the weight and of the bias.

    Parameters
    ----------
    grad_output, x : (n, c, positions) arrays
        Gradient with respect to y, and the input.
    mean, rstd : (c,) arrays
        From the forward pass.
    weight : (c,) array, optional
        By default 1.

    Returns
    -------
    grad_input : (n, c, positions) array
        With respect to x.
    grad_weight, grad_bias : (c,) arrays
        With respect to the parameters.

    Notes
    -----
    The formulas are those of layer normalisation; the gradients of a channel's weight and bias are sums over batch
    and positions.
    """
    n, c, positions = x.shape
    grad_input = np.empty((n, c, positions), x.dtype)
    grad_weight, grad_bias = np.empty(c, x.dtype), np.empty(c, x.dtype)
    for channel in range(c):
        r, w = float(rstd[channel]), 1.0 if weight is None else float(weight[channel])
        x_hat = [(float(value) - float(mean[channel])) * r for value in x[:, channel].flat]
        grad = [float(value) for value in grad_output[:, channel].flat]
        gradients = _gradient_of_normalising([value * w for value in grad], x_hat, r)
        grad_input[:, channel] = np.array(gradients).reshape(n, positions)
        grad_weight[channel] = sum([grad[k] * x_hat[k] for k in range(len(grad))])
        grad_bias[channel] = sum(grad)
    return grad_input, grad_weight, grad_bias


def _moments(values: list[float]) -> tuple[float, float]:
    """Return mean and variance."""
    if not values:
        return math.nan, math.nan
    mean = sum(values) / len(values)
    return mean, sum([(value - mean) * (value - mean) for value in values]) / len(values)


def _gradient_of_normalising(grad: list[float], x_hat: list[float], rstd: float) -> list[float]:
    """Return the gradient of x from that of x_hat."""
    count = max(len(grad), 1)
    mean_grad = sum(grad) / count
    mean_product = sum([grad[k] * x_hat[k] for k in range(len(grad))]) / count
    return [rstd * (grad[k] - mean_grad - x_hat[k] * mean_product) for k in range(len(grad))]
