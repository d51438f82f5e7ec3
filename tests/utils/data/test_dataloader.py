from __future__ import annotations

import math
import multiprocessing

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as torch
from tests.utils.data.samples import Numbers, Stream, pairs
from tinygrad_edu.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
)

lengths = st.integers(1, 40)
batch_sizes = st.integers(1, 12)


def values(loader):
    return [batch.tolist() for batch in loader]


def flat(batches):
    return [index for batch in batches for index in batch]


@given(n=st.integers(0, 40), size=batch_sizes, drop_last=st.booleans())
def test_batches_in_order(n, size, drop_last):
    loader = DataLoader(Numbers(n), size, drop_last=drop_last)
    batches = values(loader)
    kept = n // size * size if drop_last else n
    assert flat(batches) == list(range(kept))
    assert all(len(batch) == size for batch in batches[:-1])
    assert len(loader) == len(batches) == (n // size if drop_last else math.ceil(n / size))


@given(n=lengths, size=batch_sizes, seed=st.integers(0, 3))
def test_shuffle_gives_every_index_once(n, size, seed):
    for dataset in (Numbers(n), TensorDataset(torch.tensor(np.arange(n)))):
        batches = list(DataLoader(dataset, size, shuffle=True, generator=torch.Generator().manual_seed(seed)))
        batches = [batch if isinstance(batch, torch.Tensor) else batch[0] for batch in batches]
        assert sorted(torch.cat(batches).tolist()) == list(range(n))


@given(n=lengths, size=batch_sizes, shuffle=st.booleans(), drop_last=st.booleans())
def test_both_ways_of_reading_give_the_same_batches(n, size, shuffle, drop_last):
    class BySample(TensorDataset):
        def __getitem__(self, index):
            return super().__getitem__(index)

    def batches(cls):
        generator = torch.Generator().manual_seed(n)
        return list(
            DataLoader(cls(*pairs(n).tensors), size, shuffle, drop_last=drop_last, generator=generator)
        )

    fast, slow = batches(TensorDataset), batches(BySample)
    assert len(fast) == len(slow)
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b) is list
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert x.tolist() == y.tolist()


def test_a_batch_does_not_share_memory_with_the_dataset():
    dataset = pairs(6)
    for x, _ in DataLoader(dataset, 3):
        x.array[:] = -1
    assert dataset.tensors[0].array.min() == 0


def test_same_seed_same_order_and_epochs_differ():
    loader = DataLoader(Numbers(30), 7, shuffle=True)
    torch.manual_seed(1)
    first, second = values(loader), values(loader)
    torch.manual_seed(1)
    assert values(loader) == first != second


def test_generator_leaves_the_global_one_alone():
    torch.manual_seed(2)
    expected = torch.rand(1).item()
    torch.manual_seed(2)
    loader = DataLoader(Numbers(30), 7, shuffle=True, generator=torch.Generator().manual_seed(0))
    first = values(loader)
    assert torch.rand(1).item() == expected
    again = DataLoader(Numbers(30), 7, shuffle=True, generator=torch.Generator().manual_seed(0))
    assert values(again) == first


def test_two_loops_at_once():
    loader = DataLoader(Numbers(4), 2)
    assert [(a.tolist(), b.tolist()) for a, b in zip(loader, loader, strict=True)] == [
        ([0, 1], [0, 1]),
        ([2, 3], [2, 3]),
    ]


def test_iterator_can_be_advanced_by_hand():
    iterator = iter(DataLoader(Numbers(3), 2))
    assert iter(iterator) is iterator
    assert len(iterator) == 2
    assert next(iterator).tolist() == [0, 1]
    assert next(iterator).tolist() == [2]
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(iterator)


def test_without_batching():
    loader = DataLoader([np.ones(2), "a", 3], batch_size=None)
    array, text, number = loader
    assert isinstance(array, torch.Tensor)
    assert (text, number) == ("a", 3)
    assert len(loader) == 3
    assert loader.batch_sampler is None
    assert list(DataLoader(Numbers(3), None, shuffle=True, generator=torch.Generator().manual_seed(0))) != []


def test_without_batching_a_sampler_may_give_whole_batches():
    sampler = BatchSampler(SequentialSampler(range(5)), 2, False)
    batches = list(DataLoader(pairs(5), batch_size=None, sampler=sampler))
    assert [y.tolist() for _, y in batches] == [[0, 1], [2, 3], [4]]


def test_collate_fn():
    assert list(DataLoader(Numbers(5), 2, collate_fn=list)) == [[0, 1], [2, 3], [4]]
    assert list(DataLoader(Numbers(2), None, collate_fn=str)) == ["0", "1"]
    ((x, y),) = DataLoader(pairs(3), 3, collate_fn=lambda samples: default_collate(samples))
    assert x.shape == (3, 3)


def test_samplers():
    assert sorted(flat(values(DataLoader(Numbers(9), 2, sampler=SubsetRandomSampler([1, 5, 7]))))) == [
        1,
        5,
        7,
    ]
    assert values(DataLoader(Numbers(9), 2, sampler=[3, 4, 8])) == [[3, 4], [8]]
    assert len(DataLoader(Numbers(9), 2, sampler=[3, 4, 8])) == 2
    assert values(DataLoader(Numbers(9), batch_sampler=[[1], [2, 3, 4]])) == [[1], [2, 3, 4]]
    assert len(DataLoader(Numbers(9), batch_sampler=[[1], [2, 3, 4]])) == 2


class ShortestFirst(BatchSampler):
    def __iter__(self):
        return iter(sorted(super().__iter__(), key=len))


def test_a_batch_sampler_that_overrides_iter_is_not_bypassed():
    loader = DataLoader(Numbers(5), batch_sampler=ShortestFirst(range(5), 2, False))
    assert values(loader) == [[4], [0, 1], [2, 3]]


class Downwards(SequentialSampler):
    def __iter__(self):
        return iter(range(len(self) - 1, -1, -1))


def test_a_sampler_that_overrides_iter_is_not_bypassed():
    assert values(DataLoader(Numbers(5), 2, sampler=Downwards(range(5)))) == [[4, 3], [2, 1], [0]]


def test_datasets_get_python_ints():
    class Typed(Numbers):
        def __getitem__(self, index):
            assert type(index) is int
            return index

    list(DataLoader(Typed(5), 2, shuffle=True))
    list(DataLoader(Typed(5), None, shuffle=True))


def test_empty_dataset():
    assert list(DataLoader(Numbers(0), 3)) == []
    assert len(DataLoader(Numbers(0), 3)) == 0
    with pytest.raises(
        ValueError, match="num_samples should be a positive integer value, but got num_samples=0"
    ):
        DataLoader(Numbers(0), 3, shuffle=True)


def test_an_error_in_the_dataset_comes_through():
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError(index)

    with pytest.raises(KeyError, match="0"):
        list(DataLoader(Broken(3)))


def test_a_dataset_without_length():
    class Endless(Dataset):
        def __getitem__(self, index):
            return index

    with pytest.raises(TypeError, match="len"):
        list(DataLoader(Endless()))
    assert values(DataLoader(Endless(), 2, sampler=[10, 20])) == [[10, 20]]


# ---- streams -------------------------------------------------------------------------------------------


class SizedStream(Stream):
    def __init__(self, stop, length):
        super().__init__(0, stop)
        self.length = length

    def __len__(self):
        return self.length


@given(n=st.integers(0, 30), size=batch_sizes, drop_last=st.booleans())
def test_stream(n, size, drop_last):
    loader = DataLoader(SizedStream(n, n), size, drop_last=drop_last)
    batches = values(loader)
    assert flat(batches) == list(range(n // size * size if drop_last else n))
    assert len(loader) == len(batches)


def test_stream_without_batching_or_length():
    assert list(DataLoader(Stream(2, 5), None)) == [2, 3, 4]
    with pytest.raises(TypeError, match="len"):
        len(DataLoader(Stream(2, 5)))


def test_stream_that_is_longer_than_it_says():
    loader = DataLoader(SizedStream(3, 2), batch_size=None)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="was reported to be 2 .* but 3 samples have been fetched"):
        list(loader)


@pytest.mark.parametrize("option", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}])
def test_stream_has_no_order(option):
    with pytest.raises(
        ValueError, match=f"DataLoader with IterableDataset: expected unspecified {next(iter(option))} option"
    ):
        DataLoader(Stream(0, 3), **option)
    DataLoader(Stream(0, 3), shuffle=False)


# ---- options -------------------------------------------------------------------------------------------

WRONG_OPTIONS = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"prefetch_factor": -1, "num_workers": 1},
    {"persistent_workers": True},
    {"sampler": [1], "shuffle": True},
    {"batch_sampler": [[1]], "batch_size": 2},
    {"batch_sampler": [[1]], "shuffle": True},
    {"batch_sampler": [[1]], "sampler": [1]},
    {"batch_sampler": [[1]], "drop_last": True},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
    {"batch_size": 2.5},
    {"drop_last": 1},
    {"multiprocessing_context": "spawn"},
    {"multiprocessing_context": "thread", "num_workers": 1},
    {"multiprocessing_context": 3, "num_workers": 1},
]


def letters(error):
    """Return the words of a message, for a comparison that does not see how it is punctuated."""
    return [word.strip(".,:;").split(".let")[0] for word in str(error).split()]


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", WRONG_OPTIONS, ids=str)
def test_options_are_checked_as_in_pytorch(options):
    real = pytest.importorskip("torch")
    with pytest.raises((ValueError, TypeError)) as expected:
        real.utils.data.DataLoader(range(5), **options)
    with pytest.raises(type(expected.value)) as got:
        DataLoader(range(5), **options)
    start = 5
    assert letters(got.value)[:start] == letters(expected.value)[:start]


@pytest.mark.parametrize("options", WRONG_OPTIONS, ids=str)
def test_options_are_checked(options):
    with pytest.raises((ValueError, TypeError), match=next(iter(options))):
        DataLoader(range(5), **options)


def test_options_that_pytorch_checks_later_or_not_at_all():
    with pytest.raises(ValueError, match="timeout option needs num_workers > 0, got timeout=3"):
        DataLoader(range(5), timeout=3)
    with pytest.raises(ValueError, match=r"prefetch_factor option should be .* not zero: got 0"):
        DataLoader(range(5), num_workers=1, prefetch_factor=0)


def test_how_workers_are_started():
    loader = DataLoader(range(5), num_workers=1)
    assert loader.multiprocessing_context is None
    for method in multiprocessing.get_all_start_methods():
        loader.multiprocessing_context = method
        assert loader.multiprocessing_context is multiprocessing.get_context(method)
    with pytest.raises(ValueError, match="should specify a valid start method"):
        loader.multiprocessing_context = "thread"


def test_attributes():
    generator = torch.Generator()
    loader = DataLoader(range(5), 2, True, num_workers=1, generator=generator, timeout=4, pin_memory=True)
    assert isinstance(loader.sampler, RandomSampler)
    assert isinstance(loader.batch_sampler, BatchSampler)
    assert (loader.batch_size, loader.drop_last, loader.num_workers, loader.prefetch_factor) == (
        2,
        False,
        1,
        2,
    )
    assert (loader.timeout, loader.pin_memory, loader.persistent_workers) == (4, True, False)
    assert loader.generator is generator
    assert loader.collate_fn is default_collate
    assert DataLoader(range(5), batch_sampler=[[1]]).batch_size is None
    assert DataLoader(range(5)).prefetch_factor is None


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_some_attributes_are_fixed(name):
    loader = DataLoader(range(5))
    with pytest.raises(
        ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"
    ):
        setattr(loader, name, None)
    loader.collate_fn = list
    assert next(iter(loader)) == [0]


def test_too_many_workers_warn():
    with pytest.warns(UserWarning, match="This DataLoader will create 10000 worker processes in total"):
        DataLoader(range(5), num_workers=10000)


def test_pin_memory_without_a_gpu_warns(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.utils.data.loader_iterator.is_cuda_available", lambda: False)
    with pytest.warns(
        UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"
    ) as caught:
        batches = values(DataLoader(Numbers(3), 2, pin_memory=True))
    assert batches == [[0, 1], [2]]
    assert caught[0].filename == __file__


def test_pin_memory(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.utils.data.loader_iterator.is_cuda_available", lambda: True)
    monkeypatch.setattr(
        "tinygrad_edu.utils.data.loader_iterator.pin_memory", lambda batch: ("pinned", batch.tolist())
    )
    assert list(DataLoader(Numbers(3), 2, pin_memory=True)) == [("pinned", [0, 1]), ("pinned", [2])]


# ---- against PyTorch -----------------------------------------------------------------------------------


@pytest.mark.torch_parity
@pytest.mark.parametrize("n", [0, 1, 5, 12])
@pytest.mark.parametrize("batch_size", [None, 1, 4, 12, 20])
@pytest.mark.parametrize("drop_last", [False, True])
def test_sizes_are_those_of_pytorch(n, batch_size, drop_last):
    real = pytest.importorskip("torch")
    if batch_size is None and drop_last:
        return
    options = {"batch_size": batch_size, "drop_last": drop_last}
    ours, theirs = DataLoader(Numbers(n), **options), real.utils.data.DataLoader(Numbers(n), **options)
    assert len(ours) == len(theirs)
    to_list = (lambda batch: batch) if batch_size is None else (lambda batch: batch.tolist())
    assert [to_list(batch) for batch in ours] == [to_list(batch) for batch in theirs]


@pytest.mark.torch_parity
def test_tensor_batches_are_those_of_pytorch():
    real = pytest.importorskip("torch")
    x, y = pairs(7).tensors
    theirs = real.utils.data.TensorDataset(real.from_numpy(x.array), real.from_numpy(y.array))
    for wrap, real_wrap in [
        (lambda d: d, lambda d: d),
        (lambda d: Subset(d, [6, 2, 2]), lambda d: real.utils.data.Subset(d, [6, 2, 2])),
    ]:
        for a, b in zip(
            DataLoader(wrap(pairs(7)), 3), real.utils.data.DataLoader(real_wrap(theirs), 3), strict=True
        ):
            assert type(a) is type(b) is list
            assert [str(tensor.dtype) for tensor in a] == [str(tensor.dtype) for tensor in b]
            assert [tensor.tolist() for tensor in a] == [tensor.tolist() for tensor in b]


@pytest.mark.parametrize(
    ("loader", "text"),
    [
        (
            lambda: DataLoader(pairs(5), 2),
            "DataLoader(TensorDataset of 5, batch_size=2, sampler=SequentialSampler)",
        ),
        (
            lambda: DataLoader(Numbers(5), 2, shuffle=True, drop_last=True, num_workers=1),
            "DataLoader(Numbers of 5, batch_size=2, sampler=RandomSampler, drop_last=True, num_workers=1)",
        ),
        (
            lambda: DataLoader(Numbers(5), batch_sampler=BatchSampler(range(5), 2, False)),
            "DataLoader(Numbers of 5, batch_sampler=BatchSampler)",
        ),
        (
            lambda: DataLoader(Numbers(5), None),
            "DataLoader(Numbers of 5, batch_size=None, sampler=SequentialSampler)",
        ),
        (lambda: DataLoader(Endless()), "DataLoader(Endless, batch_size=1, sampler=EndlessSampler)"),
    ],
)
def test_what_a_loader_is_shown_as(loader, text):
    assert repr(loader()) == text


class Endless(IterableDataset):
    def __iter__(self):
        return iter(int, 1)
