"""The table of operations: by order, running along a dimension, bins, distances and covariance."""

from __future__ import annotations

import numpy as np
import scipy.stats

from tests.ops.samples import Entry, S, ints, positive, real

NANS = np.array([[1.0, np.nan, -2.0], [np.nan, np.nan, 0.5]])


def picked(x, order, place, dim, keepdim):
    index = np.take_along_axis(order, np.expand_dims(place, dim), dim)
    values = np.take_along_axis(x, index, dim)
    return (values, index) if keepdim else (values.squeeze(dim), index.squeeze(dim))


def median(x, dim=None, keepdim=False):
    if dim is None:
        return np.sort(x.reshape(-1))[(x.size - 1) // 2]
    order = np.argsort(x, dim)
    return picked(x, order, np.full(np.delete(x.shape, dim), (x.shape[dim] - 1) // 2), dim, keepdim)


def kthvalue(x, k, dim=-1, keepdim=False):
    return picked(x, np.argsort(x, dim), np.full(np.delete(x.shape, dim), k - 1), dim, keepdim)


def mode(x, dim=-1, keepdim=False):
    values = scipy.stats.mode(x, dim, keepdims=True).mode
    n = x.shape[dim]
    index = n - 1 - np.argmax(np.flip(x == values, dim), dim, keepdims=True)
    return (values, index) if keepdim else (values.squeeze(dim), index.squeeze(dim))


def quantile(function):
    def find(x, q, dim=None, keepdim=False, interpolation="linear"):
        return function(x, q, axis=dim, keepdims=keepdim, method=interpolation)

    return find


def running(best):
    def find(x, dim):
        values = best.accumulate(x, dim)
        places = np.arange(x.shape[dim]).reshape(-1, *[1] * (x.ndim - 1 - dim % x.ndim))
        return values, np.maximum.accumulate(np.where(x == values, places, 0), dim)

    return find


def cumulative_trapezoid(y, x=None, dx=1.0, dim=-1):
    upper, lower = np.moveaxis(y, dim, -1)[..., 1:], np.moveaxis(y, dim, -1)[..., :-1]
    widths = dx if x is None else np.diff(x if x.ndim == 1 else np.moveaxis(x, dim, -1))
    return np.moveaxis(np.cumsum((upper + lower) / 2 * widths, -1), -1, dim)


def searchsorted(borders, x, right=False, out_int32=False):
    side = "right" if right else "left"
    if borders.ndim == 1:
        found = np.searchsorted(borders, x, side)
    else:
        found = np.stack([np.searchsorted(b, v, side) for b, v in zip(borders, x, strict=True)])
    return found.astype(np.int32 if out_int32 else np.int64)


def histc(x, bins=100, min=0, max=0):
    return np.histogram(x, bins, None if min == max else (min, max))[0].astype(x.dtype)


def distances(a, b, p=2.0):
    return np.linalg.norm(a[..., :, None, :] - b[..., None, :, :], p, -1)


def renorm(x, p, dim, maxnorm):
    norms = (np.abs(x) ** p).sum(tuple(d for d in range(x.ndim) if d != dim), keepdims=True) ** (1 / p)
    return x * np.where(norms > maxnorm, maxnorm / (norms + 1e-7), 1)


BY_ORDER = [
    Entry("median", median, [S(real(5)), S(real(2, 4)), S(real(2, 4), 1), S(real(3, 2, 2), 0, True)], integers=True),
    Entry("nanmedian", lambda x, dim=None: np.nanmedian(x) if dim is None else median(x, dim), [
        S(real(5)), S(real(2, 3), 1), S(NANS)]),
    Entry("kthvalue", kthvalue, [S(real(5), 2), S(real(2, 4), 3, 1), S(real(4, 2), 1, 0, True)]),
    Entry("mode", mode, [S(ints(2, 8)), S(ints(8, 2), 0, True)], differentiable=False, integers=True),
    Entry("msort", lambda x: np.sort(x, 0), [S(real(4, 2)), S(real(5))], integers=True),
    Entry("aminmax", lambda x, dim=None, keepdim=False: (
        np.min(x, axis=dim, keepdims=keepdim), np.max(x, axis=dim, keepdims=keepdim)), [
        S(real(2, 3)), S(real(2, 3), dim=1), S(real(2, 3), dim=0, keepdim=True)], integers=True),
    Entry("quantile", quantile(np.quantile), [
        S(real(7), 0.3), S(real(2, 5), 0.9, 1), S(real(2, 5), np.array([0.1, 0.5]), 1, True),
        *[S(real(2, 6), 0.33, 1, interpolation=kind) for kind in ("lower", "higher", "midpoint", "nearest")]]),
    Entry("nanquantile", quantile(np.nanquantile), [
        S(real(7), 0.3), S(NANS, 0.25, 1), S(NANS, np.array([0.1, 0.7]), 1, True), S(NANS, 0.6)]),
]  # fmt: skip

RUNNING = [
    Entry("cummax", running(np.maximum), [S(real(2, 4), 1), S(real(4, 2, 2), 0), S(real(0, 2), 0)], integers=True),
    Entry("cummin", running(np.minimum), [S(real(2, 4), 1), S(real(4, 2, 2), 0), S(real(5), -1)], integers=True),
    Entry("logcumsumexp", lambda x, dim: np.logaddexp.accumulate(x, dim), [
        S(real(2, 4), 1), S(real(3, 2, 2), 0), S(real(5), -1), S(real(0, 2), 0)]),
    Entry("diff", lambda x, n=1, dim=-1, prepend=None, append=None: np.diff(
        np.concatenate([a for a in (prepend, x, append) if a is not None], dim), n, dim), [
        S(real(2, 4)), S(real(4, 2), 2, 0), S(real(2, 2), 1, 1, real(2, 1), real(2, 2)), S(real(3), 5)], integers=True),
    Entry("trapezoid", lambda y, x=None, dx=1.0, dim=-1: np.trapezoid(y, x, dx, dim), [
        S(real(4)), S(real(2, 4), real(4)), S(real(4, 2), dx=0.5, dim=0), S(real(2, 3), real(2, 3)), S(real(1))]),
    Entry("cumulative_trapezoid", cumulative_trapezoid, [
        S(real(4)), S(real(2, 4), real(4)), S(real(4, 2), dx=0.5, dim=0), S(real(2, 3), real(2, 3))]),
    Entry("nansum", lambda x, dim=None, keepdim=False: np.nansum(x, axis=dim, keepdims=keepdim), [
        S(real(2, 3)), S(real(2, 3), 1), S(NANS, 0, True), S(NANS)], integers=True),
    Entry("nanmean", lambda x, dim=None, keepdim=False: np.nanmean(x, axis=dim, keepdims=keepdim), [
        S(real(2, 3)), S(real(2, 3), 1), S(NANS, 1, True), S(NANS)]),
]  # fmt: skip

BORDERS = np.array([-1.0, 0.0, 1.5])

BINS = [
    Entry("searchsorted", searchsorted, [
        S(BORDERS, real(2, 3)), S(np.array([0, 1, 1, 2]), ints(5), right=True), S(BORDERS, real(2), out_int32=True),
        S(np.array([[0.0, 1.0], [-1.0, 3.0]]), real(2, 3))], differentiable=False),
    Entry("bucketize", lambda x, borders, **more: searchsorted(borders, x, **more), [
        S(real(2, 3), BORDERS), S(ints(5), np.array([0, 1, 1, 2]), right=True)], differentiable=False),
    Entry("histc", histc, [S(real(20), 5, -2, 2), S(real(2, 10), bins=4), S(real(9), 3, 0, 1)], differentiable=False),
]  # fmt: skip

DISTANCES = [
    Entry("dist", lambda a, b, p=2: np.linalg.norm((a - b).reshape(-1), p), [
        S(real(2, 3), real(2, 3)), S(real(4), real(4), 1), S(real(2, 3), real(3), 3)]),
    Entry("cdist", distances, [
        S(real(2, 3), real(4, 3)), S(real(2, 2, 3), real(2, 1, 3), 1.0), S(real(2, 3), real(2, 3), p=3.0),
        S(real(2, 3), real(2, 3), p=float("inf"))]),
    Entry("pdist", lambda x, p=2.0: distances(x, x, p)[np.triu_indices(len(x), 1)], [
        S(real(4, 3)), S(real(3, 2), 1.0), S(real(3, 4), p=3.0), S(real(2, 2))]),
    Entry("renorm", renorm, [S(real(2, 3), 2, 0, 1.0), S(real(2, 3, 2), 1, 1, 3.5), S(real(2, 2), 2, 0, 100.0)]),
    Entry("cov", lambda x, correction=1, fweights=None, aweights=None: np.cov(
        x, ddof=correction, fweights=fweights, aweights=aweights), [
        S(real(3, 5)), S(real(6)), S(real(2, 4), correction=0), S(real(2, 3), fweights=np.array([1, 2, 3])),
        S(real(2, 3), aweights=positive(3))]),
    Entry("corrcoef", np.corrcoef, [S(real(3, 5)), S(real(2, 4))]),
]  # fmt: skip

ENTRIES = [*BY_ORDER, *RUNNING, *BINS, *DISTANCES]
