"""The exponential and the largest number of a row, in ways that the compiler can vectorise.

Numba's cache does not see changes in this file: after one, delete the ``__pycache__`` of the families that use it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tinygrad_edu_kernels.kernel_cache import njit

Array = Any


@intrinsic
def _float_from_bits(typing_context, bits):
    """Read the 32 or 64 bits of an integer as a float."""
    single = bits == types.int32

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType() if single else ir.DoubleType())

    return (types.float32 if single else types.float64)(bits), generate


@intrinsic
def _bits(typing_context, value):
    """Read the 32 or 64 bits of a float as an integer."""
    single = value == types.float32

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32 if single else 64))

    return (types.int32 if single else types.int64)(value), generate


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"}, no_cpython_wrapper=True)
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


def exp_of_negative(value: float) -> float:
    """Return e^value for value <= 0 (what runs when Numba is switched off)."""
    return np.exp(value)


@overload(exp_of_negative, inline="always")
def _choose_exp(value):
    """Choose the exponential for the type of value, at compile time."""

    def single(value):
        return _exp_float32(value)

    def double(value):
        return math.exp(value)

    return single if value == types.float32 else double


def largest_of_row(x: Array, i: int) -> float:
    """Return the largest number of row i (what runs when Numba is switched off)."""
    return x[i].max(initial=-np.inf)


@overload(largest_of_row, inline="always")
def _choose_largest(x, i):
    """Choose the integers for the type of x, at compile time.

    Floats are ordered as their bits are, once those of the negative ones are turned round. Looking for the
    largest integer is vectorised; looking for the largest float is not, because of NaN. (A NaN counts as
    larger or smaller than all the numbers, as its sign says. Either way it gets into the sum of
    exponentials.)
    """
    integer = np.int32 if x.dtype == types.float32 else np.int64
    smallest, flip = (
        integer(np.iinfo(integer).min),
        integer(np.iinfo(integer).max),
    )  # flip: every bit but the sign

    def largest_float(x, i):
        largest = smallest
        for j in range(x.shape[1]):
            bits = _bits(x[i, j])
            key = integer(bits ^ flip) if bits < 0 else bits
            largest = key if key > largest else largest
        return _float_from_bits(integer(largest ^ flip) if largest < 0 else largest)

    return largest_float
