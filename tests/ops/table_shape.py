"""The table of operations: shapes, indexing, joining, reductions, sorting."""

from __future__ import annotations

import math

import numpy as np

import tests.ops.numpy_reference as reference
from tests.ops.samples import SAME, Entry, S, bools, ints, positive, real
from tinygrad_edu import ops


def axes(dim):
    return tuple(dim) if isinstance(dim, list) else dim


def along(function, **more):
    """Return a NumPy reduction that is called as PyTorch's is."""
    return lambda x, dim=None, keepdim=False, **options: function(
        x, axis=axes(dim) if x.ndim else None, keepdims=keepdim, **more, **options
    )


def reduction_samples(make=real, several=True):
    one = [
        S(make(2, 3)), S(make(2, 3, 2), 1), S(make(2, 3), -1, True), S(make(2, 3), dim=0, keepdim=True),
        S(make()),
        S(make(), 0), S(make(1, 1), 0)]  # fmt: skip
    many = [S(make(2, 3, 2), (0, 2)), S(make(2, 3, 2), dim=(2, 0), keepdim=True), S(make(2, 2), dim=[0, 1])]
    return one + (many if several else [])


def empty_samples():
    return [S(real(0)), S(real(0, 3), 0), S(real(0, 3), 1), S(real(2, 0), 1, True)]


def var(x, dim=None, unbiased=True, keepdim=False, correction=None):
    ddof = correction if correction is not None else int(unbiased)
    return np.var(x, axis=axes(dim), ddof=ddof, keepdims=keepdim)


def std(x, *args, **options):
    return np.sqrt(var(x, *args, **options))


def with_mean(function):
    def both(x, dim=None, correction=1, keepdim=False):
        mean = np.mean(x, axis=axes(dim), keepdims=keepdim)
        return function(x, dim, correction=correction, keepdim=keepdim), mean

    return both


def extremum(values, positions):
    def find(x, dim=None, keepdim=False):
        if dim is None:
            return values(x)
        if isinstance(dim, np.ndarray):
            return {np.max: np.maximum, np.min: np.minimum}[values](x, dim)
        if x.ndim == 0:
            return x, np.array(0)
        return values(x, axis=dim, keepdims=keepdim), positions(x, axis=dim, keepdims=keepdim)

    return find


VAR_SAMPLES = [
    S(real(2, 3)), S(real(2, 3, 2), 1), S(real(2, 3), (0, 1), keepdim=True), S(real(4), 0, False),
    S(real(2, 3), 1, correction=0), S(real(4, 2), 0, True, True), S(real(2, 5), dim=1, correction=2),
]  # fmt: skip

MEAN_SAMPLES = [S(real(2, 3), 1), S(real(2, 3, 2), (0, 2), correction=0, keepdim=True), S(real(4))]

REDUCTIONS = [
    Entry("sum", along(np.sum), [*reduction_samples(), *empty_samples()], integers=True),
    Entry("mean", along(np.mean), reduction_samples()),
    Entry("prod", along(np.prod), [
        *reduction_samples(positive, several=False), *empty_samples(), S(real(3, 2), 0)], integers=True),
    Entry("any", along(np.any), [S(bools(2, 3)), S(bools(2, 3), 1), S(real(3), 0), S(real(0)),
        S(bools(2, 2, 2), (0, 1), True)],
          differentiable=False, integers=True),
    Entry("all", along(np.all), [S(bools(2, 3)), S(bools(2, 3), 1), S(real(3), 0), S(real(0)),
        S(bools(2, 2, 2), (0, 1), True)],
          differentiable=False, integers=True),
    Entry("count_nonzero", lambda x, dim=None: np.count_nonzero(x, axis=axes(dim)), [
        S(ints(2, 3)), S(ints(2, 3), 1), S(bools(3, 2), (0, 1)),
        S(real(0))], differentiable=False, integers=True),
    Entry("amax", along(np.max), [*reduction_samples(), S(real(0, 2), 1)], integers=True),
    Entry("amin", along(np.min), [*reduction_samples(), S(real(0, 2), 1)], integers=True),
    *[
        Entry(name, extremum(values, positions), [
            *reduction_samples(several=False), S(real(0, 2), 1), S(real(2, 3), real(3))], integers=True)
        for name, values, positions in [("max", np.max, np.argmax), ("min", np.min, np.argmin)]
    ],
    Entry("argmax", along(np.argmax), reduction_samples(several=False), differentiable=False, integers=True),
    Entry("argmin", along(np.argmin), reduction_samples(several=False), differentiable=False, integers=True),
    Entry("var", var, VAR_SAMPLES),
    Entry("std", std, VAR_SAMPLES),
    Entry("var_mean", with_mean(var), MEAN_SAMPLES),
    Entry("std_mean", with_mean(std), MEAN_SAMPLES),
    Entry("logsumexp", reference.logsumexp, [
        S(real(2, 3), 1), S(real(2, 3, 2), (0, 2), True), S(real(2, 3), dim=[0]), S(real(2, 0), 0)]),
    Entry("norm", reference.norm, [
        S(real(2, 3)), S(real(2, 3), 1, 1), S(real(2, 3), math.inf, 0), S(real(2, 3), -math.inf, 0, True),
        S(real(2, 3), 3, 1), S(real(2, 3), dim=(0, 1)), S(real(4, grad=False), 0), S(real(2, 3), "fro"),
        S(real(4), 2.5)]),
    Entry("cumsum", lambda x, dim: np.cumsum(x, dim) if x.ndim else x, [
        S(real(2, 3), 1), S(real(3, 2, 2), 0), S(real(4), -1), S(real(), 0),
        S(real(0, 2), 0)], integers=True),
    Entry("cumprod", lambda x, dim: np.cumprod(x, dim) if x.ndim else x, [
        S(real(2, 3), 1), S(real(3, 2, 2), 0), S(real(4), -1), S(real(), 0), S(real(0, 2), 0),
        S(real(1, 2), 0)],
        integers=True),
]  # fmt: skip

SHAPES = [
    Entry("reshape", lambda x, *s: x.reshape(s[0] if isinstance(s[0], tuple) else s), [
        S(real(2, 3), (3, 2)), S(real(2, 3), (-1,)), S(real(), (1, 1)), S(real(0, 3), (3, 0)), S(real(1),
            ())],
        integers=True),
    Entry("view", lambda x, *s: x.reshape(s), [S(real(2, 3), 3, 2), S(real(4), 2, -1), S(real(), 1)],
          integers=True, torch_name="Tensor.view"),
    Entry("flatten", lambda x, a=0, b=-1: x.reshape(*x.shape[:a], -1, *x.shape[x.ndim + b + 1:]), [
        S(real(2, 3)), S(real(2, 3, 2), 1), S(real(2, 3, 2), 0, -2), S(real())]),
    Entry("unflatten", lambda x, d, s: x.reshape(*x.shape[:d], *s, *x.shape[d + 1:]), [
        S(real(6, 2), 0, (2, 3)), S(real(2, 4), 1, (2, -1))]),
    Entry("permute", lambda x, dims: x.transpose(dims), [
        S(real(2, 3, 4), (2, 0, 1)), S(real(2, 3), (-1, 0)), S(real(), ())], integers=True),
    Entry("transpose", lambda x, a, b: x.swapaxes(a, b) if x.ndim else x, [
        S(real(2, 3), 0, 1), S(real(2, 3, 4), -1, 0), S(real(3), 0, 0), S(real(), 0, -1)]),
    Entry("t", lambda x: x.T, [S(real(2, 3)), S(real(3)), S(real())]),
    Entry("movedim", np.moveaxis, [S(real(2, 3, 4), 0, 2), S(real(2, 3, 4), (0, 1), (-1, 0))]),
    Entry("squeeze", lambda x, dim=None: np.squeeze(x, axes(dim)), [
        S(real(2, 1, 3, 1)), S(real(2, 1, 3), 1), S(real(1, 2, 1), (0, 2)), S(real(1))]),
    Entry("unsqueeze", np.expand_dims, [S(real(2, 3), 0), S(real(2, 3), -1), S(real(), 0), S(real(2, 3), 1)]),
    Entry("expand", lambda x, *s: np.broadcast_to(x, [
        n if n >= 0 else x.shape[i - len(s)] for i, n in enumerate(s)]), [
        S(real(2, 1), 2, 3), S(real(3), 2, -1), S(real(), 2, 2),
        S(real(1, 1), 0, 3)], torch_name="Tensor.expand"),
    Entry("broadcast_to", np.broadcast_to, [S(real(2, 1), (2, 3)), S(real(), (2,)), S(real(3), (0, 3))]),
    Entry("flip", np.flip, [S(real(2, 3), (0,)), S(real(2, 3), (0, -1)), S(real(0, 2), (0,))]),
    Entry("clone", np.copy, [S(real(2, 3)), S(real()), S(real(0))], integers=True),
    Entry("contiguous", np.copy, [S(real(2, 3)), S(real())], torch_name="Tensor.contiguous"),
    Entry("repeat", lambda x, *n: np.tile(x, n), [
        S(real(2), 3), S(real(2, 1), 2, 1, 2), S(real(2), 0), S(real(), 2)], torch_name="Tensor.repeat"),
    Entry("tile", np.tile, [S(real(2, 3), (2,)), S(real(2), (2, 2)), S(real(2, 2), (2, 1, 1))]),
    Entry("repeat_interleave", lambda x, n, dim=None: np.repeat(x, n, dim), [
        S(real(2, 3), 2), S(real(2, 3), 2, 1), S(real(2, 3), 3, dim=0), S(real(3), np.array([2, 0, 1]), 0),
        S(real(2, 2), np.array([1, 2, 0, 1]))]),
    Entry("tril", lambda x, diagonal=0: np.tril(x, diagonal), [
        S(real(3, 3)), S(real(2, 3, 4), 1), S(real(3, 2), -1)], integers=True),
    Entry("triu", lambda x, diagonal=0: np.triu(x, diagonal), [
        S(real(3, 3)), S(real(2, 3, 4), 1), S(real(3, 2), diagonal=-1)], integers=True),
    Entry("diagonal", np.diagonal, [
        S(real(3, 3)), S(real(3, 4), 1), S(real(2, 3, 3), -1), S(real(2, 3, 3), -1, 1, 2), S(real(2, 3, 4), 1, 2, 0),
        S(real(2, 2), 5)]),
    Entry("diag", lambda x, diagonal=0: np.diag(x, diagonal), [
        S(real(3)), S(real(2), 1), S(real(2), -2), S(real(3, 3)), S(real(2, 3), 1),
        S(np.array([1.0, np.inf]))]),
]  # fmt: skip

JOINING = [
    Entry("cat", lambda xs, dim=0: np.concatenate(xs, dim), [
        S([real(2, 3), real(1, 3)]), S([real(2, 1), real(2, 3), real(2, 2)], -1),
        S([real(0, 2), real(2, 2)], 0),
        S([real(2)]), S((real(2), ints(3)), dim=0)], integers=True),
    Entry("stack", lambda xs, dim=0: np.stack(xs, dim), [
        S([real(2, 3), real(2, 3)]), S([real(2), real(2)], -1), S([real(), real(), real()])], integers=True),
    Entry("hstack", np.hstack, [S([real(2), real(3)]), S([real(2, 1), real(2, 2)]), S([real(), real(2)])]),
    Entry("vstack", np.vstack, [S([real(2), real(2)]), S([real(2, 2), real(2)]), S([real(), real()])]),
    Entry("split", lambda x, n, dim=0: tuple(np.split(
        x, np.cumsum(n)[:-1] if isinstance(n, list) else range(n, x.shape[dim], n), dim)), [
        S(real(5, 2), 2), S(real(2, 5), 2, 1), S(real(5), [1, 4]), S(real(2, 5), [2, 0, 3], dim=-1),
        S(real(0), 2)]),
    Entry("chunk", lambda x, n, dim=0: tuple(np.array_split(x, n, dim)), [
        S(real(4, 2), 2), S(real(2, 6), 3, 1), S(real(5), 2)]),
    Entry("unbind", lambda x, dim=0: tuple(np.moveaxis(x, dim, 0)), [S(real(2, 3)), S(real(2, 3), 1),
        S(real(2))]),
    Entry("pad", lambda x, pad, mode="constant", value=None: np.pad(
        x[tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(pairs(pad, x.ndim), x.shape,
            strict=True))],
        [(max(b, 0), max(a, 0)) for b, a in pairs(pad, x.ndim)],
        {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode],
        **({"constant_values": value or 0} if mode == "constant" else {})), [
        S(real(2, 3), (1, 2)), S(real(2, 3), (1, 0, 0, 2), value=1.5), S(real(2, 3), (-1, 1)),
        S(real(2, 2, 4), (2, 1), "reflect"),
        S(real(1, 2, 3, 3), (1, 2, 2, 1), "reflect"), S(real(1, 2, 3, 3), (1, 2, 4, 0), mode="replicate"),
        S(real(1, 2, 3, 3), (1, 2, 2, 1), mode="circular"), S(real(2, 0), (1, 1))]),
    Entry("constant_pad_nd", lambda x, pad, value=0: np.pad(x, pairs(pad, x.ndim), constant_values=value), [
        S(real(2, 3), (1, 2)), S(real(2, 3), (1, 0, 0, 2), 1.5), S(real(2, 0), (1, 1))]),
]  # fmt: skip


def pairs(pad, ndim):
    given = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    return [(0, 0)] * (ndim - len(given)) + given


def set_items(x, value, index):
    """Return x with x[index] = value, as a step of the graph."""
    return ops.SetItem.apply(x, value, index=ops.raw_index(index, ops.raw(x)), in_place=False)


def reference_set_items(x, value, index):
    y = x.copy()
    y[index] = value
    return y


def torch_set_items(torch):
    def assign(x, value, index):
        y = x.clone()
        y[index] = value
        return y

    return assign


def index_add(x, dim, index, source, alpha=1):
    y = np.moveaxis(x.copy(), dim, 0)
    np.add.at(y, index, alpha * np.moveaxis(source, dim, 0))
    return np.moveaxis(y, 0, dim)


def masked_select(x, mask):
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


COLUMNS = np.array([[0, 2, 2], [1, 0, 0]])

INDEXING = [
    Entry("getitem", lambda x, index: x[index], [
        S(real(3, 4), 1), S(real(3, 4), -1), S(real(3, 4), slice(1, None)), S(real(4, 5),
            (slice(None, None, 2), 1)),
        S(real(2, 3, 4), (..., 1)), S(real(2, 3), None), S(real(2, 3), (0, None, slice(None))),
        S(real(4, 2), np.array([0, 2, 2, -1])), S(real(4, 3), (np.array([0, 1]), np.array([2, 0]))),
        S(real(4, 3), (slice(None), np.array([[0, 1], [1, 2]]))),
        S(real(2, 3), np.array([[True, False, True], [False, True, False]])),
        S(real(3, 2), np.array([True, False, True])), S(real(3, 2, 4),
            (np.array([0, 1]), slice(None), np.array([3, 0]))),
        S(real(2, 3), (1, 2)), S(real(3), [2, 0]), S(real(2, 0), (slice(None), slice(0, 0))), S(real(), ...)],
        integers=True, torch_call=lambda torch: lambda x, index: x[index]),
    Entry("SetItem", reference_set_items, [
        S(real(3, 4), real(4), 1), S(real(3, 4), 2.0, (slice(None), 1)), S(real(3, 4), real(), (..., -1)),
        S(real(4, 2), real(2, 2), np.array([3, 0])), S(real(2, 3), 1.5, np.array([[True, False, True],
            [False, True, False]])),
        S(real(3, 4), real(3, 1), slice(None)), S(real(2, 2), real(1, 1, 2), 0)],
        call=set_items, torch_call=torch_set_items),
    Entry("gather", reference.gather, [
        S(real(2, 3), 1, COLUMNS), S(real(3, 3), 0, COLUMNS), S(real(3, 2), -1, np.array([[0], [1]])),
        S(real(4), 0, ints(2)),
        S(real(3, 2), 0, np.zeros((0, 2), np.int64))]),
    Entry("take_along_dim", np.take_along_axis, [S(real(2, 3), COLUMNS, 1), S(real(3, 3), COLUMNS, 0)],
          torch_call=lambda torch: torch.take_along_dim),
    Entry("scatter", reference.scatter, [
        S(real(2, 3), 1, np.array([[0, 2], [1, 0]]), real(2, 2)),
        S(real(3, 3), 0, np.array([[0, 2, 1]]), real(2, 3, grad=False)),
        S(real(2, 3), 1, np.array([[0, 2], [1, 0]]), 1.5)]),
    Entry("scatter_add", lambda x, d, i, s: reference.scatter(x, d, i, s, add=True), [
        S(real(2, 3), 1, COLUMNS, real(2, 3)), S(real(3, 3), 0, COLUMNS, real(2, 3)),
        S(real(2), 0, np.array([0, 0]), real(3, grad=False))],
        integers=True),
    Entry("index_select", lambda x, dim, index: np.take(x, index, dim), [
        S(real(3, 2), 0, np.array([2, 0, 2])), S(real(2, 3), -1, np.array([1])),
        S(real(3), 0, np.array([], np.int64))]),
    Entry("index_add", index_add, [
        S(real(3, 2), 0, np.array([2, 0, 2]), real(3, 2)),
        S(real(2, 3), 1, np.array([1, 1]), real(2, 2), alpha=0.5)]),
    Entry("masked_select", masked_select, [S(real(2, 3), bools(2, 3)), S(real(2, 3), bools(3)),
        S(real(3), bools(2, 1))]),
    Entry("select", lambda x, dim, index: np.take(x, index, dim), [S(real(2, 3), 1, 2),
        S(real(2, 3), 0, -1)]),
    Entry("narrow", lambda x, dim, start, length: np.take(x, range(start, start + length), dim), [
        S(real(2, 5), 1, 1, 3), S(real(4, 2), 0, 0, 0)]),
]  # fmt: skip


def ordered(x, order, dim):
    return np.take_along_axis(x, order, dim), order


def argsort(x, dim=-1, descending=False, stable=False):
    return np.argsort(-x if descending else x, axis=dim, kind="stable")


SORTING = [
    Entry("argsort", argsort, [S(real(2, 5), 1), S(real(4, 2), 0, True), S(real(3)), S(real(0))],
          differentiable=False, integers=False),
    Entry("sort", lambda x, dim=-1, descending=False: ordered(x, argsort(x, dim, descending), dim), [
        S(real(2, 5)), S(real(4, 2), 0), S(real(4, 2), 0, True), S(real(0, 2), 0)]),
    Entry("topk", lambda x, k, dim=-1, largest=True: ordered(
        x, np.take(argsort(x, dim, largest), range(k), dim), dim), [
        S(real(2, 5), 2), S(real(5, 2), 3, 0), S(real(4), 2, largest=False), S(real(4), 0)]),
    Entry("nonzero", lambda x, as_tuple=False: np.nonzero(x) if as_tuple else np.stack(np.nonzero(x), 1), [
        S(bools(2, 3)), S(bools(2, 3), as_tuple=True), S(ints(4)), S(ints(0, 2))], differentiable=False),
    Entry("unique", lambda x, return_inverse=False, return_counts=False: np.unique(
        x, return_inverse=return_inverse, return_counts=return_counts), [
        S(ints(2, 5)), S(ints(2, 5), return_inverse=True), S(ints(6), return_counts=True),
        S(ints(6), return_inverse=True, return_counts=True)], differentiable=False),
    Entry("bincount", lambda x, weights=None, minlength=0: np.bincount(x, weights, minlength), [
        S(ints(6)), S(ints(6), minlength=5), S(ints(6), real(6, grad=False)),
        S(ints(0))], differentiable=False),
    Entry("one_hot", lambda x, n=-1: np.eye(n if n >= 0 else x.max() + 1, dtype=np.int64)[x], [
        S(ints(4), 3), S(ints(2, 2), 5), S(ints(6)), S(ints(0), 3)], differentiable=False),
]  # fmt: skip

OTHERS = [
    Entry("cast", lambda x, dtype: x.astype(dtype), [S(real(3), np.float64),
        S(ints(3), np.float32)], parity=False),
    Entry("copy_of", lambda x, y: np.broadcast_to(y, x.shape), [S(real(2, 3), real(3)),
        S(real(3), SAME)], parity=False),
    Entry("full_of", lambda x, value: np.full_like(x, value), [S(real(2, 3), 0.5)], parity=False),
    Entry("move", lambda x, device: x, [S(real(2, 3), "cpu")], parity=False),
]  # fmt: skip

ENTRIES = [*REDUCTIONS, *SHAPES, *JOINING, *INDEXING, *SORTING, *OTHERS]
