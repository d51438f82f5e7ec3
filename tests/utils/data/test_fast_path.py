from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.utils.data.fast_path import as_index_array, as_index_list, may_use


class Base:
    def slow(self): ...

    def fast(self): ...


class Plain(Base):
    pass


class OverridesSlow(Base):
    def slow(self): ...


class OverridesBoth(OverridesSlow):
    def slow(self): ...

    def fast(self): ...


class SwitchedOff(Base):
    fast = None


class SlowMixin:
    def slow(self): ...


class WithMixin(SlowMixin, Base):
    pass


class Proxy:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def slow(self): ...


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Base, True),
        (Plain, True),
        (OverridesSlow, False),
        (OverridesBoth, True),
        (SwitchedOff, False),
        (WithMixin, False),
    ],
)
def test_the_most_derived_class_decides(cls, expected):
    assert may_use(cls(), "fast", instead_of=("slow",)) is expected


def test_a_wrapper_that_hands_attributes_on_is_not_its_content():
    assert not may_use(Proxy(Base()), "fast", instead_of=("slow",))


@pytest.mark.parametrize(
    "indices",
    [range(2, 6), [2, 3, 4, 5], [np.int64(2), 3, 4, 5], np.arange(2, 6), np.arange(2, 6, dtype=np.uint8)],
)
def test_index_array(indices):
    array = as_index_array(indices)
    assert array.dtype == np.int64
    np.testing.assert_array_equal(array, [2, 3, 4, 5])


@pytest.mark.parametrize(
    "indices",
    [
        [],
        ["a"],
        [True, False],
        [1, 2.5],
        [1, "a"],
        [1, [2]],
        [slice(3)],
        np.zeros(0, np.int64),
        np.ones((2, 2), int),
        [2**70],
        None,
        (1, 2),
    ],
)
def test_no_index_array(indices):
    assert as_index_array(indices) is None


@pytest.mark.parametrize("indices", [range(3), np.arange(3), [0, 1, 2]])
def test_index_list_has_python_ints(indices):
    indices = as_index_list(indices)
    assert indices == [0, 1, 2]
    assert all(type(i) is int for i in indices)


def test_index_list_leaves_other_things_alone():
    keys = ("a", "b")
    assert as_index_list(keys) is keys
