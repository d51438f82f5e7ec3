from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as torch
from tests.utils.data.samples import Numbers, Stream, pairs
from tinygrad_edu.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from tinygrad_edu.utils.data.fast_path import read_collated, read_samples


def test_base_classes_say_what_is_missing():
    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="should implement __iter__"):
        iter(IterableDataset())
    with pytest.raises(TypeError, match="len"):
        len(Dataset())


def test_generic_classes_can_be_subscripted():
    class Ints(Dataset[int]):
        pass

    assert issubclass(Ints, Dataset)


# ---- TensorDataset -------------------------------------------------------------------------------------


def test_tensor_dataset():
    dataset = pairs(4)
    x, y = dataset[2]
    assert len(dataset) == 4
    assert x.tolist() == [6.0, 7.0, 8.0]
    assert y.item() == 2
    assert [tensor.shape for tensor in dataset[1:3]] == [(2, 3), (2,)]


def test_tensor_dataset_rejects_sizes_and_types():
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors.*\[3, 4\]"):
        TensorDataset(torch.zeros(3), torch.zeros(4))
    with pytest.raises(TypeError, match=r"expected Tensors, got numpy.ndarray.*from_numpy"):
        TensorDataset(np.zeros(3))
    with pytest.raises(TypeError, match="expected Tensors, got list"):
        TensorDataset([1, 2])
    with pytest.raises(IndexError, match="at least one dimension"):
        TensorDataset(torch.tensor(1.0))


@given(n=st.integers(1, 20), data=st.data())
def test_collated_batch_is_what_collate_makes_of_the_samples(n, data):
    dataset = TensorDataset(
        torch.tensor(np.random.default_rng(n).random((n, 2, 3), dtype=np.float32)),
        torch.tensor(np.arange(n)),
        torch.tensor(np.arange(n) % 2 == 0),
        torch.tensor(np.asfortranarray(np.random.default_rng(n).random((n, 4)))),
    )
    indices = data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=30))
    fast = read_collated(dataset, indices)
    slow = default_collate([dataset[i] for i in indices])
    assert type(fast) is type(slow) is list
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b)
        assert a.dtype == b.dtype
        assert a.array.flags.c_contiguous
        np.testing.assert_array_equal(a.array, b.array)


def test_collated_batch_owns_its_memory():
    dataset = pairs(6)
    for indices in (range(3), np.arange(3), [0, 1, 2]):
        for tensor, whole in zip(read_collated(dataset, indices), dataset.tensors, strict=True):
            assert not np.shares_memory(tensor.array, whole.array)


def test_collated_batch_keeps_the_graph():
    x = torch.ones(4, 2, requires_grad=True)
    (batch,) = read_collated(TensorDataset(x), [1, 1, 3])
    batch.sum().backward()
    assert x.grad.tolist() == [[0, 0], [2, 2], [0, 0], [1, 1]]


@pytest.mark.parametrize("index", [10, -11])
def test_an_index_outside_raises_on_both_ways(index):
    dataset = pairs(10)
    with pytest.raises(IndexError, match=f"index {index} is out of bounds"):
        read_collated(dataset, [0, index])
    with pytest.raises(IndexError, match=f"index {index} is out of bounds"):
        dataset[index]


class Doubled(TensorDataset):
    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return 2 * x, y


class DoubledByTheBatch(TensorDataset):
    def __getitems__(self, indices):
        return [(2 * x, y) for x, y in (self[i] for i in indices)]


class DoubledBothWays(Doubled):
    def get_collated_batch(self, indices):
        x, y = super().get_collated_batch(indices)
        return [2 * x, y]


@pytest.mark.parametrize("cls", [Doubled, DoubledByTheBatch, DoubledBothWays])
@pytest.mark.parametrize(
    "wrap",
    [lambda dataset: dataset, lambda dataset: Subset(dataset, list(range(10)))],
    ids=["itself", "subset"],
)
def test_an_overridden_method_is_not_bypassed(cls, wrap):
    x, y = pairs(10).tensors
    for batch, _ in DataLoader(wrap(cls(x, y)), batch_size=4):
        expected = 2 * x[:4] if batch.shape[0] == 4 and batch[0, 0].item() == 0 else None
        if expected is not None:
            assert batch.tolist() == expected.tolist()
    batches = [batch for batch, _ in DataLoader(wrap(cls(x, y)), batch_size=4)]
    assert torch.cat(batches).tolist() == (2 * x).tolist()


def test_only_the_class_that_is_asked_decides_how_it_is_read():
    x, y = pairs(10).tensors
    assert read_collated(Doubled(x, y), [1]) is NotImplemented
    assert read_collated(DoubledByTheBatch(x, y), [1]) is NotImplemented
    assert read_collated(DoubledBothWays(x, y), [1])[0].tolist() == [[6, 8, 10]]
    assert read_collated(Subset(Doubled(x, y), [1, 2]), [0]) is NotImplemented
    assert read_collated([1, 2], [0]) is NotImplemented
    assert read_collated(pairs(3), ["a"]) is NotImplemented


# ---- Subset and random_split ---------------------------------------------------------------------------


def test_subset():
    subset = Subset("abcdef", [5, 0, 3])
    assert len(subset) == 3
    assert [subset[0], subset[-1]] == ["f", "d"]
    assert list(subset) == ["f", "a", "d"]
    assert subset.__getitems__([2, 0]) == ["d", "f"]


@pytest.mark.parametrize("indices", [[7, 1, 1, 4], np.array([7, 1, 1, 4]), (7, 1, 1, 4), range(4)])
def test_subset_reads_collated_batches(indices):
    subset = Subset(pairs(8), indices)
    x, y = read_collated(subset, np.array([3, 0]))
    assert y.tolist() == [indices[3], indices[0]]
    assert x.shape == (2, 3)


def test_subset_of_a_subset():
    subset = Subset(Subset(pairs(8), [7, 6, 5, 4]), [1, 3])
    x, y = read_collated(subset, [0, 1])
    assert y.tolist() == [6, 4]


def test_subset_follows_a_change_of_its_indices():
    subset = Subset(pairs(8), [0, 1])
    read_collated(subset, [0])
    subset.indices[0] = 5
    assert read_collated(subset, [0])[1].tolist() == [5]


def test_subset_with_a_list_as_index():
    x, _ = Subset(pairs(8), [7, 6])[[0, 1]]
    assert x.shape == (2, 3)


class Upper(Subset):
    def __getitem__(self, index):
        return super().__getitem__(index).upper()


def test_a_subclass_of_subset_may_override_getitem_alone():
    (batch,) = DataLoader(Upper("abc", [0, 2]), batch_size=2)
    assert batch == ["A", "C"]


class CountsCalls(Numbers):
    calls = 0

    def __getitems__(self, indices):
        assert all(type(index) is int for index in indices)
        self.calls += 1
        return [self[index] for index in indices]


def test_subset_asks_for_all_samples_at_once():
    dataset = CountsCalls(10)
    assert read_samples(Subset(dataset, [9, 8, 7]), [0, 2]) == [9, 7]
    assert dataset.calls == 1


@pytest.mark.filterwarnings("ignore:Length of split")
@given(n=st.integers(1, 60), cut=st.floats(0.05, 0.95), seed=st.integers(0, 5))
def test_random_split_gives_every_sample_once(n, cut, seed):
    lengths = [int(n * cut), n - int(n * cut)]
    parts = random_split(range(n), lengths, torch.Generator().manual_seed(seed))
    again = random_split(range(n), lengths, torch.Generator().manual_seed(seed))
    assert [len(part) for part in parts] == lengths
    assert sorted(i for part in parts for i in part) == list(range(n))
    assert [list(part) for part in parts] == [list(part) for part in again]


@pytest.mark.parametrize(
    ("n", "fractions", "lengths"),
    [
        (10, [0.3, 0.7], [3, 7]),
        (10, [0.33, 0.33, 0.34], [4, 3, 3]),
        (7, [0.5, 0.5], [4, 3]),
        (1, [1], [1]),
        (10, [1.0], [10]),
    ],
)
def test_random_split_by_fractions(n, fractions, lengths):
    assert [len(part) for part in random_split(range(n), fractions)] == lengths


def test_random_split_errors():
    with pytest.raises(
        ValueError, match=r"does not equal the length of the input dataset! Expected 10, got 3 \+ 4 = 7"
    ):
        random_split(range(10), [3, 4])
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(range(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(1), [0.5, 0.5])


def test_random_split_uses_the_global_generator():
    torch.manual_seed(3)
    first = random_split(range(20), [15, 5])
    torch.manual_seed(3)
    assert first[0].indices == random_split(range(20), [15, 5], None)[0].indices


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "fractions",
    [[0.1, 0.2, 0.7], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.25, 0.75], [1, 0], [0.999999999999, 1e-12]],
)
@pytest.mark.parametrize("n", [1, 7, 10, 101])
@pytest.mark.filterwarnings("ignore:Length of split")
def test_lengths_of_fractions_are_those_of_pytorch(fractions, n):
    real = pytest.importorskip("torch")
    ours = [len(part) for part in random_split(range(n), fractions)]
    assert ours == [len(part) for part in real.utils.data.random_split(range(n), fractions)]


# ---- several datasets ----------------------------------------------------------------------------------


def test_concat():
    both = ConcatDataset(["ab", [], "cde"])
    assert len(both) == 5
    assert list(both) == list("abcde")
    assert [both[i] for i in range(-5, 0)] == list("abcde")
    assert both.cumulative_sizes == [2, 2, 5]
    assert list(Numbers(2) + Numbers(1)) == [0, 1, 0]


def test_concat_errors():
    with pytest.raises(AssertionError, match="datasets should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        ConcatDataset([Stream(0, 3)])
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset length"):
        ConcatDataset(["ab"])[-3]
    with pytest.raises(IndexError, match="expected an index of -2 to 1, got 2"):
        ConcatDataset(["ab"])[2]


def test_chain():
    chain = Stream(0, 2) + Stream(5, 7)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [0, 1, 5, 6]
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        list(ChainDataset([Numbers(3)]))
    with pytest.raises(TypeError, match="len"):
        len(chain)


def test_stack():
    stacked = StackDataset("ab", [1, 2])
    assert [stacked[0], stacked[1]] == [("a", 1), ("b", 2)]
    assert stacked.__getitems__([1, 0]) == [("b", 2), ("a", 1)]
    named = StackDataset(letter="ab", number=[1, 2])
    assert named[1] == {"letter": "b", "number": 2}
    assert named.__getitems__([1, 0]) == [named[1], named[0]]
    assert len(named) == 2


def test_stack_errors():
    with pytest.raises(ValueError, match="At least one dataset should be passed"):
        StackDataset()
    with pytest.raises(ValueError, match="both types are given"):
        StackDataset("a", b="b")
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        StackDataset("a", "bc")
