"""Activation functions, compiled, with elementary functions of our own that the compiler can vectorise.

In float32, the exponential, the distribution function of the normal distribution and the error function are
polynomials without a branch or a call; so a loop of them becomes vector instructions, which a loop of
``math.exp`` does not. What they are good to is said where they are defined, in units in the last place (ulp) of
a correctly rounded result, and tested on numbers of all magnitudes. Results of a magnitude below 1e-36 may come
out as 0. In float64, the functions are those of the C library.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.kernel_cache import njit

Array = Any

f32 = np.float32

ravel = operator.methodcaller("ravel")  # of arrays and of NumPy's scalars; quicker than a comprehension


def relu_forward(x: Array) -> Array:
    """Return x where x > 0, else 0; NaN stays NaN."""
    return _run(_relu, 0.1, x)


def relu_backward(grad_output: Array, y: Array) -> Array:
    """Return grad_output where the output y is not 0, else 0."""
    return _run(_relu_backward, 0.15, grad_output, y)


def sigmoid_forward(x: Array) -> Array:
    """Return 1 / (1 + e^-x); in float32 to 2.6 ulp."""
    return _run(_sigmoid, 0.3, x)


def sigmoid_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of sigmoid from its output y."""
    return _run(_sigmoid_backward, 0.15, grad_output, y)


def tanh_backward(grad_output: Array, y: Array) -> Array:
    """Return the gradient of tanh from its output y."""
    return _run(_tanh_backward, 0.15, grad_output, y)


def silu_forward(x: Array) -> Array:
    """Return x sigmoid(x); in float32 to 2.6 ulp."""
    return _run(_silu, 0.3, x)


def silu_backward(grad_output: Array, x: Array) -> Array:
    """Return the gradient of silu from its input x."""
    return _run(_silu_backward, 0.4, grad_output, x)


def gelu_forward(x: Array) -> Array:
    """Return x Phi(x), with the distribution function Phi of the normal distribution.

    In float32 to 6 ulp; where x is negative, to 6 + x^2 / 2. (PyTorch's (1 + erf) / 2 loses all digits there.)
    """
    return _run(_gelu, 0.4, x)


def gelu_backward(grad_output: Array, x: Array) -> Array:
    """Return the gradient of gelu from its input x."""
    return _run(_gelu_backward, 0.5, grad_output, x)


def gelu_tanh_forward(x: Array) -> Array:
    """Return gelu's approximation by a hyperbolic tangent."""
    return _run(_gelu_tanh, 0.4, x)


def gelu_tanh_backward(grad_output: Array, x: Array) -> Array:
    """Return the gradient of gelu's approximation from its input x."""
    return _run(_gelu_tanh_backward, 0.5, grad_output, x)


def softplus_forward(x: Array, beta: float, threshold: float) -> Array:
    """Return ln(1 + e^(beta x)) / beta, or x where beta x is above the threshold; in float32 to 2.8 ulp."""
    return _run(_softplus, 0.5, x, options=(x.dtype.type(beta), x.dtype.type(threshold)))


def softplus_backward(grad_output: Array, x: Array, beta: float, threshold: float) -> Array:
    """Return the gradient of softplus from its input x."""
    options = x.dtype.type(beta), x.dtype.type(threshold)
    return _run(_softplus_backward, 0.4, grad_output, x, options=options)


def erf(x: Array) -> Array:
    """Return the error function; in float32 to 2 ulp."""
    return _run(_erf_range, 0.5, x)


def _run(kernel: Any, nanoseconds: float, *arrays: Array, options: tuple[Any, ...] = ()) -> Array:
    """Return what the kernel makes of the arrays; an element takes one thread so many nanoseconds."""
    x = arrays[0]
    result, size = np.empty(x.shape, x.dtype), x.size
    flat = map(ravel, (*arrays, result))  # copies only what is not contiguous
    threads.run_over(size, nanoseconds * size, kernel, *flat, *options)
    return result


# ---- elementary functions ----------------------------------------------------------------------------------


@intrinsic
def _bits(typing_context, value):
    """Read the 32 bits of a float as an integer."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _float_from_bits(typing_context, bits):
    """Read the 32 bits of an integer as a float."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def _exp_float32(x):
    """Return e^x to 1.5 ulp; 0 for x < -87.7, where it is no normal number, and infinity for x > 88.4.

    With n the whole number nearest to x / ln 2, e^x = 2^n e^r where r = x - n ln 2 lies within ln 2 / 2 of zero.
    The polynomial for e^r and the two parts of ln 2, which make r exact, are those of ``expf`` in the Cephes
    library. Adding 3 * 2^22 rounds to whole numbers, which then stand in the lowest bits of the sum; moved up
    by 23 bits, n + 127 is the exponent of 2^n: 0 for n = -127, infinity for n = 128.
    """
    x = f32(-88) if x < f32(-88) else x
    x = f32(89) if x > f32(89) else x
    shifted = x * f32(1.44269504) + f32(12582912)
    n = shifted - f32(12582912)
    r = (x - n * f32(0.693359375)) + n * f32(2.12194440e-4)
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    p = p * (r * r) + r + f32(1)
    return p * _float_from_bits(np.int32((_bits(shifted) + 127) << 23))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def _normal_tail_float32(a):
    """Return Phi(-a) and e^(-a^2 / 2) for a >= 0, the first to 6 + a^2 / 2 ulp.

    Phi(-a) = e^(-a^2 / 2) t P(t) with t = 1 / (1 + 3/8 a). The polynomial P was fitted for the smallest
    relative error, 1e-8, for a from 0 to 13.5. The term a^2 / 2 is what rounding a^2 costs.
    """
    exponential = _exp_float32(f32(-0.5) * (a * a))
    t = f32(1) / (f32(1) + f32(0.375) * a)
    p = f32(0.0216214338)
    p = p * t + f32(-0.137792073)
    p = p * t + f32(0.353411589)
    p = p * t + f32(-0.434948283)
    p = p * t + f32(0.22420814)
    p = p * t + f32(-0.0605331031)
    p = p * t + f32(0.109522839)
    p = p * t + f32(0.125002961)
    p = p * t + f32(0.149914861)
    p = p * t + f32(0.149591631)
    return exponential * (t * p), exponential


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def _erf_float32(x):
    """Return erf(x) to 2 ulp: x Q(x^2) for |x| < 1, else 1 - 2 Phi(-sqrt(2) |x|) with the sign of x.

    The polynomial Q was fitted for the smallest relative error, 1.2e-9.
    """
    square = x * x
    p = f32(7.85386132e-5)
    p = p * square + f32(-8.01019369e-4)
    p = p * square + f32(5.1883277e-3)
    p = p * square + f32(-2.6853812e-2)
    p = p * square + f32(1.12835851e-1)
    p = p * square + f32(-3.76126258e-1)
    p = p * square + f32(1.28379167e-1)
    inner = x + x * p
    tail, _ = _normal_tail_float32(abs(x) * f32(1.41421356))
    outer = f32(1) - f32(2) * tail
    outer = -outer if x < f32(0) else outer
    return inner if abs(x) < f32(1) else outer


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)
def _log1p_float32(e):
    """Return ln(1 + e) for e from 0 to 1, to 2 ulp.

    ln(1 + e) = 2 artanh(s) with s = e / (2 + e), at most 1/3: an odd polynomial in s, fitted for the smallest
    relative error, 4e-9.
    """
    s = e / (f32(2) + e)
    square = s * s
    p = f32(0.281783354)
    p = p * square + f32(0.279606029)
    p = p * square + f32(0.400249103)
    p = p * square + f32(0.666663147)
    return f32(2) * s + s * (square * p)


# What runs when Numba is switched off; for compiled code, the overloads below choose by the type of x.


def _exp(x: float) -> float:
    """Return e^x."""
    return np.exp(x)


def _normal(x: float) -> tuple[float, float]:
    """Return the distribution function of the normal distribution at x, and e^(-x^2 / 2)."""
    return 0.5 * math.erfc(-x * math.sqrt(0.5)), np.exp(-0.5 * x * x)


def _erf(x: float) -> float:
    """Return the error function."""
    return math.erf(x)


def _log1p(e: float) -> float:
    """Return ln(1 + e) for e from 0 to 1."""
    return np.log1p(e)


@overload(_exp, inline="always")
def _choose_exp(x):
    def single(x):
        return _exp_float32(x)

    def double(x):
        return math.exp(x)

    return single if x == types.float32 else double


@overload(_normal, inline="always")
def _choose_normal(x):
    def single(x):
        tail, exponential = _normal_tail_float32(abs(x))
        return (tail if x < f32(0) else f32(1) - tail), exponential

    def double(x):
        return 0.5 * math.erfc(-x * math.sqrt(0.5)), math.exp(-0.5 * x * x)

    return single if x == types.float32 else double


@overload(_erf, inline="always")
def _choose_erf(x):
    def single(x):
        return _erf_float32(x)

    def double(x):
        return math.erf(x)

    return single if x == types.float32 else double


@overload(_log1p, inline="always")
def _choose_log1p(e):
    def single(e):
        return _log1p_float32(e)

    def double(e):
        return math.log1p(e)

    return single if e == types.float32 else double


# ---- kernels: they do elements first..last -----------------------------------------------------------------
# They take slices, for then Numba knows that no index is negative, and can vectorise the loop. A factor such as
# x.dtype.type(0.5) keeps float32 from becoming float64.


@njit(cache=True, error_model="numpy", nogil=True)
def _relu(x, y, first, last):
    x_part, y_part = x[first:last], y[first:last]
    zero = x.dtype.type(0)
    for i in range(x_part.size):
        y_part[i] = zero if x_part[i] <= zero else x_part[i]


@njit(cache=True, error_model="numpy", nogil=True)
def _relu_backward(grad_output, y, grad_input, first, last):
    grad_part, y_part, result = grad_output[first:last], y[first:last], grad_input[first:last]
    zero = y.dtype.type(0)
    for i in range(result.size):
        grad = grad_part[i]
        result[i] = zero if y_part[i] == zero else grad


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _sigmoid(x, y, first, last):
    x_part, y_part = x[first:last], y[first:last]
    one = x.dtype.type(1)
    for i in range(x_part.size):
        y_part[i] = one / (one + _exp(-x_part[i]))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _sigmoid_backward(grad_output, y, grad_input, first, last):
    grad_part, y_part, result = grad_output[first:last], y[first:last], grad_input[first:last]
    for i in range(result.size):
        result[i] = grad_part[i] * y_part[i] * (y.dtype.type(1) - y_part[i])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _tanh_backward(grad_output, y, grad_input, first, last):
    grad_part, y_part, result = grad_output[first:last], y[first:last], grad_input[first:last]
    for i in range(result.size):
        result[i] = grad_part[i] * (y.dtype.type(1) - y_part[i] * y_part[i])


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _silu(x, y, first, last):
    x_part, y_part = x[first:last], y[first:last]
    for i in range(x_part.size):
        y_part[i] = x_part[i] / (x.dtype.type(1) + _exp(-x_part[i]))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _silu_backward(grad_output, x, grad_input, first, last):
    grad_part, x_part, result = grad_output[first:last], x[first:last], grad_input[first:last]
    one = x.dtype.type(1)
    for i in range(result.size):
        s = one / (one + _exp(-x_part[i]))
        result[i] = grad_part[i] * s * (one + x_part[i] * (one - s))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _gelu(x, y, first, last):
    x_part, y_part = x[first:last], y[first:last]
    for i in range(x_part.size):
        cdf, _ = _normal(x_part[i])
        y_part[i] = x_part[i] * cdf


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _gelu_backward(grad_output, x, grad_input, first, last):
    grad_part, x_part, result = grad_output[first:last], x[first:last], grad_input[first:last]
    scale = x.dtype.type(1 / math.sqrt(2 * math.pi))
    for i in range(result.size):
        cdf, exponential = _normal(x_part[i])
        result[i] = grad_part[i] * (cdf + x_part[i] * (scale * exponential))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _gelu_tanh(x, y, first, last):
    x_part, y_part = x[first:last], y[first:last]
    one = x.dtype.type(1)
    scale, cube = x.dtype.type(2 * math.sqrt(2 / math.pi)), x.dtype.type(0.044715)
    for i in range(x_part.size):
        value = x_part[i]
        y_part[i] = value / (one + _exp(-scale * (value + cube * (value * value * value))))


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _gelu_tanh_backward(grad_output, x, grad_input, first, last):
    grad_part, x_part, result = grad_output[first:last], x[first:last], grad_input[first:last]
    one = x.dtype.type(1)
    scale, cube = x.dtype.type(2 * math.sqrt(2 / math.pi)), x.dtype.type(0.044715)
    for i in range(result.size):
        value = x_part[i]
        square = value * value
        s = one / (one + _exp(-scale * (value + cube * (square * value))))
        slope = scale * (one + x.dtype.type(3) * cube * square)
        result[i] = grad_part[i] * (s + value * (s * (one - s)) * slope)


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _softplus(x, y, beta, threshold, first, last):
    x_part, y_part = x[first:last], y[first:last]
    zero = x.dtype.type(0)
    for i in range(x_part.size):
        value = x_part[i]
        scaled = value * beta
        positive = scaled if scaled > zero else zero
        smooth = (positive + _log1p(_exp(-abs(scaled)))) / beta
        y_part[i] = value if scaled > threshold else smooth


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _softplus_backward(grad_output, x, grad_input, beta, threshold, first, last):
    grad_part, x_part, result = grad_output[first:last], x[first:last], grad_input[first:last]
    one = x.dtype.type(1)
    for i in range(result.size):
        scaled, grad = x_part[i] * beta, grad_part[i]
        slope = one / (one + _exp(-scaled))
        result[i] = grad if scaled > threshold else grad * slope


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _erf_range(x, y, first, last):
    x_part, y_part = x[first:last], y[first:last]
    for i in range(x_part.size):
        y_part[i] = _erf(x_part[i])
