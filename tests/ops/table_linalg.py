"""The table of operations: linear algebra, the names of ``torch.linalg`` and those of ``torch``.

A vector of a decomposition may have another sign, so its absolute value is compared. Matrices that must be symmetric or
positive definite are made of any numbers within the call.
"""

from __future__ import annotations

import functools

import numpy as np
import scipy.linalg

import tinygrad_edu
from tests.ops.samples import Entry, S, real

NUMPY = np.linalg


def linalg(name, reference, samples, make=None, **options):
    """Return the row of a name of ``torch.linalg``; ``make`` writes the call for a library, ours or PyTorch."""
    make = make or (lambda library: getattr(library.linalg, name))
    return Entry(f"linalg.{name}", reference, samples, call=make(tinygrad_edu), torch_call=make, **options)


def older(name, reference, samples, make=None, **options):
    """Return the row of a name of ``torch``."""
    if make is None:
        return Entry(name, reference, samples, torch_call=lambda torch: getattr(torch, name), **options)
    return Entry(name, reference, samples, call=make(tinygrad_edu), torch_call=make, **options)


def fixed(*shape):
    """Return numbers without a gradient."""
    return real(*shape, grad=False)


def absolute(values):
    return tuple(abs(x) for x in values)


def gram(x):
    """Return a positive definite matrix."""
    return x @ x.mT


def reflections(a, tau, columns=None):
    """Return the product of Householder's reflections, the first columns of it."""
    m, k = a.shape[0], tau.shape[0]
    vectors = np.tril(a[:, :k], -1) + np.eye(m, k)
    parts = [np.eye(m) - tau[i] * np.outer(vectors[:, i], vectors[:, i]) for i in range(k)]
    return functools.reduce(np.matmul, parts, np.eye(m))[:, :columns]


def triangular(a, b, upper, left=True, unitriangular=False):
    t = np.triu(a, 1) if upper else np.tril(a, -1)
    t = t + (np.eye(a.shape[-1]) if unitriangular else a * np.eye(a.shape[-1]))
    return NUMPY.solve(t, b) if left else NUMPY.solve(t.mT, b.mT).mT


def matrix_norm(x, ord="fro", dim=(-2, -1), keepdim=False):
    return NUMPY.norm(x, ord, axis=dim, keepdims=keepdim)


def vector_norm(x, ord=2, dim=None, keepdim=False):
    return NUMPY.vector_norm(x, ord=ord, axis=dim, keepdims=keepdim)


def lu_factor(x):
    packed, pivots = scipy.linalg.lu_factor(x)
    return packed, (pivots + 1).astype(np.int32)


def info(x):
    return np.zeros(x.shape[:-2], np.int32)


SQUARE = [S(real(3, 3)), S(real(2, 3, 3)), S(real(1, 1))]
ANY = [S(real(3, 3)), S(real(4, 2)), S(real(2, 2, 3))]
EQUATIONS = [S(real(3, 3), real(3, 2)), S(real(2, 3, 3), real(3, 2)), S(real(3, 3), real(3))]

SOLVERS = [
    linalg("inv", NUMPY.inv, SQUARE),
    linalg("inv_ex", lambda x: (NUMPY.inv(x), info(x)), SQUARE),
    linalg("solve", NUMPY.solve, EQUATIONS),
    linalg("solve_ex", lambda a, b: (NUMPY.solve(a, b), info(a)), EQUATIONS),
    linalg("solve_triangular", triangular, [
        S(real(3, 3), real(3, 2), upper=True), S(real(2, 3, 3), real(3, 2), upper=False, unitriangular=True),
        S(real(3, 3), real(2, 3), upper=False, left=False)]),
    linalg("tensorinv", NUMPY.tensorinv, [S(real(2, 3, 6)), S(real(4, 2, 2), 1)]),
    linalg("tensorsolve", NUMPY.tensorsolve, [S(real(2, 3, 6), real(2, 3)), S(real(2, 2, 4), real(2, 2))]),
    linalg("lu_solve", NUMPY.solve, EQUATIONS[:2], lambda library: lambda a, b: library.linalg.lu_solve(
        *library.linalg.lu_factor(a), b)),
    linalg("ldl_solve", lambda a, b: NUMPY.solve(a + a.mT, b), [S(fixed(3, 3), fixed(3, 2))],
           lambda library: lambda a, b: library.linalg.ldl_solve(*library.linalg.ldl_factor(a + a.mT), b),
           differentiable=False),
    linalg("lstsq", lambda a, b: NUMPY.pinv(a) @ b, [S(real(4, 2), real(4, 3)), S(real(2, 3), real(2, 1))],
           lambda library: lambda a, b: library.linalg.lstsq(a, b).solution),
    linalg("pinv", NUMPY.pinv, ANY),
]  # fmt: skip

DECOMPOSITIONS = [
    linalg("cholesky", lambda x, upper=False: NUMPY.cholesky(gram(x), upper=upper), [
        S(real(3, 4)), S(real(2, 3, 4), upper=True)],
        lambda library: lambda x, upper=False: library.linalg.cholesky(gram(x), upper=upper)),
    linalg("cholesky_ex", lambda x: (NUMPY.cholesky(gram(x)), info(x)), [S(real(3, 4))],
           lambda library: lambda x: library.linalg.cholesky_ex(gram(x))),
    linalg("eigh", lambda x: absolute(NUMPY.eigh(gram(x))), [S(real(3, 4)), S(real(2, 2, 3))],
           lambda library: lambda x: absolute(library.linalg.eigh(gram(x)))),
    linalg("eigvalsh", lambda x: NUMPY.eigvalsh(x + x.mT), SQUARE,
           lambda library: lambda x: library.linalg.eigvalsh(x + x.mT)),
    linalg("eig", lambda x: absolute(NUMPY.eig(x)), SQUARE[:2],
           lambda library: lambda x: absolute(library.linalg.eig(x))),
    linalg("eigvals", lambda x: abs(NUMPY.eigvals(x)), SQUARE,
           lambda library: lambda x: abs(library.linalg.eigvals(x))),
    linalg("svd", lambda x: absolute(NUMPY.svd(x, False)), ANY,
           lambda library: lambda x: absolute(library.linalg.svd(x, False))),
    linalg("svdvals", lambda x: NUMPY.svd(x, compute_uv=False), ANY),
    linalg("qr", NUMPY.qr, [*ANY, S(real(2, 3), "complete")]),
    linalg("householder_product", lambda a, tau: reflections(a, tau, a.shape[1]), [
        S(real(4, 3), real(3)), S(real(3, 3), real(2))]),
    linalg("lu", scipy.linalg.lu, ANY),
    linalg("lu_factor", lu_factor, ANY[:2]),
    linalg("lu_factor_ex", lambda x: (*lu_factor(x), info(x)), ANY[:2]),
    linalg("ldl_factor", None, [S(fixed(3, 3)), S(fixed(2, 2, 2))], differentiable=False),
    linalg("ldl_factor_ex", None, [S(fixed(3, 3)), S(fixed(2, 2, 2))], differentiable=False),
]  # fmt: skip

NUMBERS = [
    linalg("det", NUMPY.det, SQUARE),
    linalg("slogdet", NUMPY.slogdet, SQUARE),
    linalg("cond", NUMPY.cond, [S(real(3, 3)), S(real(2, 3, 3), 1), S(real(4, 2), -2), S(real(3, 3), "fro")],
        torch_gradient=False),  # PyTorch writes over what its derivative needs
    linalg("matrix_rank", NUMPY.matrix_rank, [S(fixed(3, 3)), S(fixed(2, 2, 3))], differentiable=False),
    linalg("matrix_norm", matrix_norm, [
        S(real(3, 2)), S(real(2, 3, 2), "nuc"), S(real(2, 3, 2), 2, (0, 1), True), S(real(3, 2), -2), S(real(3, 2), 1),
        S(real(3, 2), float("inf"))]),
    linalg("vector_norm", vector_norm, [S(real(3, 2)), S(real(3, 2), 3, 1), S(real(3, 2), float("inf"), 0, True)]),
    linalg("norm", lambda x, ord=None, dim=None: NUMPY.norm(x, ord, dim), [
        S(real(2, 3, 2)), S(real(3, 2), 2), S(real(3), 1), S(real(2, 3), "nuc"), S(real(2, 3), None, 1)]),
]  # fmt: skip

FUNCTIONS = [
    linalg("matmul", np.matmul, [S(real(2, 3), real(3, 2)), S(real(2, 2, 3), real(3))]),
    linalg("matrix_power", NUMPY.matrix_power, [
        S(real(3, 3), 3), S(real(2, 2, 2), -2), S(real(2, 2), 1)]),
    linalg("matrix_exp", scipy.linalg.expm, SQUARE),
    linalg("multi_dot", lambda *xs: NUMPY.multi_dot(xs), [
        S(real(2, 3), real(3, 2)), S(real(3), real(3, 4), real(4, 1)), S(real(2, 3), real(3, 2), real(2))],
        lambda library: lambda *xs: library.linalg.multi_dot(xs)),
    linalg("cross", NUMPY.cross, [S(real(3), real(3)), S(real(2, 3), real(1, 3))]),
    linalg("vecdot", NUMPY.vecdot, [S(real(3), real(3)), S(real(2, 3), real(3))]),
    linalg("vander", lambda x, N=None: x[..., None] ** np.arange(N or x.shape[-1]), [S(real(3)), S(real(2, 2), N=3)]),
    linalg("diagonal", lambda x, offset=0: np.diagonal(x, offset, -2, -1), [
        S(real(2, 3, 3)), S(real(3, 2), offset=-1)]),
]  # fmt: skip

OLDER = [
    older("inverse", NUMPY.inv, SQUARE),
    older("pinverse", NUMPY.pinv, ANY),
    older("det", NUMPY.det, SQUARE),
    older("slogdet", NUMPY.slogdet, SQUARE),
    older("logdet", lambda x: NUMPY.slogdet(gram(x))[1], [S(real(3, 4)), S(real(2, 2, 3))],
          lambda library: lambda x: library.logdet(gram(x))),
    older("matrix_power", NUMPY.matrix_power, [S(real(3, 3), 3), S(real(2, 2, 2), -2)]),
    older("matrix_exp", scipy.linalg.expm, SQUARE),
    older("cholesky", lambda x: NUMPY.cholesky(gram(x)), [S(real(3, 4))],
          lambda library: lambda x: library.cholesky(gram(x))),
    older("cholesky_inverse", lambda x: NUMPY.inv(gram(np.tril(x))), [S(real(3, 3)), S(real(2, 2, 2))],
          torch_gradient=False),
    older("cholesky_solve", lambda b, x: NUMPY.solve(gram(np.tril(x)), b), [S(real(3, 2), real(3, 3))],
          torch_gradient=False),
    older("triangular_solve", lambda b, a, upper=True, transpose=False: (
        triangular(a.T, b, not upper) if transpose else triangular(a, b, upper), a), [
        S(real(3, 2), real(3, 3)), S(real(3, 2), real(3, 3), False, True)]),
    older("qr", NUMPY.qr, ANY),
    older("svd", lambda x: (*absolute(NUMPY.svd(x, False))[:2], abs(NUMPY.svd(x, False)[2]).mT), ANY,
          lambda library: lambda x: absolute(library.svd(x))),
    older("lu", lambda x, pivot=True: lu_factor(x), ANY[:2]),
    older("lu_unpack", lambda x: (np.eye(3), np.tril(x, -1) + np.eye(3), np.triu(x)), [S(real(3, 3))],
          lambda library: lambda x: library.lu_unpack(x, library.tensor([1, 2, 3], dtype=library.int32))),
    older("lu_solve", lambda b, a: NUMPY.solve(a, b), [S(real(3, 2), real(3, 3))],
          lambda library: lambda b, a: library.lu_solve(b, *library.linalg.lu_factor(a))),
    older("geqrf", lambda x: (NUMPY.qr(x, "raw")[0].mT, NUMPY.qr(x, "raw")[1]), [
        S(fixed(4, 3)), S(fixed(2, 3))], differentiable=False),
    older("orgqr", lambda a, tau: reflections(a, tau, a.shape[1]), [S(real(4, 3), real(3))]),
    older("ormqr", lambda a, tau, x, left=True, transpose=False: (
        (reflections(a, tau).T if transpose else reflections(a, tau)) @ x), [
        S(real(4, 3), real(3), real(4, 2)), S(real(4, 3), real(3), real(4, 2), transpose=True)]),
]  # fmt: skip

# Of half precision there are norms, products and powers; LAPACK does not have it, and PyTorch neither.
WITH_HALF = {
    "linalg.cross", "linalg.diagonal", "linalg.matmul", "linalg.matrix_exp", "linalg.multi_dot", "linalg.vander",
    "linalg.matrix_norm", "linalg.matrix_power", "linalg.norm", "linalg.vecdot", "linalg.vector_norm", "matrix_exp",
    "matrix_power",
}  # fmt: skip

ENTRIES = [*SOLVERS, *DECOMPOSITIONS, *NUMBERS, *FUNCTIONS, *OLDER]
WITHOUT_HALF = {entry.name for entry in ENTRIES} - WITH_HALF | {
    sample.label
    for entry in ENTRIES
    if entry.name.endswith(("norm", "power"))
    for sample in entry.samples
    if sample.args[1:2] in [("nuc",), (2,), (-2,)]  # which need singular values, or the inverse
}
