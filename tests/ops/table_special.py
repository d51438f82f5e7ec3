"""The table of operations: special elementwise functions, signs, and products beside that of matrices."""

from __future__ import annotations

import functools

import numpy as np
import scipy.special

from tests.ops.samples import Entry, S, ints, positive, real, unit
from tests.ops.table_elementwise import binary, unary

SPECIAL_VALUES = np.array([0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan])


def small(*shape):
    return real(*shape, low=-0.9, high=0.9)


def logit(x, eps=None):
    return scipy.special.logit(x if eps is None else np.clip(x, eps, 1 - eps))


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def weighted(product):
    return lambda x, a, b, beta=1, alpha=1: beta * x + alpha * product(a, b)


SPECIAL = [
    binary("logaddexp", np.logaddexp, scalars=()),
    binary("logaddexp2", np.logaddexp2, scalars=()),
    binary("hypot", np.hypot, scalars=()),
    binary("fmax", np.fmax, scalars=(), same=False, integers=True, samples=[S(SPECIAL_VALUES, np.ones(7))]),
    binary("fmin", np.fmin, scalars=(), same=False, integers=True, samples=[S(SPECIAL_VALUES, np.ones(7))]),
    binary("copysign", np.copysign, same=False),
    binary("xlogy", scipy.special.xlogy, real, positive, same=False, samples=[
        S(np.array([0.0, 0.0, 2.0]), np.array([0.0, np.nan, 0.0]))]),
    unary("logit", logit, unit, samples=[S(real(5), 0.1)]),
    unary("sinc", np.sinc, samples=[S(SPECIAL_VALUES[:2])]),
    unary("deg2rad", np.deg2rad),
    unary("rad2deg", np.rad2deg),
    Entry("nan_to_num", nan_to_num, [S(real(2, 3)), S(SPECIAL_VALUES, 7.0, 8.0, 9.0), S(SPECIAL_VALUES, posinf=1.0,
        neginf=2.0)], integers=True),
    Entry("float_power", lambda a, b: np.float_power(a, b), [
        S(positive(2, 3), real(3)), S(positive(3), 2), S(ints(4), 3)], parity_tolerance=1e-6),
    unary("lgamma", scipy.special.gammaln, positive),
    unary("digamma", scipy.special.digamma, positive),
    unary("erfinv", scipy.special.erfinv, small),
]  # fmt: skip

SIGNS = [
    unary("sgn", np.sign, integers=True),
    unary("signbit", np.signbit, differentiable=False, samples=[S(SPECIAL_VALUES)]),
    unary("isposinf", np.isposinf, differentiable=False, integers=True, samples=[S(SPECIAL_VALUES)]),
    unary("isneginf", np.isneginf, differentiable=False, integers=True, samples=[S(SPECIAL_VALUES)]),
    unary("isreal", np.isreal, differentiable=False, integers=True),
    unary("angle", np.angle, integers=True),
    Entry("complex", lambda x, y: x + 1j * y, [S(real(2, 3), real(2, 3)), S(real(3), real(2, 1)), S(real(), real(2))]),
    Entry("polar", lambda r, phi: r * np.exp(1j * phi), [S(positive(2, 3), real(2, 3)), S(positive(3), real(2, 1))]),
    Entry("heaviside", np.heaviside, [
        S(real(2, 3, grad=False), real(3, grad=False)), S(np.array([0.0, -1.0, 2.0]), real(3, grad=False))],
        differentiable=False),
]  # fmt: skip

PRODUCTS = [
    Entry("kron", np.kron, [S(real(2, 3), real(2, 2)), S(real(2), real(3)), S(real(2, 2), real(2)), S(real(), real(2))],
          integers=True),
    Entry("tensordot", np.tensordot, [
        S(real(2, 3, 4), real(3, 4, 2)), S(real(2, 3), real(3, 2), 1), S(real(2), real(3), 0),
        S(real(2, 3, 4), real(4, 3), ([1, 2], [1, 0]))]),
    Entry("inner", np.inner, [S(real(3), real(3)), S(real(2, 3), real(4, 3)), S(real(), real(2))]),
    Entry("vdot", np.vdot, [S(real(3), real(3)), S(real(0), real(0))]),
    Entry("cross", lambda a, b, dim=-1: np.cross(a, b, axis=dim), [
        S(real(3), real(3), 0), S(real(2, 3), real(2, 3), 1), S(real(3, 2), real(3, 1), dim=0)], integers=True),
    Entry("trace", np.trace, [S(real(3, 3)), S(real(2, 4)), S(real(0, 2))], integers=True),
    Entry("vander", lambda x, N=None, increasing=False: np.vander(x, N, increasing), [
        S(real(3)), S(real(3), 2), S(real(2), 4, True), S(real(2), 1)], integers=True,
        torch_gradient=False),  # PyTorch writes over what its derivative needs
    Entry("chain_matmul", lambda *xs: functools.reduce(np.matmul, xs), [
        S(real(2, 3), real(3, 2)), S(real(2, 3), real(3, 4), real(4, 1)), S(real(3, 1), real(1, 3), real(3, 2),
            real(2, 2))], torch_call=lambda torch: lambda *xs: torch.linalg.multi_dot(xs)),
    Entry("addmv", weighted(np.matmul), [
        S(real(2), real(2, 3), real(3)), S(real(2), real(2, 3), real(3), beta=0.5, alpha=2.0)]),
    Entry("addr", weighted(np.outer), [
        S(real(2, 3), real(2), real(3)), S(real(3), real(2), real(3), beta=0.5, alpha=2.0)]),
    Entry("addbmm", weighted(lambda a, b: (a @ b).sum(0)), [
        S(real(2, 4), real(3, 2, 2), real(3, 2, 4)), S(real(4), real(3, 2, 2), real(3, 2, 4), beta=0.5, alpha=2.0)]),
]  # fmt: skip

ENTRIES = [*SPECIAL, *SIGNS, *PRODUCTS]
