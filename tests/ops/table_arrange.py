"""The table of operations: turned, cut and put together from parts."""

from __future__ import annotations

import itertools

import numpy as np
import scipy.linalg

from tests.ops.samples import Entry, S, ints, real


def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    size = x.shape[-1] + abs(offset)
    y = np.zeros((*x.shape[:-1], size, size))
    for i in range(x.shape[-1]):
        y[..., i + max(-offset, 0), i + max(offset, 0)] = x[..., i]
    return np.moveaxis(y, (-2, -1), (dim1, dim2))


def combinations(x, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(x, r)))


def parts(function):
    return lambda x, *args, **options: tuple(function(x, *args, **options))


def at_least(function):
    return lambda *xs: function(*(xs[0] if isinstance(xs[0], list) else xs))


def unique_consecutive(x, return_inverse=False, return_counts=False):
    groups = [(value, len(list(group))) for value, group in itertools.groupby(x.reshape(-1).tolist())]
    counts = np.array([n for _, n in groups], np.int64)
    inverse = np.repeat(np.arange(len(groups)), counts).reshape(x.shape)
    results = [np.array([value for value, _ in groups], x.dtype)]
    return tuple(results + [inverse] * return_inverse + [counts] * return_counts)


TURNED = [
    Entry("roll", np.roll, [
        S(real(2, 3), 1), S(real(2, 3), -2, 1), S(real(2, 3, 2), (1, 2), (0, 2)), S(real(0, 3), 1, 0), S(real(), 1)],
        integers=True),
    Entry("rot90", lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims), [
        S(real(2, 3)), S(real(2, 3), 2), S(real(2, 3, 4), 3, (1, 2)), S(real(2, 2), -4), S(real(2, 3), -1, (1, 0))],
        integers=True),
    Entry("fliplr", np.fliplr, [S(real(2, 3)), S(real(2, 0, 2))], integers=True),
    Entry("flipud", np.flipud, [S(real(2, 3)), S(real(3))], integers=True),
]  # fmt: skip

BLOCKS = [
    Entry("diag_embed", diag_embed, [
        S(real(3)), S(real(2, 3), 1), S(real(2, 3), -2, 0, 2), S(real(2, 0)), S(real(2, 2), 0, 1, 0)], integers=True),
    Entry("diagflat", np.diagflat, [S(real(2, 2)), S(real(3), -1), S(real())], integers=True),
    Entry("block_diag", lambda *xs: scipy.linalg.block_diag(*xs), [
        S(real(2, 2), real(1, 3)), S(real(3), real(2, 1), real()), S(real(2, 2))], integers=True),
    Entry("cartesian_prod", lambda *xs: np.stack([g.reshape(-1) for g in np.meshgrid(*xs, indexing="ij")], 1)
        if len(xs) > 1 else xs[0], [
        S(real(2), real(3)), S(real(2), real(1), real(2)), S(real(3)), S(real(2), real(0))], integers=True),
    Entry("combinations", combinations, [
        S(real(4)), S(real(3), 3), S(real(3), 2, True), S(real(4), r=1)], integers=True),
]  # fmt: skip

PIECES = [
    Entry("tensor_split", parts(lambda x, n, dim=0: np.array_split(x, n, dim)), [
        S(real(5, 2), 2), S(real(2, 5), 3, 1), S(real(5), (1, 3)), S(real(4), [2, 2, 9], dim=0)],
        integers=True),
    Entry("hsplit", parts(np.hsplit), [S(real(2, 4), 2), S(real(4), (1, 3))], integers=True),
    Entry("vsplit", parts(np.vsplit), [S(real(4, 2), 2), S(real(4, 1), [1, 3])], integers=True),
    Entry("dsplit", parts(np.dsplit), [S(real(2, 1, 4), 2), S(real(2, 1, 4), (1, 3))], integers=True),
    Entry("atleast_1d", at_least(np.atleast_1d), [S(real()), S(real(2), real()), S([real(), real(2, 2)])]),
    Entry("atleast_2d", at_least(np.atleast_2d), [S(real()), S(real(2), real()), S([real(3), real(2, 2)])]),
    Entry("atleast_3d", at_least(np.atleast_3d), [S(real()), S(real(2), real(2, 3)), S([real(3), real(2, 2, 1)])]),
    Entry("dstack", np.dstack, [S([real(2), real(2)]), S([real(2, 3), real(2, 3, 2)]), S([real(), real()])]),
    Entry("column_stack", np.column_stack, [
        S([real(2), real(2)]), S([real(2, 2), real(2)])], integers=True),
    Entry("unique_consecutive", unique_consecutive, [
        S(ints(8)), S(ints(2, 4), return_inverse=True), S(ints(8), return_counts=True),
        S(ints(8), return_inverse=True, return_counts=True), S(ints(0))], differentiable=False),
]  # fmt: skip

ENTRIES = [*TURNED, *BLOCKS, *PIECES]
