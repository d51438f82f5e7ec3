"""Activation functions, specified: one element after the other, in Python's floats.

References
----------
.. [1] https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
.. [2] D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, section 2.
.. [3] S. Elfwing et al., "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in
       Reinforcement Learning", 2017, equation 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any

SQRT_2_OVER_PI = math.sqrt(2 / math.pi)


def relu_forward(x: Array) -> Array:
    """Return x where x > 0, else 0; NaN stays NaN."""
    return _for_each(_relu, x)


def relu_backward(grad_output: Array, y: Array) -> Array:
    """Return grad_output where the output y is not 0, else 0: the derivative is 1 where x > 0, else 0."""
    return _for_each(_relu_gradient, grad_output, y)


def sigmoid_forward(x: Array) -> Array:
    r"""Return the logistic function.

    Notes
    -----
    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}
    """
    return _for_each(_sigmoid, x)


def sigmoid_backward(grad_output: Array, y: Array) -> Array:
    r"""Return the gradient of the logistic function from its output y.

    Notes
    -----
    .. math:: \sigma' = \sigma (1 - \sigma)
    """
    return _for_each(_sigmoid_gradient, grad_output, y)


def tanh_backward(grad_output: Array, y: Array) -> Array:
    r"""Return the gradient of the hyperbolic tangent from its output y.

    Notes
    -----
    .. math:: \tanh' = 1 - \tanh^2
    """
    return _for_each(_tanh_gradient, grad_output, y)


def silu_forward(x: Array) -> Array:
    r"""Return the input times its sigmoid.

    Notes
    -----
    .. math:: y = x\, \sigma(x)
    """
    return _for_each(_silu, x)


def silu_backward(grad_output: Array, x: Array) -> Array:
    r"""Return the gradient of silu from its input x.

    Notes
    -----
    .. math:: y' = s\, (1 + x (1 - s)), \quad s = \sigma(x)
    """
    return _for_each(_silu_gradient, grad_output, x)


def gelu_forward(x: Array) -> Array:
    r"""Return the input times the probability that a normal number is smaller.

    Notes
    -----
    .. math:: y = x\, \Phi(x), \quad \Phi(x) = \tfrac12 \operatorname{erfc}(-x / \sqrt 2)
    """
    return _for_each(_gelu, x)


def gelu_backward(grad_output: Array, x: Array) -> Array:
    r"""Return the gradient of gelu from its input x.

    Notes
    -----
    .. math:: y' = \Phi(x) + x\, \varphi(x), \quad \varphi(x) = \Phi'(x) = \frac{e^{-x^2/2}}{\sqrt{2 \pi}}
    """
    return _for_each(_gelu_gradient, grad_output, x)


def gelu_tanh_forward(x: Array) -> Array:
    r"""Return the approximation of gelu by a hyperbolic tangent.

    Notes
    -----
    .. math:: y = \tfrac12 x\, (1 + \tanh u) = x\, \sigma(2 u), \quad u = \sqrt{2 / \pi}\, (x + 0.044715\, x^3)
    """
    return _for_each(_gelu_tanh, x)


def gelu_tanh_backward(grad_output: Array, x: Array) -> Array:
    r"""Return the gradient of the approximated gelu from its input x.

    Notes
    -----
    .. math:: y' = s + x\, s (1 - s)\, 2 u', \quad s = \sigma(2 u),\;
              u' = \sqrt{2 / \pi}\, (1 + 3 \cdot 0.044715\, x^2)
    """
    return _for_each(_gelu_tanh_gradient, grad_output, x)


def softplus_forward(x: Array, beta: float, threshold: float) -> Array:
    r"""Return a smooth relu.

    Parameters
    ----------
    x : array of any shape
        The input.
    beta : float
        How sharp the bend is.
    threshold : float
        Where beta x is above it, the result is x itself.

    Notes
    -----
    .. math:: y = \frac{1}{\beta} \ln(1 + e^{z}) = \frac{1}{\beta} (\max(z, 0) + \ln(1 + e^{-|z|})),
              \quad z = \beta x
    """
    return _for_each(_softplus, x, beta=beta, threshold=threshold)


def softplus_backward(grad_output: Array, x: Array, beta: float, threshold: float) -> Array:
    r"""Return the gradient of softplus from its input x.

    Notes
    -----
    .. math:: y' = \sigma(\beta x), \text{ or 1 above the threshold}
    """
    return _for_each(_softplus_gradient, grad_output, x, beta=beta, threshold=threshold)


def erf(x: Array) -> Array:
    r"""Return the error function.

    Notes
    -----
    .. math:: \operatorname{erf}(x) = \frac{2}{\sqrt \pi} \int_0^x e^{-t^2}\, \mathrm dt
    """
    return _for_each(math.erf, x)


def _for_each(function: Callable[..., float], *arrays: Array, **options: float) -> Array:
    """Return the function of every element, or of every pair of elements."""
    result = np.empty(arrays[0].shape, arrays[0].dtype)
    for position in np.ndindex(result.shape):
        result[position] = function(*[float(array[position]) for array in arrays], **options)
    return result


# ---- one element -------------------------------------------------------------------------------------------


def _relu(x: float) -> float:
    return 0.0 if x <= 0 else x


def _relu_gradient(grad: float, y: float) -> float:
    return 0.0 if y == 0 else grad


def _sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), with an exponential that cannot overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    exponential = math.exp(x)
    return exponential / (1 + exponential)


def _sigmoid_gradient(grad: float, y: float) -> float:
    return grad * y * (1 - y)


def _tanh_gradient(grad: float, y: float) -> float:
    return grad * (1 - y * y)


def _silu(x: float) -> float:
    return x * _sigmoid(x)


def _silu_gradient(grad: float, x: float) -> float:
    s = _sigmoid(x)
    return grad * s * (1 + x * (1 - s))


def _gelu(x: float) -> float:
    return x * _normal_cdf(x)


def _gelu_gradient(grad: float, x: float) -> float:
    density = math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return grad * (_normal_cdf(x) + x * density)


def _normal_cdf(x: float) -> float:
    """Return Phi(x), the probability that a standard normal number is smaller than x."""
    return 0.5 * math.erfc(-x * math.sqrt(0.5))


def _gelu_tanh(x: float) -> float:
    return x * _sigmoid(2 * SQRT_2_OVER_PI * (x + 0.044715 * x * x * x))


def _gelu_tanh_gradient(grad: float, x: float) -> float:
    s = _sigmoid(2 * SQRT_2_OVER_PI * (x + 0.044715 * x * x * x))
    inner_slope = SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x)
    return grad * (s + x * s * (1 - s) * 2 * inner_slope)


def _softplus(x: float, beta: float, threshold: float) -> float:
    scaled = x * beta
    if scaled > threshold:
        return x
    return (max(scaled, 0.0) + math.log1p(math.exp(-abs(scaled)))) / beta


def _softplus_gradient(grad: float, x: float, beta: float, threshold: float) -> float:
    scaled = x * beta
    return grad if scaled > threshold else grad * _sigmoid(scaled)
