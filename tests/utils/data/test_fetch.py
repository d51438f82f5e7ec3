from __future__ import annotations

import numpy as np
import pytest

from tests.utils.data.samples import Numbers, Stream, first, pairs
from tinygrad_edu.utils.data import Dataset, default_collate, default_convert
from tinygrad_edu.utils.data.fetch import IterableFetcher, MapFetcher, make_fetcher


class Recorder(Dataset):
    """Notes how it is read."""

    def __init__(self):
        self.calls = []

    def __getitem__(self, index):
        self.calls.append(("one", index))
        return 1.0

    def get_collated_batch(self, indices):
        self.calls.append(("batch", indices))
        return "collated"


class Lister(Recorder):
    """Has PyTorch's way of reading several samples."""

    def __getitems__(self, indices):
        self.calls.append(("list", indices))
        return [1.0] * len(indices)


def test_collated_batch_is_used_with_the_default_collate():
    dataset = Recorder()
    assert MapFetcher(dataset, True, default_collate).fetch(range(2, 5)) == "collated"
    (call,) = dataset.calls
    assert call[1].dtype == np.int64
    assert call[1].tolist() == [2, 3, 4]


def test_an_own_collate_fn_sees_the_samples():
    dataset = Recorder()
    assert MapFetcher(dataset, True, list).fetch(np.array([1, 2])) == [1.0, 1.0]
    assert dataset.calls == [("one", 1), ("one", 2)]


def test_without_batching_a_sample_is_read():
    dataset = Recorder()
    assert MapFetcher(dataset, False, default_convert).fetch(4) == 1.0
    assert dataset.calls == [("one", 4)]


def test_getitems_of_a_subclass_goes_before_an_inherited_collated_batch():
    dataset = Lister()
    assert MapFetcher(dataset, True, default_collate).fetch(np.array([1, 2])).tolist() == [1.0, 1.0]
    assert dataset.calls == [("list", [1, 2])]


def test_keys_of_any_kind():
    class Words(Dataset):
        def __getitem__(self, key):
            return key.upper()

    assert MapFetcher(Words(), True, default_collate).fetch(["a", "b"]) == ["A", "B"]
    assert MapFetcher({"a": 1, "b": 2}, True, list).fetch(("a", "b")) == [1, 2]


def test_an_empty_batch_is_an_error_as_in_pytorch():
    with pytest.raises(IndexError):
        MapFetcher(pairs(3), True, default_collate).fetch([])


def test_stop_iteration_of_a_dataset_does_not_end_the_loop_silently():
    class Exhausted(Numbers):
        def __getitem__(self, index):
            return next(iter([]))

    with pytest.raises(RuntimeError, match="got StopIteration"):
        MapFetcher(Exhausted(3), True, default_collate).fetch([0])


def drain(fetcher, size):
    batches = []
    while True:
        try:
            batches.append(fetcher.fetch([None] * size))
        except StopIteration:
            return batches


@pytest.mark.parametrize(
    ("drop_last", "expected"), [(False, [[0, 1], [2, 3], [4]]), (True, [[0, 1], [2, 3]])]
)
def test_stream(drop_last, expected):
    fetcher = make_fetcher(Stream(0, 5), True, list, drop_last)
    assert isinstance(fetcher, IterableFetcher)
    assert drain(fetcher, 2) == expected
    with pytest.raises(StopIteration):
        fetcher.fetch([None])


def test_stream_without_batching():
    assert drain(IterableFetcher(Stream(0, 3), False, default_convert, False), 1) == [0, 1, 2]


def test_kinds():
    assert isinstance(make_fetcher(pairs(1), True, first, False), MapFetcher)
    assert isinstance(make_fetcher([1, 2], True, first, False), MapFetcher)
