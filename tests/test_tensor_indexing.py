"""Indexing, reading and writing, compared with PyTorch on random indices."""

from __future__ import annotations

import enum
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_edu as torch

KINDS = [
    "int",
    "numpy int",
    "tensor int",
    "slice",
    "slice",
    "none",
    "ellipsis",
    "list",
    "tensor",
    "column",
    "mask",
]


def random_index(rng, shape):
    """Return the parts of an index as data, from which either package makes its own."""
    parts, dim = [], 0
    for _ in range(rng.randint(0, len(shape) + 1)):
        size = shape[dim] if dim < len(shape) else 3
        low, high = -size, max(size - 1, 0)
        kind = rng.choice(KINDS)
        if kind in ("int", "numpy int", "tensor int"):
            parts.append((kind, rng.randint(low, high) if rng.random() < 0.97 else size))
        elif kind == "slice":
            step = -1 if rng.random() < 0.02 else rng.choice([None, 1, 2])
            parts.append((kind, slice(rng.choice([None, 0, 1, -1]), rng.choice([None, 1, 2, -1, 9]), step)))
        elif kind == "none":
            parts.append((kind, None))
        elif kind == "ellipsis":
            if any(k in ("ellipsis", "list", "tensor", "column") for k, _ in parts):
                continue
            parts.append((kind, ...))
        elif kind == "mask":
            parts.append((kind, [rng.random() < 0.5 for _ in range(size)]))
        else:
            places = [rng.randint(low, high) for _ in range(2)]
            parts.append((kind, [[p] for p in places] if kind == "column" else places))
        dim += kind not in ("none", "ellipsis")
    return parts


def build_index(package, parts):
    """Return the index that the parts describe."""
    makers = {
        "numpy int": np.int64,
        "tensor int": package.tensor,
        "tensor": package.tensor,
        "column": package.tensor,
        "mask": package.tensor,
    }
    index = tuple([makers[kind](value) if kind in makers else value for kind, value in parts])
    return index[0] if len(index) == 1 else index


def read(package, shape, parts):
    """Return what an index reads, and the gradient of a weighted sum of it."""
    x = package.arange(int(np.prod(shape)), dtype=package.float64).reshape(shape).requires_grad_()
    y = x[build_index(package, parts)]
    weights = package.arange(y.numel(), dtype=package.float64).reshape(y.shape) + 1
    (y * weights).sum().backward()
    return tuple(y.shape), y.tolist(), x.grad.tolist(), y._is_view()


def write(package, shape, parts, value_shape):
    """Return a tensor after an assignment, and the gradients of a weighted sum of it."""
    x = package.arange(int(np.prod(shape)), dtype=package.float64).reshape(shape).requires_grad_()
    value = (package.arange(int(np.prod(value_shape)), dtype=package.float64) + 100).reshape(value_shape)
    value.requires_grad_()
    y = x * 1
    y[build_index(package, parts)] = value
    weights = package.arange(y.numel(), dtype=package.float64).reshape(y.shape) + 1
    (y * weights).sum().backward()
    return y.tolist(), x.grad.tolist(), None if value.grad is None else value.grad.tolist()


def attempt(function, *args):
    try:
        return "value", function(*args)
    except (IndexError, RuntimeError, TypeError, ValueError):
        return "error", None


@pytest.mark.torch_parity
@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_random_indices(seed):
    pytorch = pytest.importorskip("torch")
    rng = random.Random(seed)
    for _ in range(5):
        shape = tuple(
            rng.choice([2, 3, 4, 1] if rng.random() < 0.9 else [0]) for _ in range(rng.randint(0, 4))
        )
        parts = random_index(rng, shape)
        expected = attempt(read, pytorch, shape, parts)
        assert attempt(read, torch, shape, parts) == expected, (shape, parts)
        if expected[0] == "error":
            continue
        value_shape = tuple([rng.choice([n, n, 1]) for n in expected[1][0]])[rng.choice([0, 0, 1]) :]
        if rng.random() < 0.1:
            value_shape = (1, *value_shape)
        if rng.random() < 0.05:
            value_shape = (*value_shape, 7)
        expected = attempt(write, pytorch, shape, parts, value_shape)
        assert attempt(write, torch, shape, parts, value_shape) == expected, (shape, parts, value_shape)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, None),
        (0, 1),
        (slice(None), 1),
        ...,
        None,
        (..., None, 1),
        [0, 1],
        ([0, 1], [1, 0]),
        (0, [2, 1]),
    ],
)
def test_same_as_numpy(index):
    array = np.arange(6.0).reshape(2, 3)
    t = torch.tensor(array)
    assert t[index].tolist() == array[index].tolist()
    t[index] = -1
    array[index] = -1
    assert t.tolist() == array.tolist()


def test_elements_are_tensors():
    t = torch.tensor([1.0, 2.0])
    assert isinstance(t[0], torch.Tensor)
    assert t[0].shape == ()
    t[0].add_(5)
    assert t.tolist() == [6, 2]


def test_numbers_of_other_classes_are_numbers():
    class Colour(enum.IntEnum):
        GREEN = 1

    x = torch.arange(6).reshape(2, 3)
    for green in (Colour.GREEN, np.int64(1), torch.tensor(1)):
        row, column = x[green], x[:, green]
        assert (row.tolist(), column.tolist()) == ([3, 4, 5], [1, 4])
        assert row._base is column._base is x._base  # they are views, as x is of what arange made


def test_masks():
    t = torch.arange(6).reshape(2, 3)
    assert t[t > 3].tolist() == [4, 5]
    assert t[torch.tensor([False, True])].tolist() == [[3, 4, 5]]
    t[t % 2 == 0] = 0
    assert t.tolist() == [[0, 1, 0], [3, 0, 5]]


def test_an_element_taken_twice_gets_both_gradients():
    x = torch.zeros(3, requires_grad=True)
    x[[1, 1, 2]].sum().backward()
    assert x.grad.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (5, IndexError, "out of bounds"),
        ((0, 0, 0), IndexError, "too many indices"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        (1.5, (IndexError, TypeError), "index|indices"),
        ("a", (IndexError, TypeError), "index|indices"),
        pytest.param([0, 9], IndexError, "out of bounds", marks=pytest.mark.host("checks of values")),
    ],
)
def test_errors(index, error, message):
    t = torch.zeros(2, 3)
    with pytest.raises(error, match=message):
        t[index]
    with pytest.raises(error, match=message):
        t[index] = 1


I, B = torch.tensor, torch.bool  # noqa: E741
OF_INDICES = [  # PyTorch's words, for a tensor of shape [4, 6, 2]
    (I([0, 9]), "index 9 is out of bounds for dimension 0 with size 4"),
    (I([0, -5]), "index -5 is out of bounds for dimension 0 with size 4"),
    ((0, I([9])), "index 9 is out of bounds for dimension 0 with size 6"),
    ((None, 4), "index 4 is out of bounds for dimension 0 with size 4"),
    ((..., 2), "index 2 is out of bounds for dimension 2 with size 2"),
    ((I([0, 1]), I([0, 1, 2])), "could not be broadcast together with shapes [2], [3]"),
    ((I([0, 1]), 0, 0, I([0, 1])), "too many indices for tensor of dimension 3"),
    (torch.ones(4, 6, 2, 1, dtype=B), "too many indices for tensor of dimension 3"),
    (
        torch.ones(4, 5, dtype=B),
        "mask [4, 5] at index 1 does not match the shape of the indexed tensor [4, 6, 2] at",
    ),
]


@pytest.mark.host("checks of values")
@pytest.mark.parametrize(("index", "message"), OF_INDICES, ids=[message for _, message in OF_INDICES])
def test_an_index_that_does_not_fit(index, message):
    t = torch.zeros(4, 6, 2)
    with pytest.raises(IndexError, match=re.escape(message)):
        t[index]
    with pytest.raises(IndexError, match=re.escape(message)):
        t[index] = 1.0


def test_a_number_has_no_elements():
    with pytest.raises(IndexError, match="invalid index of a 0-dim tensor"):
        torch.tensor(3.0)[0]


def test_indices_must_be_integers():
    with pytest.raises(IndexError, match="tensors used as indices must be long"):
        torch.zeros(3)[torch.tensor([0.5])]


def test_assigned_values_are_converted():
    t = torch.zeros(2, dtype=torch.int64)
    t[0] = 2.9
    t[1] = torch.tensor(3.9)
    assert t.tolist() == [2, 3]
    f = torch.zeros(2)
    f[:] = np.array([1, 2])
    assert f.tolist() == [1, 2]


def test_loops():
    t = torch.arange(6).reshape(3, 2)
    assert [row.tolist() for row in t] == [[0, 1], [2, 3], [4, 5]]
    a, b = torch.tensor([1.0, 2.0], requires_grad=True)
    assert a.requires_grad
    assert b.item() == 2
    assert [i.item() for i in reversed(torch.arange(3))] == [2, 1, 0]


def test_index_methods():
    t = torch.zeros(3, 2)
    t.index_fill_(0, torch.tensor([0, 2]), 5)
    assert t.tolist() == [[5, 5], [0, 0], [5, 5]]
    t.index_copy_(1, torch.tensor([1]), torch.tensor([[7.0], [8.0], [9.0]]))
    assert t.tolist() == [[5, 7], [0, 8], [5, 9]]
    t.index_put_((torch.tensor([0, 1]), torch.tensor([0, 0])), torch.tensor([1.0, 2.0]))
    assert t.tolist() == [[1, 7], [2, 8], [5, 9]]
    count = torch.zeros(3)
    count.index_put_((torch.tensor([0, 0, 2]),), torch.tensor(1.0), accumulate=True)
    assert count.tolist() == [2, 0, 1]


@pytest.mark.gpu
@pytest.mark.parametrize(("there", "here"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_assigning_from_another_device(there, here):
    """A part that is a view takes it, as in PyTorch; a part that lists of numbers pick does not."""
    x = torch.zeros(3, 2, device=here)
    row = torch.tensor([1.0, 2.0], device=there, requires_grad=True)
    x[1] = row
    x[2:, 0] = row[1:]
    x[0, 0] = row[0]
    assert x.tolist() == [[1, 0], [1, 2], [2, 0]]
    x.sum().backward()
    assert row.grad.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        torch.zeros(3, 2, device=here)[[0, 1]] = row
