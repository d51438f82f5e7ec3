"""The stand-in itself: what it refuses is what CuPy refuses, or would do without a word."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gpu.standin.api import API
from tests.gpu.standin.cards import Counter, Device
from tests.gpu.standin.modules import CUPY as cp, CUPYX, SPECIAL


@pytest.fixture
def x():
    return cp.asarray(np.arange(12, dtype=np.float32).reshape(3, 4))


REFUSED = {
    "implicit conversion": (lambda x: np.asarray(x), TypeError, "Implicit conversion to a NumPy array"),
    "NumPy's ufuncs": (lambda x: np.exp(x), TypeError, ""),
    "NumPy's functions": (lambda x: np.mean(x), TypeError, "numpy.mean"),
    "host + device": (lambda x: np.ones(4) + x, TypeError, ""),
    "device + host": (lambda x: x + np.ones(4), TypeError, "Unsupported type"),
    "a host array among others": (
        lambda x: cp.concatenate([np.ones(4), x[0]]),
        TypeError,
        "Unsupported type",
    ),
    "a host array in a ufunc": (lambda x: cp.maximum(x, np.ones(4)), TypeError, "Unsupported type"),
    "a host array as an index": (lambda x: x[np.array([0])], TypeError, "Unsupported type"),
    "a host array assigned": (lambda x: x.__setitem__(0, np.ones(4)), ValueError, "cannot be used for fill"),
    "reductions with where": (lambda x: cp.sum(x, where=x > 0), TypeError, "'where'"),
    "ufuncs with where": (lambda x: cp.exp(x, where=x > 0), TypeError, "'where'"),
    "reductions with initial": (lambda x: cp.max(x, initial=0), TypeError, "'initial'"),
    "methods with initial": (lambda x: x.max(initial=0), TypeError, "'initial'"),
    "stable sorting": (lambda x: cp.sort(x, stable=True), TypeError, "'stable'"),
    "a device argument": (lambda x: cp.zeros(2, device="cuda"), TypeError, "'device'"),
    "errstate": (lambda x: cp.errstate, AttributeError, "has no cupy.errstate"),
    "block": (lambda x: cp.block, AttributeError, "has no cupy.block"),
    "insert": (lambda x: cp.insert, AttributeError, "has no cupy.insert"),
    "writeable": (lambda x: x.flags.writeable, AttributeError, "writeable"),
    "objects": (lambda x: cp.array([None]), ValueError, "Unsupported dtype object"),
    "normal numbers": (lambda x: cp.random.default_rng(0).normal(), AttributeError, "has no"),
    "repeats on the card": (lambda x: x.repeat(cp.array([1, 2, 3])), ValueError, "repeats"),
    "bits of floats": (lambda x: x & x, TypeError, "Wrong type of arguments for cupy.bitwise_and"),
    "an index of Python": (lambda x: range(x[0, 0]), TypeError, ""),
    "another card": (lambda x: elsewhere() + x, ValueError, "array device = 1 while current = 0"),
}


def elsewhere():
    with Device(1):
        return cp.ones(4, "f4")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, x):
    call, error, message = REFUSED[name]
    with pytest.raises(error) as raised:
        call(x)
    assert message in str(raised.value)


def test_everything_stays_an_array(x):
    for result in (
        x.sum(),
        x[0, 0],
        x.max(),
        cp.allclose(x, x),
        cp.argmax(x),
        x[0] @ x[0],
        cp.array_equal(x, x),
    ):
        assert isinstance(result, cp.ndarray)
        assert result.shape == ()
    assert not isinstance(x, np.ndarray)
    x[0][0] += 5
    assert float(x[0, 0]) == 5  # a view, not a copy
    y = x
    y -= 1
    assert y is x


@pytest.mark.parametrize(
    "read",
    [
        lambda x: float(x.sum()), lambda x: bool(x.any()), lambda x: int(x[0, 0]), lambda x: x.get(),
        lambda x: x.tolist(),
        lambda x: x[0, 0].item(), lambda x: cp.asnumpy(x), lambda x: f"{x[0, 0]:.2f}", lambda x: x.nonzero(),
        lambda x: x[x > 3],
        lambda x: cp.unique(x), lambda x: cp.where(x > 1), lambda x: cp.bincount(x[0].astype(int)),
        lambda x: 3 if x[0, 0] > 1 else 4, lambda x: repr(x), lambda x: Device(0).synchronize(),
    ],
)  # fmt: skip
def test_reading_is_counted(read, x):
    before = Counter.syncs
    read(x)
    assert Counter.syncs == before + 1


def test_computing_is_not_counted(x):
    before = Counter.syncs
    y = cp.where(x > 3, x, 0.0) @ x.T + x.sum() - x.shape[0]
    y[cp.asarray([0, 1])] *= 2
    cp.add.at(y, (cp.asarray([0, 0]), cp.asarray([1, 1])), cp.ones(2, "f4"))
    assert Counter.syncs == before


def test_indices_go_round(x):
    """CuPy does not check them: an index that is too large begins again."""
    assert x[cp.asarray([3, -1]), cp.asarray([4, 0])].tolist() == [0, 8]
    assert cp.take_along_axis(x, cp.asarray([[5]] * 3), 1).tolist() == [[1], [5], [9]]
    assert x.take(cp.asarray([13])).tolist() == [1]
    target = cp.zeros(3)
    CUPYX.scatter_add(target, cp.asarray([4]), cp.ones(1))
    assert target.tolist() == [0, 1, 0]


def test_dtypes_are_those_of_cupys_loops(x):
    assert (x * 2.5).dtype == (2 * x).dtype == (np.float32(2) * x).dtype == np.float32
    assert cp.exp(cp.ones(2, np.int8)).dtype == np.float16
    assert cp.exp(cp.ones(2, int)).dtype == np.float64
    assert SPECIAL.erf(x).dtype == np.float32
    assert (x > 1).dtype == bool


def test_what_nobody_wrote_is_no_number():
    assert np.isnan(cp.empty(3).get()).all()
    assert (cp.empty_like(cp.zeros(2, int)).get() > 2**62).all()


def test_copies_go_to_the_card_in_use(x):
    with Device(1):
        assert cp.asarray(x).device.id == 0  # asarray leaves an array where it is
        assert x.copy().device.id == 1
    assert Device().id == 0


def test_another_stream_of_random_numbers():
    assert cp.random.default_rng(0).random(3).tolist() != np.random.default_rng(0).random(3).tolist()


def test_the_api_is_the_one_of_cupy():
    assert API["cupy"]["sum"] == "a, axis=, dtype=, out=, keepdims="
    assert "errstate" not in API["cupy"]
    assert "__index__" not in API["cupy.ndarray"]
    assert API["version"] == cp.__version__
