from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.device import shares_memory
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_layer, numbers
from tinygrad_edu import nn

VALUES = pytest.mark.host("checks of values")
INDICES = np.array([[0, 3, 3], [1, 0, 4]])


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("args", "kwargs", "indices"),
    [
        ((5, 3), {}, INDICES),
        ((5, 3), {}, np.array(2)),
        ((5, 3), {}, np.zeros((0, 4), np.int64)),
        ((5, 3), {"padding_idx": 3}, INDICES),
        ((5, 3), {"padding_idx": -5}, INDICES),
        ((5, 3), {}, INDICES.astype(np.int32)),
        ((5, 3), {"scale_grad_by_freq": True}, INDICES),
        ((5, 3), {"scale_grad_by_freq": True, "padding_idx": 3}, INDICES),
    ],
)
def test_parity(reference, args, kwargs, indices):
    assert_layer_parity(reference, "Embedding", args, kwargs, [indices])


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", [{"max_norm": 1.0}, {"max_norm": 0.9, "norm_type": 1.0}])
def test_max_norm_shortens_the_rows_that_are_looked_up(reference, options):
    found = []
    for library in (torch, reference):
        layer = make_layer(library, "Embedding", (6, 3), options)
        layer.weight.data[1] = library.tensor([0.6, -0.8, 0.0]) * layer.max_norm  # as long as it may be
        y = layer(library.tensor(INDICES))
        y.sum().backward()
        found.append((repr(layer), numbers(y), numbers(layer.weight), numbers(layer.weight.grad)))
    assert found[0][0] == found[1][0]
    for ours, theirs in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    untouched = make_layer(torch, "Embedding", (6, 3)).weight[5].tolist()
    assert layer.weight[5].tolist() == pytest.approx(untouched)


@pytest.mark.gradcheck
def test_gradcheck():
    assert_gradcheck(make_layer(torch, "Embedding", (5, 2)), INDICES)


@pytest.mark.parametrize("make", [nn.Embedding, nn.EmbeddingBag])
def test_a_frequent_row_learns_no_faster(make):
    layer = make(4, 2, scale_grad_by_freq=True)
    options = {"offsets": torch.tensor([0, 2])} if make is nn.EmbeddingBag else {}
    layer.mode = "sum"
    layer(torch.tensor([2, 1, 1, 1, 0]), **options).sum().backward()
    np.testing.assert_allclose(numbers(layer.weight.grad), [[1, 1], [1, 1], [1, 1], [0, 0]], rtol=1e-6)


def test_the_second_derivative_is_scaled_too():
    """PyTorch leaves the frequency out of it."""
    weight = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
    factors = torch.ones(4, 2, dtype=torch.float64, requires_grad=True)
    y = F.embedding(torch.tensor([0, 2, 2, 2]), weight, scale_grad_by_freq=True)
    (gradient,) = torch.autograd.grad((y * factors).sum(), weight, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), factors)
    np.testing.assert_allclose(numbers(second), [[1, 1], *[[1 / 3, 1 / 3]] * 3])


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("embedding", {}),
        ("embedding", {"padding_idx": 3}),
        ("embedding_bag", {"mode": "sum"}),
        ("embedding_bag", {"mode": "mean"}),
        ("embedding_bag", {"mode": "sum", "padding_idx": 0}),
    ],
)
def test_sparse_gradients(reference, name, options):
    """Their rows, in the order of the lookup; and what becomes of them when gradients are added."""
    found = []
    for library in (torch, reference):
        weight = library.tensor(np.arange(10.0).reshape(5, 2), requires_grad=True)
        indices = library.tensor(INDICES)
        seen = []
        for _ in range(2):
            y = getattr(library.nn.functional, name)(indices, weight, sparse=True, **options)
            (y * y).sum().backward()
            grad = weight.grad
            seen += [str(grad.layout), grad._indices().tolist(), grad._values().tolist(), tuple(grad.shape)]
        (weight * weight).sum().backward()  # a dense one beside it
        found.append([*seen, str(weight.grad.layout), weight.grad.tolist()])
    for ours, theirs in zip(*found, strict=True):
        if isinstance(theirs, list):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        else:
            assert ours == theirs


def test_a_sparse_and_a_dense_gradient_meet():
    for order in (1, -1):
        weight = torch.ones(3, 2, requires_grad=True)
        losses = [F.embedding(torch.tensor([2]), weight, sparse=True).sum(), (weight * 5).sum()][::order]
        (losses[0] + losses[1]).backward()
        assert weight.grad.tolist() == [[5, 5], [5, 5], [6, 6]]
        doubled = torch.ones(3, 2, requires_grad=True)
        (F.embedding(torch.tensor([2]), doubled * 2, sparse=True)).sum().backward()
        assert doubled.grad.to_dense().tolist() == [[0, 0], [0, 0], [2, 2]]


def test_frequencies_have_no_sparse_gradient():
    weight = torch.ones(3, 2, requires_grad=True)
    y = F.embedding(torch.tensor([2]), weight, scale_grad_by_freq=True, sparse=True)
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse gradients"):
        y.sum().backward()


@pytest.mark.host("checks of values")
@pytest.mark.parametrize(
    "call",
    [
        lambda w: F.embedding(torch.tensor([-1, 0]), w, max_norm=1.0),
        lambda w: F.embedding_bag(torch.tensor([[0, 3]]), w, max_norm=1.0),
        lambda w: F.embedding_bag(torch.tensor([0, 1]), w, torch.tensor([1]), max_norm=1.0),
        lambda w: F.embedding_bag(torch.tensor([[0, 1]]), w, max_norm=1.0, padding_idx=3),
        lambda w: F.embedding_bag(torch.tensor([[0, 1]]), w, max_norm=1.0, mode="max", sparse=True),
        lambda w: F.embedding(torch.tensor([0, 1]), w, max_norm="1"),
    ],
)
def test_nothing_is_shortened_where_an_argument_is_wrong(call):
    weight = torch.full((3, 2), 9.0)
    with pytest.raises((IndexError, RuntimeError, ValueError, TypeError)):
        call(weight)
    assert weight.tolist() == [[9.0, 9.0]] * 3


def test_starts_normally_distributed():
    weight = nn.Embedding(200, 50).weight.numpy(force=True)
    assert weight.mean() == pytest.approx(0, abs=0.05)
    assert weight.std() == pytest.approx(1, rel=0.03)


def test_padding_idx_is_a_row_of_zeros_that_stays():
    layer = nn.Embedding(4, 3, padding_idx=-1)
    assert layer.padding_idx == 3
    assert layer.weight[3].tolist() == [0.0] * 3
    layer(torch.tensor([0, 3, 3])).sum().backward()
    assert layer.weight.grad[3].tolist() == [0.0] * 3
    assert layer.weight.grad[0].tolist() == [1.0] * 3
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    assert layer.weight[3].tolist() == [0.0] * 3
    layer.reset_parameters()
    assert layer.weight[3].tolist() == [0.0] * 3


def test_a_row_that_is_looked_up_often_gets_all_its_gradients():
    layer = nn.Embedding(3, 1)
    layer(torch.tensor([[2, 2], [2, 0]])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0], [0.0], [3.0]]


def test_from_pretrained():
    table = torch.arange(6.0).reshape(3, 2)
    state = torch.get_rng_state()
    layer = nn.Embedding.from_pretrained(table, padding_idx=0)
    assert torch.get_rng_state() == state
    assert layer(torch.tensor([2])).tolist() == [[4.0, 5.0]]
    assert not layer.weight.requires_grad
    assert layer.padding_idx == 0
    assert shares_memory(layer.weight, table)
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        pytest.param(
            lambda: nn.Embedding(3, 2)(torch.tensor([3])),
            IndexError,
            ["out of bounds", "0 to 2", "3"],
            marks=VALUES,
        ),
        pytest.param(
            lambda: nn.Embedding(3, 2)(torch.tensor([-1])),
            IndexError,
            ["out of bounds", "-1"],
            marks=VALUES,
        ),
        (lambda: nn.Embedding(3, 2)(torch.tensor([1.0])), RuntimeError, ["int64", "float32"]),
        (
            lambda: nn.Embedding(3, 2, padding_idx=3),
            AssertionError,
            ["padding_idx must be within num_embeddings", "3"],
        ),
        (lambda: nn.Embedding.from_pretrained(torch.ones(3)), AssertionError, ["2-dimensional", "[3]"]),
        (lambda: nn.Embedding(3, 2, _weight=torch.ones(2, 2)), AssertionError, ["[3, 2]", "[2, 2]"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
