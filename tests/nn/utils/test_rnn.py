"""Sequences of different lengths, padded and packed: the same as PyTorch's."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.nn.utils import rnn

SHAPES = [(), (2,), (2, 3)]  # of an element
LENGTHS = [[5, 3, 3, 1], [2, 4, 1, 4], [1, 1, 1, 1]]


@pytest.fixture
def reference():
    """PyTorch, to compare with."""
    return pytest.importorskip("torch")


def same(ours, theirs):
    if theirs is None:
        assert ours is None
        return
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_array_equal(ours.numpy(force=True), theirs.numpy(force=True))


def both(reference, call, array):
    """Return what a function of (library, tensor) gives in both libraries, and the gradients of its first result."""
    results = []
    for library in (torch, reference):
        x = library.tensor(array, requires_grad=True)
        found = call(library, x)
        found = list(found) if isinstance(found, tuple | list) else [found]
        (found[0] * library.arange(found[0].numel()).reshape(tuple(found[0].shape))).sum().backward()
        results.append([*found, x.grad])
    return results


@pytest.mark.torch_parity
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_first", [True, False])
def test_packing(reference, shape, lengths, batch_first):
    dims = (4, 6) if batch_first else (6, 4)
    array = np.random.default_rng(0).standard_normal((*dims, *shape))
    for enforce_sorted in {False, lengths == sorted(lengths, reverse=True)}:

        def pack(library, x, enforce_sorted=enforce_sorted):
            return library.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first, enforce_sorted)

        ours, theirs = both(reference, pack, array)
        same(ours[0], theirs[0])
        same(ours[1], theirs[1])
        same(ours[-1], theirs[-1])
        if ours[2] is not None:  # which of two equal lengths comes first is left open
            assert sorted(ours[2].tolist()) == list(range(4))
            assert ours[2][ours[3]].tolist() == list(range(4))


@pytest.mark.torch_parity
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("options", [{}, {"padding_value": -1.5}, {"total_length": 8}], ids=str)
def test_padding_what_was_packed(reference, shape, lengths, batch_first, options):
    array = np.random.default_rng(0).standard_normal((6, 4, *shape))

    def there_and_back(library, x):
        tools = library.nn.utils.rnn
        packed = tools.pack_padded_sequence(x, library.tensor(lengths), enforce_sorted=False)
        return tools.pad_packed_sequence(packed, batch_first, **options)

    for a, b in zip(*both(reference, there_and_back, array), strict=True):
        same(a, b)


@pytest.mark.torch_parity
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_sequences(reference, shape, batch_first, side):
    array = np.random.default_rng(0).standard_normal((6, *shape))

    def pad(library, x):
        sequences = [x[:2], x[2:6], x[1:2], x[:0]]
        return library.nn.utils.rnn.pad_sequence(sequences, batch_first, 2.5, side)

    for a, b in zip(*both(reference, pad, array), strict=True):
        same(a, b)


def test_there_and_back():
    sequences = [torch.arange(3), torch.arange(5), torch.arange(1)]
    for back in (
        rnn.unpack_sequence(rnn.pack_sequence(sequences, enforce_sorted=False)),
        rnn.unpad_sequence(rnn.pad_sequence(sequences), torch.tensor([3, 5, 1])),
        rnn.unpad_sequence(rnn.pad_sequence(sequences, batch_first=True), torch.tensor([3, 5, 1]), True),
    ):
        assert [x.tolist() for x in back] == [x.tolist() for x in sequences]


def test_a_packed_sequence():
    packed = rnn.pack_sequence([torch.arange(2), torch.arange(3)], enforce_sorted=False)
    data, batch_sizes, order, back = packed
    assert data.tolist() == [0, 0, 1, 1, 2]
    assert batch_sizes.tolist() == [2, 2, 1]
    assert (order.tolist(), back.tolist()) == ([1, 0], [1, 0])
    assert repr(packed).startswith("PackedSequence(data=tensor([0, 0, 1, 1, 2]")
    assert ", batch_sizes=tensor([2, 2, 1]), sorted_indices=tensor([1, 0]" in repr(packed)
    assert packed.is_cuda is data.is_cuda
    assert packed.to(data.device) is packed
    assert packed.double().data.dtype == torch.float64
    assert packed.float().half().data.dtype == torch.float16
    assert packed.int().long().data.dtype == torch.int64
    assert [packed.short().data.dtype, packed.char().data.dtype] == [torch.int16, torch.int8]
    assert packed.byte().data.dtype == torch.uint8
    assert packed.to(dtype=torch.float64).sorted_indices.dtype == torch.int64
    assert packed.cpu().data.device.type == "cpu"
    assert isinstance(packed, tuple)
    assert pickle.loads(pickle.dumps(packed)).batch_sizes.tolist() == [2, 2, 1]
    assert rnn.PackedSequence((data, batch_sizes)).batch_sizes is batch_sizes
    assert rnn.invert_permutation(None) is None


CALLS = {
    "a length of 0": lambda r, t: r.pack_padded_sequence(t.zeros(4, 3, 2), [4, 2, 0]),
    "not in order": lambda r, t: r.pack_padded_sequence(t.zeros(4, 3, 2), [2, 4, 1]),
    "not one for each": lambda r, t: r.pack_padded_sequence(t.zeros(4, 3, 2), [4, 2]),
    "no lengths": lambda r, t: r.pack_padded_sequence(t.zeros(4, 3, 2), []),
    "lengths of two dimensions": lambda r, t: r.pack_padded_sequence(t.zeros(4, 3, 2), t.tensor([[4, 2, 1]])),
    "one dimension": lambda r, t: r.pack_padded_sequence(t.zeros(4), [4]),
    "nothing to pack": lambda r, t: r.pack_padded_sequence(t.zeros(0, 3, 2), [0, 0, 0]),
    "a list": lambda r, t: r.pack_padded_sequence([1], [4, 2]),
    "a short total": lambda r, t: r.pad_packed_sequence(r.pack_sequence([t.zeros(3)]), total_length=2),
    "no sequences": lambda r, t: r.pad_sequence([]),
    "a number": lambda r, t: r.pad_sequence(3),
    "a list of lists": lambda r, t: r.pad_sequence([[1.0]]),
    "other elements": lambda r, t: r.pad_sequence([t.zeros(2, 3), t.zeros(1, 4)]),
    "a scalar": lambda r, t: r.pad_sequence([t.tensor(1.0)]),
    "another side": lambda r, t: r.pad_sequence([t.zeros(2)], padding_side="up"),
    "nothing": lambda r, t: r.pack_sequence([]),
    "too few lengths": lambda r, t: r.unpad_sequence(t.zeros(2, 3), t.tensor([1, 2])),
    "one field": lambda r, t: r.PackedSequence(t.zeros(3)),
}


@pytest.mark.torch_parity
@pytest.mark.parametrize("what", CALLS)
def test_wrong_calls_raise_what_pytorch_raises(reference, what):
    raised = []
    for library in (torch, reference):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            CALLS[what](library.nn.utils.rnn, library)
        raised.append(type(caught.value))
    assert raised[0] is raised[1]


def test_longer_than_the_input():
    with pytest.raises(RuntimeError, match="expected lengths up to 4, that of the input, got 5"):
        rnn.pack_padded_sequence(torch.zeros(4, 2), [5, 1])
