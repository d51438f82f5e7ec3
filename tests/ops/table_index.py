"""The table of operations: elements by an index, written, combined and found; views by steps through memory."""

from __future__ import annotations

import numpy as np

from tests.ops.samples import Entry, S, bools, ints, real
from tinygrad_edu import ops


def put(x, index, source, accumulate=False):
    y = x.copy()
    if accumulate:
        np.add.at(y.reshape(-1), index, source)
    else:
        y.reshape(-1)[index] = source
    return y


def index_put(x, indices, values, accumulate=False):
    y, index = x.copy(), tuple(indices)
    if accumulate:
        np.add.at(y, index, values)
    else:
        y[index] = values
    return y


def at(dim, index):
    return (slice(None),) * dim + (index,)


def index_write(x, dim, index, value):
    y = x.copy()
    y[at(dim % x.ndim, index)] = value
    return y


def masked_scatter(x, mask, source):
    y = np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape)).copy()
    mask = np.broadcast_to(mask, y.shape)
    y[mask] = source.reshape(-1)[: mask.sum()]
    return y


COMBINE = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}


def combined(x, places, values, reduce, include_self):
    """Return x with lists of values, one for each element, put together."""
    y = x.copy()
    for place in set(places):
        numbers = [v for p, v in zip(places, values, strict=True) if p == place]
        y[place] = COMBINE[reduce](([x[place]] if include_self else []) + numbers)
    return y


def scatter_reduce(x, dim, index, src, reduce, include_self=True):
    places = []
    for place in np.ndindex(index.shape):
        places.append((*place[:dim], index[place], *place[dim + 1 :]))
    values = [src[place] for place in np.ndindex(index.shape)]
    return combined(x, places, values, reduce, include_self)


def index_reduce(x, dim, index, source, reduce, include_self=True):
    shape = [1] * x.ndim
    shape[dim] = -1
    return scatter_reduce(
        x, dim, np.broadcast_to(index.reshape(shape), source.shape), source, reduce, include_self
    )


def written(view):
    """Return a function that replaces a view of a copy."""

    def replace(x, src, *args, **options):
        y = x.copy()
        view(y, *args, **options)[...] = src
        return y

    return replace


def sliced(x, dim=0, start=None, end=None, step=1):
    return x[at(dim % x.ndim, slice(start, end, step))]


def diagonal(x, offset=0, dim1=0, dim2=1):
    y = x.diagonal(offset, dim1, dim2)
    y.flags.writeable = True
    return y


def as_strided(x, size, stride, storage_offset=0):
    x = np.ascontiguousarray(x)
    strides = [n * x.itemsize for n in stride]
    return np.lib.stride_tricks.as_strided(x.reshape(-1)[storage_offset:], size, strides)


def unfold(x, dimension, size, step):
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dimension)
    return windows[at(dimension % x.ndim, slice(None, None, step))]


def nonzero_static(x, *, size, fill_value=-1):
    rows = np.argwhere(x)[:size]
    return np.concatenate([rows, np.full((size - len(rows), x.ndim), fill_value)])


REPEATED = np.array([[0, 2, 2], [1, 0, 0]])

WRITTEN = [
    Entry("take", lambda x, index: np.take(x, index), [
        S(real(2, 3), np.array([0, -1, 5])), S(real(4), np.array([[2, 2], [0, 1]])), S(real(), np.array([0])),
        S(real(2, 3), np.array([], np.int64))], integers=True),
    Entry("put", put, [
        S(real(2, 3), np.array([0, -1]), real(2)), S(real(2, 3), np.array([[1, 1]]), real(1, 2), accumulate=True),
        S(real(2), np.array([], np.int64), real(0))], torch_call=lambda torch: torch.put),
    Entry("index_put", index_put, [
        S(real(3, 4), (np.array([0, 2]),), real(4)), S(real(3, 4), (np.array([0, 2]), np.array([1, 1])), real(2)),
        S(real(3, 4), (np.array([1, 1]),), real(2, 1), accumulate=True),
        S(real(2, 2), (np.array([[True, False], [True, True]]),), real(3)),
        S(real(3), (np.array([1, 1, 0]),), real(3), True)], torch_call=lambda torch: torch.index_put),
    Entry("index_copy", index_write, [
        S(real(3, 2), 0, np.array([2, 0]), real(2, 2)), S(real(2, 3), -1, np.array([1]), real(2, 1))]),
    Entry("index_fill", index_write, [
        S(real(3, 2), 0, np.array([2, 0]), 1.5), S(real(2, 3), -1, np.array([1, -1]), -2.0)]),
    Entry("masked_scatter", masked_scatter, [
        S(real(2, 3), bools(2, 3), real(6)), S(real(3), bools(2, 1), real(3, 3)), S(real(2, 2), bools(2), real(5))]),
    Entry("scatter_reduce", scatter_reduce, [
        *[S(real(2, 3), 1, REPEATED, real(2, 3), reduce) for reduce in COMBINE],
        *[S(real(3, 3), 0, REPEATED, real(2, 3), reduce, include_self=False) for reduce in COMBINE]],
        torch_call=lambda torch: torch.scatter_reduce),
    Entry("index_reduce", index_reduce, [
        *[S(real(3, 2), 0, np.array([2, 0, 2]), real(3, 2), reduce) for reduce in ("prod", "mean", "amax")],
        S(real(2, 3), 1, np.array([1, 1]), real(2, 2), "amin", include_self=False),
        S(real(2, 3), 1, np.array([1, 1]), real(2, 2), "prod", include_self=False)],
        torch_call=lambda torch: torch.index_reduce),
    Entry("select_scatter", written(lambda x, dim, index: np.moveaxis(x, dim, 0)[index]), [
        S(real(2, 3), real(3), 0, 1), S(real(2, 3), real(2), 1, -1)]),
    Entry("slice_scatter", written(sliced), [
        S(real(4, 2), real(2, 2), 0, 1, 3), S(real(2, 5), real(2, 2), 1, 0, -1, 2), S(real(3), real(3))]),
    Entry("diagonal_scatter", written(diagonal), [
        S(real(3, 3), real(3)), S(real(3, 4), real(2), -1), S(real(2, 3, 2), real(3, 2), 0, 0, 2)]),
    Entry("as_strided_scatter", written(as_strided), [
        S(real(2, 3), real(2), (2,), (4,)), S(real(6), real(2, 2), (2, 2), (3, 1), 1)],
        torch_gradient=False),
]  # fmt: skip

VIEWS = [
    Entry("as_strided", as_strided, [
        S(real(6), (2, 2), (1, 2)), S(real(2, 3), (3,), (2,), 1), S(real(4), (3, 3), (1, 0)), S(real(3), (), ())],
        call=lambda x, *args: ops.as_strided(ops.contiguous(x), *args)),  # it sees the memory, however it is laid out
    Entry("unfold", unfold, [
        S(real(5), 0, 3, 1), S(real(2, 6), -1, 2, 3), S(real(4, 2), 0, 2, 2), S(real(3, 2), 0, 3, 1)],
        integers=True, torch_name="Tensor.unfold"),
]  # fmt: skip

FOUND = [
    Entry("argwhere", np.argwhere, [S(ints(3, 4)), S(bools(5)), S(ints(0, 2))], differentiable=False),
    Entry("nonzero_static", nonzero_static, [
        S(ints(3, 4), size=3), S(bools(3), size=5, fill_value=9)], differentiable=False),
    Entry("isin", lambda x, y, **options: np.isin(x, y, **options), [
        S(ints(3, 4), ints(2)), S(ints(5), 1), S(ints(5), ints(2, 2), invert=True), S(ints(3), ints(0))],
        differentiable=False),
    Entry("unravel_index", lambda x, shape: np.unravel_index(x, shape), [
        S(ints(3, high=6), (2, 3)), S(ints(2, 2, high=24), (2, 3, 4)), S(ints(3, high=5), 5)],
        differentiable=False),
]  # fmt: skip


def histogramdd(x, bins, range=None, weight=None, density=False):
    pairs = None if range is None else np.reshape(range, (-1, 2))
    weights = None if weight is None else weight.reshape(-1)
    hist, edges = np.histogramdd(x.reshape(-1, x.shape[-1]), bins, pairs, density, weights)
    return hist.astype(x.dtype), *edges


def histogram(x, bins=100, *, range=None, weight=None, density=False):
    hist, edges = np.histogram(x, bins, range, density=density, weights=weight)
    return hist.astype(x.dtype), edges.astype(x.dtype)


def gradient(x, *, spacing=1.0, dim=None, edge_order=1):
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    steps = [spacing] * len(dims) if isinstance(spacing, int | float) else spacing
    return tuple([np.gradient(x, h, axis=d, edge_order=edge_order) for d, h in zip(dims, steps, strict=True)])


def segment_reduce(x, reduce, *, lengths, axis=0, initial=None):
    function = {**COMBINE, "max": np.max, "min": np.min}[reduce]
    parts = np.split(x, np.cumsum(lengths)[:-1])
    return np.stack([function(part if initial is None else np.concatenate([part, part[:1] * 0 + initial]), 0)
                     for part in parts])  # fmt: skip


NUMBERS = [
    Entry("segment_reduce", segment_reduce, [
        *[S(real(5, 2), reduce, lengths=np.array([2, 1, 2])) for reduce in ("sum", "mean", "prod", "max", "min")],
        S(real(4), "sum", lengths=np.array([3, 1]), initial=1.5)]),
    Entry("gcd", np.gcd, [S(ints(3, 4, low=-20, high=20), ints(4, low=-20, high=20))], differentiable=False),
    Entry("lcm", np.lcm, [S(ints(3, 4, low=-20, high=20), ints(4, low=-20, high=20))], differentiable=False),
    Entry("nextafter", np.nextafter, [S(real(2, 3), real(3)), S(real(), real())]),
    Entry("ldexp", lambda x, n: x * 2.0**n, [S(real(2, 3), ints(3, high=4)), S(real(2), real(2))]),
    Entry("frexp", np.frexp, [S(real(2, 3)), S(real())]),
    Entry("rsub", lambda x, y, alpha=1: y - alpha * x, [S(real(2, 3), real(3)), S(real(2), 5.0, alpha=0.5)]),
    Entry("fill", lambda x, value: np.full_like(x, value), [S(real(2, 3), 1.5), S(real(3), real())]),
    Entry("broadcast_tensors", lambda *xs: tuple(np.broadcast_arrays(*xs)), [
        S(real(2, 1), real(3)), S(real(2)), S(real(), real(2, 2), real(1, 2))]),
    Entry("sum_to_size", lambda x, *size: x.sum(tuple(range(x.ndim - len(size)))).sum(
        tuple([i for i, n in enumerate(size) if n == 1]), keepdims=True), [
        S(real(4, 3), 3), S(real(4, 3), 1, 3), S(real(2, 3, 2), 3, 1)], torch_name="Tensor.sum_to_size"),
    Entry("gradient", gradient, [
        S(real(5)), S(real(3, 4)), S(real(3, 4), dim=1, spacing=0.5), S(real(4, 3), spacing=(2.0, 0.5), edge_order=2),
        S(real(4, 2), dim=0, spacing=[np.array([0.0, 1.0, 3.0, 3.5])], edge_order=2),
        S(real(3, 5), dim=(1,), spacing=[np.array([0.0, 1.0, 3.0, 3.5, 4.0])])]),
    Entry("histogram", histogram, [
        S(real(20, grad=False), 5), S(real(4, 5, grad=False), 4, range=(-1.0, 1.5)), S(real(20, grad=False), 5,
          weight=real(20, grad=False)),
        S(real(9, grad=False), 3, density=True),
        S(real(9, grad=False), np.array([-1.0, 0.0, 0.5, 2.0]))], differentiable=False),
    Entry("histogramdd", histogramdd, [
        S(real(20, 2, grad=False), [3, 4]), S(real(5, 4, 2, grad=False), [2, 2], range=(-1.0, 1.0, -1.5, 2.0)),
        S(real(9, 2, grad=False), [2, 3], density=True)], differentiable=False),
]  # fmt: skip

ENTRIES = [*NUMBERS, *WRITTEN, *VIEWS, *FOUND]
