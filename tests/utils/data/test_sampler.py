from __future__ import annotations

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as torch
from tinygrad_edu.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

lengths = st.integers(1, 40)
batch_sizes = st.integers(1, 12)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_base_class_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(Sampler())
    with pytest.raises(TypeError, match="len"):
        len(Sampler())


def test_sequential():
    sampler = SequentialSampler("abc")
    assert list(sampler) == [0, 1, 2]
    assert len(sampler) == 3


def test_samplers_follow_a_dataset_that_grows():
    data = ["a"]
    samplers = [SequentialSampler(data), RandomSampler(data)]
    data.append("b")
    assert [sorted(sampler) for sampler in samplers] == [[0, 1], [0, 1]]


@given(n=lengths)
def test_random_yields_every_index_once(n):
    assert sorted(RandomSampler(range(n))) == list(range(n))


@given(n=lengths, num_samples=st.integers(1, 100))
def test_random_with_num_samples_goes_round(n, num_samples):
    drawn = list(RandomSampler(range(n), num_samples=num_samples))
    counts = collections.Counter(drawn)
    assert len(drawn) == num_samples
    assert max(counts[i] for i in range(n)) - min(counts[i] for i in range(n)) <= 1
    assert sorted(drawn[:n]) == sorted(set(drawn[:n]))  # none comes again before all have come


def test_random_with_replacement_repeats():
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=1000, generator=seeded()))
    counts = np.bincount(drawn, minlength=5)
    assert len(drawn) == 1000
    assert counts.min() > 150


def test_random_order_is_that_of_randperm():
    assert (
        list(RandomSampler(range(20), generator=seeded(3)))
        == torch.randperm(20, generator=seeded(3)).tolist()
    )


def test_epochs_differ_and_seeds_repeat():
    sampler = RandomSampler(range(50))
    torch.manual_seed(1)
    first, second = list(sampler), list(sampler)
    torch.manual_seed(1)
    assert first != second
    assert list(sampler) == first


def test_a_generator_is_used_and_the_global_one_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1).item()
    torch.manual_seed(5)
    orders = [list(RandomSampler(range(30), generator=seeded(2))) for _ in range(2)]
    assert orders[0] == orders[1]
    assert torch.rand(1).item() == expected


@pytest.mark.parametrize("num_samples", [0, -1, 1.5])
def test_random_rejects_num_samples(num_samples):
    with pytest.raises(
        ValueError, match=f"num_samples should be a positive integer value, but got num_samples={num_samples}"
    ):
        RandomSampler(range(3), num_samples=num_samples)


def test_random_rejects_an_empty_dataset():
    with pytest.raises(ValueError, match="num_samples=0"):
        RandomSampler([])
    with pytest.raises(ValueError, match="length 0"):
        list(RandomSampler([], num_samples=3))


def test_random_rejects_other_arguments():
    with pytest.raises(TypeError, match="replacement should be a boolean value, but got replacement=1"):
        RandomSampler(range(3), replacement=1)
    with pytest.raises(TypeError, match=r"expected generator to be a torch.Generator or None, got int"):
        list(RandomSampler(range(3), generator=42))


@given(indices=st.lists(st.integers(-100, 100)))
def test_subset_random(indices):
    sampler = SubsetRandomSampler(indices)
    assert sorted(sampler) == sorted(indices)
    assert len(sampler) == len(indices)


def test_subset_random_takes_keys():
    assert sorted(SubsetRandomSampler(["b", "a"])) == ["a", "b"]


def test_subset_random_repeats_with_a_seed():
    orders = [list(SubsetRandomSampler(range(30), generator=seeded(4))) for _ in range(2)]
    assert orders[0] == orders[1] != list(range(30))


def test_weighted_frequencies():
    drawn = list(WeightedRandomSampler([0.0, 1.0, 3.0], 8000, generator=seeded()))
    counts = np.bincount(drawn, minlength=3)
    assert counts[0] == 0
    assert counts[2] / counts[1] == pytest.approx(3.0, rel=0.1)


def test_weighted_without_replacement():
    drawn = list(WeightedRandomSampler([1.0, 2.0, 0.0, 5.0], 3, replacement=False))
    assert sorted(drawn) == [0, 1, 3]


def test_weighted_rejects_arguments():
    with pytest.raises(ValueError, match="num_samples=True"):
        WeightedRandomSampler([1.0], True)
    with pytest.raises(ValueError, match="replacement should be a boolean value"):
        WeightedRandomSampler([1.0], 1, replacement=0)
    with pytest.raises(
        ValueError, match=r"weights should be a 1d sequence but given weights have shape \(1, 2\)"
    ):
        WeightedRandomSampler([[1.0, 2.0]], 1)


@given(n=st.integers(0, 40), size=batch_sizes, drop_last=st.booleans())
def test_batches_of_all_kinds_of_samplers(n, size, drop_last):
    expected = [list(range(start, min(start + size, n))) for start in range(0, n, size)]
    if drop_last:
        expected = [batch for batch in expected if len(batch) == size]
    for sampler in (SequentialSampler(range(n)), range(n)):
        batches = BatchSampler(sampler, size, drop_last)
        assert list(batches) == expected
        assert len(batches) == len(expected)


@given(n=lengths, size=batch_sizes)
def test_random_batches_hold_every_index_once(n, size):
    batches = list(BatchSampler(RandomSampler(range(n)), size, False))
    assert sorted(index for batch in batches for index in batch) == list(range(n))
    assert all(type(index) is int for batch in batches for index in batch)


def test_slices_are_those_of_the_single_indices():
    fast = BatchSampler(RandomSampler(range(20), generator=seeded(1)), 6, False).index_batches()
    slow = BatchSampler(iter(RandomSampler(range(20), generator=seeded(1))), 6, False)
    assert [batch.tolist() for batch in fast] == list(slow)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("num_samples", [1, 20, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("size", [1, 6, 32, 50])
@pytest.mark.parametrize("drop_last", [True, False])
def test_batches_across_pieces_are_those_of_the_single_indices(replacement, num_samples, size, drop_last):
    def sampler():
        return RandomSampler(range(20), replacement, num_samples, seeded(1))

    fast = BatchSampler(sampler(), size, drop_last)
    slow = list(BatchSampler(iter(sampler()), size, drop_last))
    assert list(fast) == slow
    assert len(slow) == len(fast)
    assert sum(map(len, slow)) == (num_samples // size * size if drop_last else num_samples)


@pytest.mark.parametrize("replacement", [True, False])
def test_an_endless_loader_draws_as_it_goes(replacement):
    sampler = RandomSampler(range(20), replacement, num_samples=10**10, generator=seeded(1))
    assert len(sampler) == 10**10
    some = list(itertools.islice(sampler, 1000))
    assert set(some) == set(range(20))
    loader = DataLoader(list(range(20)), batch_size=64, sampler=sampler)
    assert len(loader) == -(-(10**10) // 64)
    for batch in itertools.islice(loader, 3):
        assert batch.shape == (64,)


class EvenFirst(RandomSampler):
    def __iter__(self):
        indices = list(super().__iter__())
        return iter(sorted(indices, key=lambda index: index % 2))


def test_an_overridden_iter_is_not_bypassed():
    first, second = BatchSampler(EvenFirst(range(6)), 3, False).index_batches()
    assert sorted(first) == [0, 2, 4]
    assert sorted(second) == [1, 3, 5]


def test_an_endless_sampler_is_read_as_needed():
    def count():
        index = 0
        while True:
            yield index
            index += 1

    batches = iter(BatchSampler(count(), 2, False))
    assert [next(batches), next(batches)] == [[0, 1], [2, 3]]
    with pytest.raises(TypeError, match="len"):
        len(BatchSampler(count(), 2, False))


def test_a_sequential_sampler_over_a_huge_dataset_takes_no_memory():
    assert next(iter(BatchSampler(SequentialSampler(range(10**15)), 3, False))) == [0, 1, 2]


@pytest.mark.parametrize("batch_size", [0, -2, 1.5, True, None])
def test_batch_size_is_checked(batch_size):
    with pytest.raises(
        ValueError, match=f"batch_size should be a positive integer value, but got batch_size={batch_size}"
    ):
        BatchSampler(range(3), batch_size, False)


def test_drop_last_is_checked():
    with pytest.raises(ValueError, match="drop_last should be a boolean value, but got drop_last=1"):
        BatchSampler(range(3), 2, 1)


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("RandomSampler", ([],)),
        ("RandomSampler", (range(3), 1)),
        ("RandomSampler", (range(3), False, 0)),
        ("WeightedRandomSampler", ([1.0], 0)),
        ("WeightedRandomSampler", ([1.0], 1, 1)),
        ("WeightedRandomSampler", ([[1.0]], 1)),
        ("BatchSampler", (range(3), 0, False)),
        ("BatchSampler", (range(3), 1, None)),
    ],
)
def test_errors_are_those_of_pytorch(name, args):
    real = pytest.importorskip("torch")
    with pytest.raises(Exception) as expected:  # noqa: PT011
        getattr(real.utils.data, name)(*args)
    with pytest.raises(type(expected.value)) as got:
        getattr(torch.utils.data, name)(*args)
    assert str(got.value) == str(expected.value)


@pytest.mark.torch_parity
@pytest.mark.parametrize("num_samples", [3, 7, 14, 20])
@pytest.mark.parametrize("replacement", [False, True])
def test_counts_are_those_of_pytorch(num_samples, replacement):
    real = pytest.importorskip("torch")
    ours = list(RandomSampler(range(7), replacement, num_samples))
    theirs = list(real.utils.data.RandomSampler(range(7), replacement, num_samples))
    assert len(ours) == len(theirs)
    if not replacement:
        whole = num_samples // 7 * 7
        assert sorted(ours[:whole]) == sorted(theirs[:whole])


@pytest.mark.torch_parity
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("length", "replicas"), [(7, 3), (6, 3), (2, 5), (2, 3), (1, 1)])
def test_processes_share_a_dataset_as_in_pytorch(length, replicas, drop_last):
    data = pytest.importorskip("torch").utils.data
    for rank in range(replicas):
        mine, theirs = (
            package.DistributedSampler(range(length), replicas, rank, shuffle=False, drop_last=drop_last)
            for package in (torch.utils.data, data)
        )
        assert (list(mine), len(mine)) == (list(theirs), len(theirs))


def test_processes_share_one_order_in_each_epoch():
    samplers = [torch.utils.data.DistributedSampler(range(10), 2, rank, seed=3) for rank in range(2)]
    first = [list(sampler) for sampler in samplers]
    assert sorted(first[0] + first[1]) == list(range(10))
    assert first == [list(sampler) for sampler in samplers]
    for sampler in samplers:
        sampler.set_epoch(1)
    second = [list(sampler) for sampler in samplers]
    assert sorted(second[0] + second[1]) == list(range(10))
    assert second != first


def test_how_many_processes_there_are_must_be_said():
    with pytest.raises(RuntimeError, match="Requires distributed package to be available"):
        torch.utils.data.DistributedSampler(range(3))
    with pytest.raises(ValueError, match=r"Invalid rank 2, rank should be in the interval \[0, 1\]"):
        torch.utils.data.DistributedSampler(range(3), 2, 2)
    from tinygrad_edu.utils.data.distributed import DistributedSampler

    assert DistributedSampler is torch.utils.data.DistributedSampler
