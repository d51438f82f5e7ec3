"""Indexing, splitting, sorting and shaping against PyTorch, where its rules are its own."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import ops

pytestmark = pytest.mark.torch_parity
torch = pytest.importorskip("torch")

from tests.ops.parity import compare, make_pair, raises_alike  # noqa: E402

CUBE = np.arange(24.0).reshape(2, 3, 4)
MASK = CUBE[0] % 3 == 0
INDICES = [
    (0, slice(None), [1, 2]),
    ([0, 1], slice(None), 2),
    ([0, 1], 1, slice(None)),
    (slice(None), 1, [0, 3]),
    ([0, 1], slice(None), [1, 2]),
    (None, 0, ..., [1, 2]),
    (0, [0, 1], None, [1, 2]),
    ([0, 1], None, [1, 2]),
    (..., [0, 3]),
    (1, MASK),
    (MASK[:, 0].tolist() and [True, False], 1),
    (0, ..., [True, False, True, False]),
    (slice(None), [[0, 1], [2, 0]]),
    (True,),
    (False,),
    (True, 0),
    (None, True),
    (-1, -2, -3),
    [[0, 1], [1, 0]],
    (slice(1, 100), slice(-2, None, 2)),
    ([],),
    (slice(0, 0), [0, 1]),
    ([-1, -2], [0]),
    np.array([1, 0, 1]),
    np.array(1),
    (np.array(1), slice(None), np.array([1, 2])),
    range(2),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing(index):
    def take(x):
        if not isinstance(x, torch.Tensor):
            return x[index]
        parts = index if isinstance(index, tuple) else (index,)
        parts = tuple(torch.tensor(i) if isinstance(i, np.ndarray) else i for i in parts)
        return x[parts]

    compare(take, take, CUBE)


@pytest.mark.parametrize("index", [i for i in INDICES if not isinstance(i, range)], ids=str)
def test_assigning(index):
    def put(x, value):
        y = x.clone()
        parts = index if isinstance(index, tuple) else (index,)
        if isinstance(x, torch.Tensor):
            parts = tuple(torch.tensor(i) if isinstance(i, np.ndarray) else i for i in parts)
        y[parts] = value
        return y

    if not isinstance(index, list | np.ndarray):
        compare(put, put, CUBE, np.array([7.0]))
        compare(put, put, CUBE, np.array(7.0))
    compare(put, put, CUBE, -1.0)


@pytest.mark.parametrize(
    "index",
    [
        5,
        (0, 3),
        (0, 0, 0, 0),
        pytest.param([2], marks=pytest.mark.host("checks of values")),
        (slice(None, None, -1),),
        0.5,
        "a",
        np.array([0.5]),
        np.ones(3, bool),
    ],
    ids=str,
)
def test_indices_that_are_refused(index):
    def take(x):
        i = torch.tensor(index) if isinstance(x, torch.Tensor) and isinstance(index, np.ndarray) else index
        return x[i]

    raises_alike(take, take, CUBE)


@pytest.mark.parametrize("size", [0, 1, 4, 5, 6])
def test_splitting(size):
    x = np.arange(2.0 * size).reshape(size, 2)
    for n in (1, 2, 3, 4, 7):
        compare(ops.split, torch.split, x, n)
        compare(ops.chunk, torch.chunk, x, n)
    compare(ops.unbind, torch.unbind, x, gradient=size > 0)


def test_joining():
    a, b, empty = np.ones((2, 3)), np.zeros((2, 1)), np.zeros(0)
    compare(lambda *xs: ops.cat(xs, 1), lambda *xs: torch.cat(xs, 1), a, b)
    compare(lambda *xs: ops.cat(xs, 0), lambda *xs: torch.cat(xs, 0), empty, a, gradient=False)
    compare(
        lambda *xs: ops.cat(xs, -1),
        lambda *xs: torch.cat(xs, -1),
        a.astype("f"),
        b,
        np.ones((2, 2), np.int64),
    )
    for shapes in [((2, 3), (3, 2)), ((2,), (2, 2)), ((), ())]:
        raises_alike(lambda *xs: ops.cat(xs), lambda *xs: torch.cat(xs), *[np.zeros(s) for s in shapes])
    raises_alike(lambda *xs: ops.stack(xs), lambda *xs: torch.stack(xs), a, b)


def test_squeezing():
    x = np.ones((1, 2, 1))
    for dim in (0, 1, -1, (0, 2), (0, 1)):
        compare(ops.squeeze, torch.squeeze, x, dim)
    raises_alike(ops.squeeze, torch.squeeze, x, 3)
    for dim in (0, -1, 3, -4):
        compare(ops.unsqueeze, torch.unsqueeze, x, dim)
    raises_alike(ops.unsqueeze, torch.unsqueeze, x, 4)


def test_reshaping():
    x = np.arange(24.0).reshape(2, 3, 4)
    for shape in [(6, -1), (-1,), (24,), (4, 3, 2), (2, 1, 12)]:
        compare(ops.reshape, torch.reshape, x, shape)
        compare(
            lambda t, s=shape: t.transpose(0, 1).reshape(s),
            lambda t, s=shape: t.transpose(0, 1).reshape(s),
            x,
        )
    for shape in [(5, -1), (-1, -1), (7,), (-2, 12)]:
        raises_alike(ops.reshape, torch.reshape, x, shape)
    raises_alike(ops.reshape, torch.reshape, np.zeros((0, 3)), (0, -1))
    compare(lambda t: t.transpose(0, 1).view(3, 2, 2, 2), lambda t: t.transpose(0, 1).view(3, 2, 2, 2), x)
    raises_alike(lambda t: t.transpose(0, 1).view(6, 4), lambda t: t.transpose(0, 1).view(6, 4), x)


@pytest.mark.parametrize("shape", [(2, 2, 3), (-1, 2, 3), (4, 1, 2, 3)], ids=str)
def test_expanding(shape):
    x = np.ones((1, 2, 1)) if shape[0] != -1 else np.ones((2, 2, 1))
    if len(shape) == 4:
        x = np.ones((2, 1))
    compare(lambda t: t.expand(*shape), lambda t: t.expand(*shape), x)
    raises_alike(lambda t: t.expand(5, 5), lambda t: t.expand(5, 5), np.ones((2, 1)))
    raises_alike(lambda t: t.expand(-1, 2, 1), lambda t: t.expand(-1, 2, 1), np.ones((2, 1)))


def test_equal_elements_keep_their_order():
    x = np.random.default_rng(0).integers(0, 3, (5, 6))
    for descending in (False, True):
        for dim in (0, 1, -1):
            compare(
                ops.argsort,
                lambda t, dim, down: torch.argsort(t, dim=dim, descending=down, stable=True),
                x,
                dim,
                descending,
            )


def test_topk_of_small_and_large():
    x = np.random.default_rng(0).permutation(20).reshape(4, 5) * 1.0
    for k, dim, largest in [(2, 1, True), (3, 0, False), (5, -1, True), (0, 0, True)]:
        compare(ops.topk, torch.topk, x, k, dim, largest)
    raises_alike(ops.topk, torch.topk, x, 6)
    compare(ops.topk, torch.topk, np.array(3.0), 1)


def test_0d_tensors():
    x = np.array(3.0)
    for name in (
        "sum",
        "mean",
        "amax",
        "prod",
        "argmax",
        "cumsum",
        "softmax",
        "log_softmax",
        "squeeze",
        "sort",
        "any",
    ):
        compare(getattr(ops, name), getattr(torch, name), x, 0)
        compare(getattr(ops, name), getattr(torch, name), x, -1)
        raises_alike(getattr(ops, name), getattr(torch, name), x, 1)
    compare(ops.max, torch.max, x, 0)
    compare(ops.norm, torch.norm, x)
    compare(ops.flatten, torch.flatten, x)
    compare(ops.nonzero, torch.nonzero, x)
    compare(lambda t: ops.unsqueeze(t, 0), lambda t: torch.unsqueeze(t, 0), x)


def test_triangles_and_diagonals():
    x = CUBE
    for k in (-3, -1, 0, 1, 3, 5):
        compare(ops.tril, torch.tril, x, k)
        compare(ops.triu, torch.triu, x, k)
        compare(ops.diag, torch.diag, x[0], k)
        compare(ops.diag, torch.diag, x[0, 0], k)


def test_one_hot():
    for n in (-1, 4):
        compare(one_hot, torch.nn.functional.one_hot, np.array([[0, 3], [1, 1]]), n)


@pytest.mark.host("checks of values")
def test_one_hot_of_a_class_that_is_not_there():
    raises_alike(one_hot, torch.nn.functional.one_hot, np.array([4]), 3)
    raises_alike(one_hot, torch.nn.functional.one_hot, np.array([-1]), 3)


def one_hot(x, n):
    return ops.one_hot(x, n)


def test_unique_and_bincount():
    x = np.array([[3, 1], [3, 2]])
    compare(lambda t: ops.unique(t, True, True, True), lambda t: torch.unique(t, True, True, True), x)
    for minlength in (0, 6):
        compare(
            lambda t, n=minlength: ops.bincount(t, None, n),
            lambda t, n=minlength: torch.bincount(t, None, n),
            x.ravel(),
        )
    raises_alike(ops.bincount, torch.bincount, np.array([-1]))


def test_scatter_with_repeated_places_and_smaller_indices():
    base, index = np.zeros((3, 4)), np.array([[0, 1], [2, 2]])
    for dim in (0, 1):
        compare(
            lambda x, s, d=dim: ops.scatter_add(x, d, pair_index(x, index), s),
            lambda x, s, d=dim: torch.scatter_add(x, d, pair_index(x, index), s),
            base,
            np.ones((2, 2)),
        )


@pytest.mark.host("checks of values")
def test_gather_outside():
    base, index = np.zeros((3, 4)), np.array([[0, 1], [2, 2]])
    raises_alike(
        lambda x: ops.gather(x, 0, pair_index(x, index + 5)),
        lambda x: torch.gather(x, 0, pair_index(x, index + 5)),
        base,
    )
    raises_alike(
        lambda x: ops.gather(x, 0, pair_index(x, index[0])),
        lambda x: torch.gather(x, 0, pair_index(x, index[0])),
        base,
    )


def pair_index(x, index):
    """Return the index as a tensor of the library that x is of."""
    return make_pair(index)[1 if isinstance(x, torch.Tensor) else 0]
