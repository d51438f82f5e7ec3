"""Activation functions and their gradients on the GPU: one thread an element, CUDA's elementary functions."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from tinygrad_edu_kernels.cuda_launch import array_module_of, launch

Array = Any


def relu_forward(x: Array) -> Array:
    """Return x where x > 0, else 0; NaN stays NaN."""
    return _run(_relu_kernel, x)


def relu_backward(grad_output: Array, y: Array) -> Array:
    """Return grad_output where the output y is not 0, else 0."""
    return _run(_relu_backward_kernel, grad_output, y)


def sigmoid_forward(x: Array) -> Array:
    """Return 1 / (1 + e^-x)."""
    return _run(_sigmoid_kernel, x)


def sigmoid_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of sigmoid from its output y."""
    return _run(_sigmoid_backward_kernel, grad_output, y)


def tanh_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of tanh from its output y."""
    return _run(_tanh_backward_kernel, grad_output, y)


def silu_forward(x: Array) -> Array:
    """Return x sigmoid(x)."""
    return _run(_silu_kernel, x)


def silu_backward(grad_output: Array, x: Array) -> Array:
    """Return the gradient of silu from its input x."""
    return _run(_silu_backward_kernel, grad_output, x)


def gelu_forward(x: Array) -> Array:
    """Return x Phi(x), with the distribution function Phi of the normal distribution."""
    return _run(_gelu_kernel, x)


def gelu_backward(grad_output: Array, x: Array) -> Array:
    """Return the gradient of gelu from its input x."""
    return _run(_gelu_backward_kernel, grad_output, x)


def gelu_tanh_forward(x: Array) -> Array:
    """Return gelu's approximation by a hyperbolic tangent."""
    return _run(_gelu_tanh_kernel, x)


def gelu_tanh_backward(grad_output: Array, x: Array) -> Array:
    """Return the gradient of gelu's approximation from its input x."""
    return _run(_gelu_tanh_backward_kernel, grad_output, x)


def softplus_forward(x: Array, beta: float, threshold: float) -> Array:
    """Return ln(1 + e^(beta x)) / beta, or x where beta x is above the threshold."""
    return _run(_softplus_kernel, x, options=(beta, threshold))


def softplus_backward(grad_output: Array, x: Array, beta: float, threshold: float) -> Array:
    """Return the gradient of softplus from its input x."""
    return _run(_softplus_backward_kernel, grad_output, x, options=(beta, threshold))


def erf(x: Array) -> Array:
    """Return the error function."""
    return _run(_erf_kernel, x)


def _run(kernel: Any, *arrays: Array, options: tuple[float, ...] = ()) -> Array:
    """Return what a kernel makes of arrays of one shape; the options get their dtype."""
    xp = array_module_of(arrays[0])
    dtype = arrays[0].dtype
    result = xp.empty(arrays[0].shape, dtype)
    flat = [xp.ascontiguousarray(array, dtype).reshape(-1) for array in arrays]
    launch(kernel, result.size, *flat, result.reshape(-1), *map(dtype.type, options))
    return result


# ---- one element --------------------------------------------------------------------------------------------


@cuda.jit(device=True)
def _sigmoid(x, number):
    """Return 1 / (1 + e^-x), with an exponential that cannot overflow; ``number`` is the dtype to compute in."""
    exponential = math.exp(-abs(x))
    return (number(1) if x >= number(0) else exponential) / (number(1) + exponential)


@cuda.jit(device=True)
def _normal_cdf(x, number):
    """Return Phi(x). With erfc, which is small where Phi is, a large negative x keeps its digits."""
    return number(0.5) * math.erfc(-x * number(math.sqrt(0.5)))


@cuda.jit(device=True)
def _twice_gelu_u(x, number):
    """Return 2 u, whose sigmoid is the approximation of Phi(x) by a hyperbolic tangent."""
    return number(2 * math.sqrt(2 / math.pi)) * (x + number(0.044715) * x * x * x)


# ---- kernels ------------------------------------------------------------------------------------------------


@cuda.jit
def _relu_kernel(x, y):
    """x where it is above 0, else 0; a NaN is not below 0."""
    zero = x.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        y[i] = zero if x[i] <= zero else x[i]


@cuda.jit
def _relu_backward_kernel(grad_output, y, grad_input):
    """grad where y is not 0."""
    zero = y.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        grad_input[i] = zero if y[i] == zero else grad_output[i]


@cuda.jit
def _sigmoid_kernel(x, y):
    """1 / (1 + e^-x)."""
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        y[i] = _sigmoid(x[i], number)


@cuda.jit
def _sigmoid_backward_kernel(grad_output, y, grad_input):
    """grad * y * (1 - y)."""
    one = y.dtype.type(1)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        grad_input[i] = grad_output[i] * y[i] * (one - y[i])


@cuda.jit
def _tanh_backward_kernel(grad_output, y, grad_input):
    """grad * (1 - y^2)."""
    one = y.dtype.type(1)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        grad_input[i] = grad_output[i] * (one - y[i] * y[i])


@cuda.jit
def _silu_kernel(x, y):
    """x * sigmoid(x)."""
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        y[i] = x[i] * _sigmoid(x[i], number)


@cuda.jit
def _silu_backward_kernel(grad_output, x, grad_input):
    """grad * s * (1 + x * (1 - s)) with s = sigmoid(x)."""
    number = x.dtype.type
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        s = _sigmoid(x[i], number)
        grad_input[i] = grad_output[i] * s * (number(1) + x[i] * (number(1) - s))


@cuda.jit
def _gelu_kernel(x, y):
    """x * Phi(x)."""
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        y[i] = x[i] * _normal_cdf(x[i], number)


@cuda.jit
def _gelu_backward_kernel(grad_output, x, grad_input):
    """grad * (Phi(x) + x * density(x))."""
    number = x.dtype.type
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        density = number(1 / math.sqrt(2 * math.pi)) * math.exp(number(-0.5) * x[i] * x[i])
        grad_input[i] = grad_output[i] * (_normal_cdf(x[i], number) + x[i] * density)


@cuda.jit
def _gelu_tanh_kernel(x, y):
    """x * sigmoid(2 u)."""
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        y[i] = x[i] * _sigmoid(_twice_gelu_u(x[i], number), number)


@cuda.jit
def _gelu_tanh_backward_kernel(grad_output, x, grad_input):
    """grad * (s + x * s * (1 - s) * 2 u') with s = sigmoid(2 u)."""
    number = x.dtype.type
    scale = number(2 * math.sqrt(2 / math.pi))
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        s = _sigmoid(_twice_gelu_u(x[i], number), number)
        slope = scale * (number(1) + number(3 * 0.044715) * x[i] * x[i])
        grad_input[i] = grad_output[i] * (s + x[i] * (s * (number(1) - s)) * slope)


@cuda.jit
def _softplus_kernel(x, y, beta, threshold):
    """(max(z, 0) + ln(1 + e^-|z|)) / beta with z = beta x; x where z is above the threshold."""
    zero = x.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        scaled = x[i] * beta
        positive = scaled if scaled > zero else zero
        smooth = (positive + math.log1p(math.exp(-abs(scaled)))) / beta
        y[i] = x[i] if scaled > threshold else smooth


@cuda.jit
def _softplus_backward_kernel(grad_output, x, grad_input, beta, threshold):
    """grad * sigmoid(beta x), or grad above the threshold."""
    number = x.dtype.type
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        scaled = x[i] * beta
        grad_input[i] = grad_output[i] if scaled > threshold else grad_output[i] * _sigmoid(scaled, number)


@cuda.jit
def _erf_kernel(x, y):
    """erf(x)."""
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        y[i] = math.erf(x[i])
