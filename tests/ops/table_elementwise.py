"""The table of operations: elementwise functions, comparisons, activations."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

from tests.ops.samples import SAME, Entry, S, bools, ints, positive, real, unit

# Shapes every elementwise function of two tensors is tried with: broadcasting both ways, sizes 0 and 1, 0-d.
BINARY_SHAPES = [
    ((2, 3), (2, 3)),
    ((4, 5, 3), (1, 3)),
    ((3, 1), (2,)),
    ((), (2, 2)),
    ((2,), ()),
    ((0, 3), (3,)),
]


def unary(name, reference, make=real, **more):
    samples = [S(make(2, 3)), S(make()), S(make(0, 2)), S(make(1))]
    return Entry(name, reference, [*samples, *more.pop("samples", [])], **more)


def binary(name, reference, left=real, right=real, scalars=(2.5,), same=True, **more):
    samples = [S(left(*a), right(*b)) for a, b in BINARY_SHAPES]
    samples += [S(left(3), scalar) for scalar in scalars]
    samples += [S(left(2, 2), SAME)] if same else []
    return Entry(name, reference, [*samples, *more.pop("samples", [])], **more)


def above_one(*shape):
    return real(*shape, low=1.2, high=4.0)


def wide(*shape):
    return real(*shape, low=-5.0, high=5.0)


def reference_round(x, decimals=0):
    return np.round(x, decimals)


def reference_div(a, b, rounding_mode=None):
    return {None: lambda q: q, "floor": np.floor, "trunc": np.trunc}[rounding_mode](a / b)


def reference_softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta)


def reference_prelu(x, weight):
    return np.where(x > 0, x, x * (weight if weight.size == 1 else weight.reshape(-1, *[1] * (x.ndim - 2))))


def reference_gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * scipy.special.ndtr(x)


def reference_clamp(x, min=None, max=None):
    return np.clip(x, min, max)


def reference_elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


ARITHMETIC = [
    binary("add", lambda a, b, alpha=1: a + alpha * b, integers=True, samples=[
        S(2.0, real(3)), S(real(2, 3), real(3), alpha=0.5), S(real(2), 3, alpha=-2)]),
    binary("sub", lambda a, b, alpha=1: a - alpha * b, integers=True, samples=[
        S(2.0, real(3)), S(real(2, 3), real(3), alpha=0.5)]),
    binary("mul", np.multiply, integers=True, samples=[S(2, real(3))]),
    binary("div", reference_div, right=positive, integers=True, samples=[
        S(2.0, positive(3)),
        S(wide(2, 3), positive(3), rounding_mode="floor"),
        S(wide(2, 3), positive(3), rounding_mode="trunc")]),
    binary("floor_divide", np.floor_divide, left=wide, right=positive, integers=True, same=False,
           torch_gradient=False),
    binary("remainder", np.remainder, left=wide, right=positive, integers=True, same=False, samples=[
        S(wide(4), -1.7), S(7.5, real(3, low=0.4, high=2.6, grad=False))]),
    binary("fmod", np.fmod, left=wide, right=positive, integers=True, same=False, samples=[S(wide(4), -1.7)]),
    binary("pow", np.power, left=positive, scalars=(2, 3.0, 0.5, -1), samples=[
        S(real(5), 2), S(real(5), 3), S(real(3), 0), S(2.0, real(3))]),
    binary("atan2", np.arctan2, scalars=()),
    unary("neg", np.negative, integers=True),
    unary("absolute", np.abs, integers=True),
    unary("reciprocal", lambda x: 1 / x, positive),
    unary("square", np.square, integers=True),
    unary("sign", np.sign, wide, integers=True),
    unary("floor", np.floor, wide, integers=True),
    unary("ceil", np.ceil, wide, integers=True),
    unary("trunc", np.trunc, wide, integers=True),
    unary("round", reference_round, wide, samples=[S(wide(6), decimals=1)]),
    unary("frac", lambda x: x - np.trunc(x), wide),
    Entry("lerp", lambda a, b, w: a + w * (b - a), [
        S(real(2, 3), real(3), 0.3), S(real(2, 3), real(2, 3), real(2, 3)), S(real(2), real(2), real())]),
    Entry("addcmul", lambda x, a, b, value=1: x + value * a * b, [
        S(real(2, 3), real(3), real(2, 1)), S(real(2), real(2), real(2), value=0.5)], integers=False),
    Entry("addcdiv", lambda x, a, b, value=1: x + value * a / b, [
        S(real(2, 3), real(3), positive(2, 1)), S(real(2), real(2), positive(2), value=0.5)]),
]  # fmt: skip

UNARY = [
    unary("exp", np.exp),
    unary("exp2", np.exp2),
    unary("expm1", np.expm1),
    unary("log", np.log, positive),
    unary("log2", np.log2, positive),
    unary("log10", np.log10, positive),
    unary("log1p", np.log1p, positive),
    unary("sqrt", np.sqrt, positive),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), positive),
    unary("sin", np.sin),
    unary("cos", np.cos),
    unary("tan", np.tan, unit),
    unary("asin", np.arcsin, unit),
    unary("acos", np.arccos, unit),
    unary("atan", np.arctan),
    unary("sinh", np.sinh),
    unary("cosh", np.cosh),
    unary("tanh", np.tanh),
    unary("asinh", np.arcsinh),
    unary("acosh", np.arccosh, above_one),
    unary("atanh", np.arctanh, unit),
    unary("sigmoid", scipy.special.expit, wide),
    unary("erf", scipy.special.erf),
    unary("erfc", scipy.special.erfc),
]

COMPARISONS = [
    *[
        binary(name, function, differentiable=False, integers=True, samples=[S(ints(4), ints(4))])
        for name, function in [
            ("eq", np.equal),
            ("ne", np.not_equal),
            ("lt", np.less),
            ("le", np.less_equal),
            ("gt", np.greater),
            ("ge", np.greater_equal),
        ]
    ],
    *[
        binary(name, function, differentiable=False, scalars=(), samples=[
            S(ints(4), ints(4)), S(bools(4), bools(4)), S(bools(4), real(4))])
        for name, function in [
            ("logical_and", np.logical_and),
            ("logical_or", np.logical_or),
            ("logical_xor", np.logical_xor),
        ]
    ],
    *[
        Entry(name, function, [
            S(ints(5, high=9), ints(5, high=9)), S(bools(2, 3), bools(3)), S(ints(4, high=9), 6)],
            differentiable=False)
        for name, function in [
            ("bitwise_and", np.bitwise_and),
            ("bitwise_or", np.bitwise_or),
            ("bitwise_xor", np.bitwise_xor),
        ]
    ],
    *[
        Entry(name, function, [S(ints(5, low=-9, high=99), ints(5, high=4)), S(ints(5, high=9), 2)],
              differentiable=False)
        for name, function in [
            ("bitwise_left_shift", np.left_shift), ("bitwise_right_shift", np.right_shift)]
    ],
    Entry("bitwise_not", np.invert, [S(ints(5, low=-5, high=9)), S(bools(3)),
        S(ints())], differentiable=False),
    unary("logical_not", np.logical_not, differentiable=False, integers=True, samples=[S(bools(4)),
        S(ints(4))]),
    unary("isnan", np.isnan, differentiable=False, integers=True, samples=[S(np.array([1.0, np.nan,
        np.inf]))]),
    unary("isinf", np.isinf, differentiable=False, integers=True, samples=[S(np.array([1.0, np.nan,
        np.inf]))]),
    unary("isfinite", np.isfinite, differentiable=False, integers=True,
          samples=[S(np.array([1.0, np.nan, np.inf]))]),
    Entry("isclose", lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: np.isclose(a, b, rtol, atol,
        equal_nan), [
        S(real(2, 3), SAME), S(real(3), real(3), atol=1.0), S(real(3), real(3), rtol=0.5),
        S(np.array([1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.inf])),
        S(np.array([1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.inf]), equal_nan=True)],
        differentiable=False),
    Entry("allclose", lambda a, b, **more: np.allclose(a, b, **more), [
        S(real(3), SAME), S(real(3), real(3)), S(real(3), real(3), atol=9.0)], differentiable=False),
    Entry("equal", np.array_equal, [S(real(3), SAME), S(real(3), real(3)), S(real(3), real(2)),
        S(ints(0), ints(0))],
          differentiable=False),
]  # fmt: skip

SELECTION = [
    Entry("where", lambda c, a=None, b=None: np.nonzero(c) if a is None else np.where(c, a, b), [
        S(bools(2, 3), real(2, 3), real(3)), S(bools(3), real(2, 1), real()), S(bools(4), real(4), 0.5),
        S(bools(4), 1.5, real(4)), S(bools(0), real(0), real(1)), S(bools(2, 3)),
        S(bools(), real(2), real(2))]),
    Entry("masked_fill", lambda x, m, v: np.where(m, v, x), [
        S(real(2, 3), bools(2, 3), 5), S(real(2, 3), bools(3), -7), S(real(2, 3), bools(2, 1), real())],
        integers=True),
    binary("maximum", np.maximum, scalars=(), same=False, integers=True),
    binary("minimum", np.minimum, scalars=(), same=False, integers=True),
    Entry("clamp", reference_clamp, [
        S(real(2, 3), -0.7, 0.9), S(real(5), min=0.3), S(real(5), max=0.3),
        S(real(2, 3), real(3), real(2, 1)),
        S(real(4), max=real(4)), S(real(0), 0, 1), S(real(), 0, 1)], integers=True),
]  # fmt: skip

ACTIVATIONS = [
    unary("relu", lambda x: np.maximum(x, 0), integers=True),
    unary("leaky_relu", lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
          samples=[S(real(4), 0.3)]),
    Entry("prelu", reference_prelu, [S(real(2, 3), positive(1)), S(real(2, 3, 2), real(3)),
        S(real(4), positive(1))]),
    unary("relu6", lambda x: np.clip(x, 0, 6), lambda *shape: real(*shape, low=-8, high=11)),
    unary("hardtanh", lambda x, low=-1.0, high=1.0: np.clip(x, low, high), samples=[S(real(6), -0.4, 0.6)]),
    unary("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, wide, parity_tolerance=1e-7),
    unary("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, wide, parity_tolerance=1e-7),
    unary("elu", reference_elu, samples=[S(real(6), 0.7)]),
    unary("selu", lambda x: 1.0507009873554805 * reference_elu(x, 1.6732632423543772)),
    unary("gelu", reference_gelu, samples=[S(real(6), approximate="tanh")]),
    unary("silu", lambda x: x * scipy.special.expit(x), wide),
    unary("softplus", reference_softplus, wide, samples=[S(wide(6), 2.0), S(wide(6), 2.0, 3.0)]),
    unary("logsigmoid", scipy.special.log_expit, wide),
    unary("mish", lambda x: x * np.tanh(reference_softplus(x)), wide),
    unary("softsign", lambda x: x / (1 + np.abs(x))),
    unary("tanhshrink", lambda x: x - np.tanh(x)),
    Entry("threshold", lambda x, t, v: np.where(x > t, x, v), [S(real(2, 3), 0.3, -7.0),
        S(real(0), 0.0, 1.0)]),
]  # fmt: skip

ENTRIES = [*ARITHMETIC, *UNARY, *COMPARISONS, *SELECTION, *ACTIVATIONS]
