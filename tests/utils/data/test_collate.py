from __future__ import annotations

import collections
import pickle
import types

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as torch
from tinygrad_edu.utils.data import default_collate, default_convert
from tinygrad_edu.utils.data.collate import collate, default_collate_fn_map, pin_memory

Point = collections.namedtuple("Point", ["x", "y"])


class Names(list):
    """A list with something more."""

    owner = "nobody"


class Frozen(collections.abc.Mapping):
    """A mapping that cannot be changed."""

    def __init__(self, items):
        self.items_ = dict(items)

    def __getitem__(self, key):
        return self.items_[key]

    def __iter__(self):
        return iter(self.items_)

    def __len__(self):
        return len(self.items_)

    def __repr__(self):
        return f"Frozen({self.items_})"


def plain(value):
    """Turn a batch into something that can be compared: types, dtypes and numbers."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return str(value.dtype).replace("tinygrad_edu", "torch"), tuple(value.shape), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value), {key: plain(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return type(value), [plain(item) for item in value]
    return value


@pytest.mark.parametrize(
    ("batch", "dtype", "values"),
    [
        ([0.1, 2.5], torch.float64, [0.1, 2.5]),
        ([1, 2], torch.int64, [1, 2]),
        ([True, False], torch.bool, [True, False]),
        ([np.float32(1), np.float32(2)], torch.float32, [1.0, 2.0]),
        ([np.float64(1), np.float64(2)], torch.float64, [1.0, 2.0]),
        ([np.int16(1), np.int16(2)], torch.int16, [1, 2]),
        ([np.bool_(True), np.bool_(False)], torch.bool, [True, False]),
        ([np.array(3.0), np.array(4.0)], torch.float64, [3.0, 4.0]),
        ([np.array([1, 2], np.uint8)] * 2, torch.uint8, [[1, 2], [1, 2]]),
    ],
)
def test_numbers(batch, dtype, values):
    result = default_collate(batch)
    assert isinstance(result, torch.Tensor)
    assert result.dtype == dtype
    assert result.tolist() == values


def test_tensors():
    result = default_collate([torch.tensor([1, 2]), torch.tensor([3, 4])])
    assert result.tolist() == [[1, 2], [3, 4]]


@given(
    arrays=st.integers(1, 5).flatmap(
        lambda n: hnp.arrays(np.float32, (n, 2, 3), elements=st.floats(-5, 5, width=32))
    )
)
def test_arrays_become_a_batch(arrays):
    result = default_collate(list(arrays))
    assert result.dtype == torch.float32
    np.testing.assert_array_equal(result.array, arrays)
    assert not np.shares_memory(result.array, arrays)


def test_gradients_reach_the_samples():
    x = torch.ones(2, requires_grad=True)
    default_collate([x, 2 * x]).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_strings_stay():
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a", b"b"]) == [b"a", b"b"]


def test_containers():
    assert default_collate([(1, "a"), (2, "b")])[1] == ("a", "b")
    point = default_collate([Point(1, 2.0), Point(3, 4.0)])
    assert type(point) is Point
    assert point.x.tolist() == [1, 3]
    nested = default_collate([{"a": [1, (2, 3)]}, {"a": [4, (5, 6)]}])
    assert nested["a"][1][0].tolist() == [2, 5]


def test_containers_keep_their_type_and_what_it_carries():
    names = Names([1, 2])
    names.owner = "me"
    result = default_collate([names, Names([3, 4])])
    assert type(result) is Names
    assert result.owner == "me"
    assert names == [1, 2]  # the sample itself is left alone
    counts = collections.defaultdict(int, a=1)
    result = default_collate([counts, {"a": 2}])
    assert type(result) is collections.defaultdict
    assert result["b"] == 0
    assert type(default_collate([Frozen({"a": 1})])) is Frozen
    assert type(default_collate([types.MappingProxyType({"a": 1})])) is types.MappingProxyType


@pytest.mark.parametrize("batch", [[None, None], [{1}, {2}], [object()], [(1, None), (2, None)]])
def test_other_types_raise(batch):
    with pytest.raises(TypeError, match=r"default_collate: batch must contain tensors, .* found <class '"):
        default_collate(batch)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([b"a"]), np.array([None])])
def test_arrays_of_other_things_raise(array):
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors"):
        default_collate([array, array])


@pytest.mark.parametrize("first", [torch.zeros(2), np.zeros(2), np.float32(1), 1.5, 1])
def test_none_among_the_samples_raises(first):
    with pytest.raises((TypeError, RuntimeError), match=r"None|object"):
        default_collate([first, None])


@pytest.mark.parametrize("make", [np.asarray, torch.tensor])
def test_dtypes_are_mixed_as_everywhere(make):
    result = default_collate([make(np.ones(2, np.int64)), make(np.full(2, 0.5, np.float32))])
    assert result.dtype == torch.float32
    assert result.tolist() == [[1, 1], [0.5, 0.5]]


def test_unequal_sizes_raise():
    with pytest.raises(
        RuntimeError,
        match=r"stack expects each tensor to be equal size, but got \[2\] at entry 0 and \[3\] at entry 1",
    ):
        default_collate([torch.zeros(2), torch.zeros(3)])
    with pytest.raises(RuntimeError, match=r"stack expects each tensor to be equal size"):
        default_collate([np.zeros(2), np.zeros(3)])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        default_collate([[1, 2], [3]])
    with pytest.raises(KeyError, match="b"):
        default_collate([{"a": 1, "b": 2}, {"a": 3}])


def test_an_own_function_for_a_type():
    def collate_sets(batch, *, collate_fn_map=None):
        return sorted(set().union(*batch))

    own = {**default_collate_fn_map, (set, frozenset): collate_sets}
    result = collate([(1, {2}), (3, {4})], collate_fn_map=own)
    assert result[0].tolist() == [1, 3]
    assert result[1] == [2, 4]


def test_the_exact_type_goes_before_its_bases():
    class Flag(int):
        pass

    own = {int: lambda batch, collate_fn_map=None: "int", Flag: lambda batch, collate_fn_map=None: "flag"}
    assert collate([Flag(1)], collate_fn_map=own) == "flag"
    assert collate([True], collate_fn_map=own) == "int"


def test_the_default_map_cannot_be_changed_for_everybody():
    with pytest.raises(TypeError, match="assignment"):
        default_collate_fn_map[set] = None


def test_convert():
    result = default_convert(
        {
            "a": np.array([1, 2]),
            "b": [np.float32(1), "text"],
            "c": (1, np.zeros(1)),
            "d": Point(np.array(1), 2),
        }
    )
    assert isinstance(result["a"], torch.Tensor)
    assert result["b"][0].dtype == torch.float32
    assert result["b"][1] == "text"
    assert type(result["c"]) is list
    assert type(result["d"]) is Point
    assert isinstance(result["d"].x, torch.Tensor)


@pytest.mark.parametrize("data", [1, 2.5, "a", b"a", None, {1, 2}])
def test_convert_leaves_other_things_alone(data):
    assert default_convert(data) is data


def test_convert_leaves_arrays_of_strings_alone():
    names = np.array(["a", "b"])
    assert default_convert(names) is names
    assert default_convert(range(2)) == [0, 1]


def test_pinning_asks_everything_that_can_be_pinned():
    class Custom:
        def pin_memory(self):
            return "pinned"

    result = pin_memory({"a": [Custom(), 1], "b": (Custom(),), "c": Point(Custom(), "text")})
    assert result == {"a": ["pinned", 1], "b": ("pinned",), "c": Point("pinned", "text")}


@pytest.mark.parametrize("function", [default_collate, default_convert])
def test_functions_can_be_sent_to_workers(function):
    assert pickle.loads(pickle.dumps(function)) is function


SAMPLES = [
    [1, 2],
    [1.0, 2.0],
    [True, False],
    [1, 2.5],
    [1.5, 2],
    [np.float32(1), np.float32(2)],
    [np.float64(1), np.float64(2)],
    [np.int8(1), np.int8(2)],
    [np.bool_(True), np.bool_(False)],
    [np.array([1.0, 2.0], np.float16)] * 2,
    [np.array(1), np.array(2)],
    [np.array([1.0], np.float32), np.array([1.0], np.float64)],
    [np.zeros((0, 3)), np.zeros((0, 3))],
    ["a", "b"],
    [b"a"],
    [(1, 2.0, "a"), (3, 4.0, "b")],
    [[1, 2], [3, 4]],
    [{"a": 1, "b": (2, 3)}, {"a": 4, "b": (5, 6)}],
    [Point(1, (2, 3.0)), Point(4, (5, 6.0))],
    [Names([1, 2]), Names([3, 4])],
    [Frozen({"a": 1}), Frozen({"a": 2})],
    [range(2), range(2, 4)],
    [[], []],
    [(), ()],
    [{}, {}],
]

WRONG_SAMPLES = [
    [None],
    [],
    [{1}],
    [[1, 2], [3]],
    [(1, 2), (3,)],
    [{"a": 1}, {"b": 2}],
    [np.array(["a"])],
    [np.zeros(2), np.zeros(3)],
    [np.zeros(2), np.zeros((2, 1))],
    [1, "a"],
    [1.5, "2"],
    [1.5, None],
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("batch", SAMPLES, ids=[repr(batch)[:60] for batch in SAMPLES])
def test_batches_are_those_of_pytorch(batch):
    real = pytest.importorskip("torch")
    result, expected = default_collate(batch), real.utils.data.default_collate(batch)
    assert type(result).__name__ == type(expected).__name__
    assert plain(result) == plain(expected)


@pytest.mark.torch_parity
@pytest.mark.parametrize("batch", WRONG_SAMPLES, ids=repr)
def test_errors_are_those_of_pytorch(batch):
    real = pytest.importorskip("torch")
    with pytest.raises(Exception) as expected:  # noqa: PT011
        real.utils.data.default_collate(batch)
    with pytest.raises(type(expected.value)) as got:
        default_collate(batch)
    words = str(expected.value)
    if words.startswith(("default_collate", "stack", "each element")):
        assert str(got.value).startswith(words)


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "sample",
    [
        1,
        "a",
        np.zeros(2),
        np.float32(1),
        np.array(["a"]),
        np.str_("a"),
        (1, np.zeros(1)),
        [np.int64(3)],
        {"a": np.ones(1)},
        Point(1, np.ones(1)),
        Frozen({"a": np.ones(1)}),
        range(2),
        None,
    ],
)
def test_conversion_is_that_of_pytorch(sample):
    real = pytest.importorskip("torch")
    result, expected = default_convert(sample), real.utils.data.default_convert(sample)
    assert type(result).__name__ == type(expected).__name__
    assert repr(plain(result)) == repr(plain(expected))
