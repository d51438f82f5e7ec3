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

SP = scipy.special


def mvlgamma(x, p):
    return sum(SP.gammaln(x - i / 2) for i in range(p)) + p * (p - 1) / 4 * np.log(np.pi)


def fixed(*shape):
    """Without a gradient, for PyTorch has none."""
    return positive(*shape, grad=False)


GAMMA = [
    Entry("polygamma", SP.polygamma, [S(n, positive(2, 3)) for n in range(4)] + [S(1, real(2, 3))],
          parity_tolerance=2e-9),  # PyTorch cuts a series of 1 / x off
    Entry("mvlgamma", mvlgamma, [S(real(2, 3, low=2.2, high=5.0), p) for p in (1, 2, 4)]),
    binary("igamma", SP.gammainc, fixed, positive, scalars=(), same=False),
    binary("igammac", SP.gammaincc, fixed, positive, scalars=(), same=False),
    Entry("zeta", SP.zeta, [
        S(real(2, 3, low=1.2, high=4.0, grad=False), positive(3)), S(2.5, positive(3)), S(fixed(3), 2.0)]),
]  # fmt: skip

NORMAL = [
    unary("erfcx", SP.erfcx),
    unary("ndtr", SP.ndtr),
    unary("ndtri", SP.ndtri, unit),
    unary("log_ndtr", SP.log_ndtr),
    unary("entr", SP.entr, positive, samples=[S(np.array([0.0, -1.0, np.nan]))]),
    binary("xlog1py", SP.xlog1py, real, positive, same=False, samples=[
        S(np.array([0.0, 0.0, 2.0]), np.array([-1.0, np.nan, -1.0])), S(2.0, positive(3))]),
]  # fmt: skip

BESSEL = [
    unary("i0", SP.i0),
    unary("i1", SP.i1, samples=[S(np.zeros(2))]),
    unary("i0e", SP.i0e),
    unary("i1e", SP.i1e, samples=[S(np.zeros(2))]),
    *[
        unary(f"{prefix}{kind}{order}", getattr(SP, f"{letter}{order}{end}"), positive, differentiable=False)
        for prefix, kind, letter, end in [
            ("bessel_", "j", "j", ""), ("bessel_", "y", "y", ""), ("modified_bessel_", "i", "i", ""),
            ("modified_bessel_", "k", "k", ""), ("scaled_modified_bessel_", "k", "k", "e")]
        for order in (0, 1)
    ],
    unary("spherical_bessel_j0", functools.partial(SP.spherical_jn, 0), positive, differentiable=False, samples=[
        S(np.array([0.0, np.inf]))]),
    unary("airy_ai", lambda x: SP.airy(x)[0], differentiable=False),
]  # fmt: skip


def third_kind(n, x):
    """Chebyshev's polynomials of the third kind are Jacobi's, divided by what these are at 1 (DLMF 18.7.5)."""
    return SP.eval_jacobi(n, -0.5, 0.5, x) / SP.eval_jacobi(n, -0.5, 0.5, 1.0)


def fourth_kind(n, x):
    """As for the third kind; at 1 they are 2 n + 1 (DLMF 18.7.6)."""
    return SP.eval_jacobi(n, 0.5, -0.5, x) / SP.eval_jacobi(n, 0.5, -0.5, 1.0) * (2 * n + 1)


def of_degree(name, evaluate, shifted=False):
    def reference(x, n):
        return np.where(n < 0, 0, evaluate(np.trunc(np.abs(n)).astype(int), 2 * x - 1 if shifted else x))

    calls = [
        S(real(2, 3), ints(3, low=-1, high=6)),
        S(real(3), 4),
        S(0.25, real(4, high=6.0)),
        S(real(0), real(0)),
    ]
    return Entry(name, reference, calls, differentiable=False, float32_tolerance=1e-4)


CHEBYSHEV = {"t": SP.eval_chebyt, "u": SP.eval_chebyu, "v": third_kind, "w": fourth_kind}
POLYNOMIALS = [
    *[of_degree(f"chebyshev_polynomial_{kind}", evaluate) for kind, evaluate in CHEBYSHEV.items()],
    *[
        of_degree(f"shifted_chebyshev_polynomial_{kind}", evaluate, True)
        for kind, evaluate in CHEBYSHEV.items()
    ],
    of_degree("hermite_polynomial_h", SP.eval_hermite),
    of_degree("hermite_polynomial_he", SP.eval_hermitenorm),
    of_degree("laguerre_polynomial_l", SP.eval_laguerre),
    of_degree("legendre_polynomial_p", SP.eval_legendre),
]

ENTRIES = [*GAMMA, *NORMAL, *BESSEL, *POLYNOMIALS, *SPECIAL, *SIGNS, *PRODUCTS]
