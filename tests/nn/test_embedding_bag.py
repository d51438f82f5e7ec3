"""Bags of embeddings against PyTorch, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.device import shares_memory
from tests.nn.parity import assert_same, backward, make_layer, numbers
from tinygrad_edu import nn
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck

VALUES = pytest.mark.host("checks of values")
VECTOR = np.array([1, 2, 2, 4, 0, 2])
BAGS = np.array([[1, 2, 2], [4, 0, 2]])
FACTORS = np.random.default_rng(3).standard_normal(6)
TABLE = np.random.default_rng(4).standard_normal((5, 3))
STARTS = np.array([0, 2, 2, 5])


def ones(shape, dtype=np.float32):
    return np.ones(shape, dtype)


CALLS = [
    *[(VECTOR, STARTS, None, {"mode": mode}) for mode in ("sum", "mean", "max")],
    *[(BAGS, None, None, {"mode": mode}) for mode in ("sum", "mean", "max")],
    *[(VECTOR, STARTS, None, {"mode": mode, "padding_idx": 2}) for mode in ("sum", "mean", "max")],
    *[(BAGS, None, None, {"mode": mode, "padding_idx": -1}) for mode in ("sum", "mean", "max")],
    (VECTOR, np.array([0, 2, 2, 6]), None, {"include_last_offset": True}),
    (VECTOR, np.array([0, 2, 4]), None, {"include_last_offset": True}),  # the last bag ends with the input
    (VECTOR, np.array([0, 0, 6]), None, {"mode": "max"}),
    (VECTOR, STARTS, FACTORS, {"mode": "sum"}),
    (VECTOR, STARTS, FACTORS, {"mode": "sum", "padding_idx": 2}),
    (BAGS, None, FACTORS.reshape(2, 3), {"mode": "sum"}),
    (VECTOR, STARTS, None, {"max_norm": 1.2}),
    (VECTOR, STARTS, FACTORS, {"mode": "sum", "max_norm": 0.8, "norm_type": 1.0}),
    (VECTOR, STARTS, None, {"mode": "sum", "sparse": False, "norm_type": 3.0}),
    (VECTOR.astype(np.int32), STARTS, None, {}),
    (np.array([3, 3]), np.array([0]), None, {"mode": "max", "padding_idx": 3}),
    (np.array([3, 3]), np.array([0]), None, {"mode": "mean", "padding_idx": 3}),
    (np.zeros(0, np.int64), np.array([0, 0]), None, {"mode": "max"}),
    (np.zeros((0, 3), np.int64), None, None, {}),
    (np.array([0, 1, 2, 3]), np.array([0, 2]), None, {"mode": "sum", "scale_grad_by_freq": True}),
]


def run(library, indices, starts, factors, options):
    """Return the output and the gradients of one call, and the table after it."""
    weight = library.tensor(TABLE, requires_grad=True)
    starts = None if starts is None else library.tensor(starts)
    factors = None if factors is None else library.tensor(factors, requires_grad=True)
    output = library.nn.functional.embedding_bag(
        library.tensor(indices), weight, starts, per_sample_weights=factors, **options
    )
    backward(library, output)
    found = {"output": output, "table": weight, "gradient": weight.grad}
    if factors is not None:
        found["gradient of the factors"] = factors.grad
    return {name: numbers(x) for name, x in found.items()}


@pytest.mark.torch_parity
@pytest.mark.parametrize(("indices", "starts", "factors", "options"), CALLS)
def test_parity(reference, indices, starts, factors, options):
    call = indices, starts, factors, options
    assert_same(run(torch, *call), run(reference, *call), rtol=1e-9, atol=1e-12)


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"mode": "sum", "padding_idx": -2, "max_norm": 1.5, "norm_type": 1.0, "scale_grad_by_freq": True},
        {"mode": "max", "include_last_offset": True},
    ],
)
def test_the_layer_is_pytorchs(reference, kwargs):
    found = []
    for library in (torch, reference):
        layer = make_layer(library, "EmbeddingBag", (5, 3), kwargs)
        output = layer(library.tensor(VECTOR), library.tensor(np.array([0, 3, 6])))
        output.sum().backward()
        found.append((repr(layer), list(layer.state_dict()), numbers(output), layer.padding_idx))
    assert found[0][:2] == found[1][:2]
    assert found[0][3] == found[1][3]
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-5)


@pytest.mark.gradcheck
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_derivatives(mode):
    """The second one PyTorch does not have."""
    options = {"mode": mode, "padding_idx": 0}
    tensors = [torch.tensor(TABLE, requires_grad=True)]
    if mode == "sum":
        tensors.append(torch.tensor(FACTORS, requires_grad=True))
    indices, starts = torch.tensor(VECTOR), torch.tensor(STARTS)

    def call(weight, factors=None):
        return F.embedding_bag(indices, weight, starts, per_sample_weights=factors, **options)

    assert gradcheck(call, tuple(tensors))
    assert gradgradcheck(call, tuple(tensors))


def test_the_first_of_equal_elements_gets_the_gradient():
    weight = torch.ones(3, 1, requires_grad=True)
    F.embedding_bag(torch.tensor([[2, 1, 1]]), weight, mode="max").sum().backward()
    assert weight.grad.tolist() == [[0.0], [0.0], [1.0]]


def test_nan_is_the_largest():
    table = torch.tensor([[1.0], [float("nan")], [2.0]])
    assert F.embedding_bag(torch.tensor([[0, 1, 2]]), table, mode="max").isnan().all()


def test_many_rows_of_one_bag_are_added_up_in_float64():
    weight = torch.tensor([[0.1]])
    total = F.embedding_bag(torch.zeros(1, 200_000, dtype=torch.int64), weight, mode="sum")
    assert total.item() == pytest.approx(200_000 * float(np.float32(0.1)), rel=1e-6)


def test_padding_idx_starts_as_zeros():
    layer = nn.EmbeddingBag(4, 3, padding_idx=-1)
    assert layer.padding_idx == 3
    of_a_tensor = nn.EmbeddingBag(4, 3, padding_idx=torch.tensor(0))
    assert of_a_tensor(torch.tensor([[0, 0]])).tolist() == [[0.0] * 3]
    assert layer.weight[3].tolist() == [0.0] * 3


def test_from_pretrained():
    table = torch.arange(6.0).reshape(3, 2)
    layer = nn.EmbeddingBag.from_pretrained(table, mode="sum", padding_idx=0)
    assert layer(torch.tensor([[0, 1, 2]])).tolist() == [[6.0, 8.0]]
    assert not layer.weight.requires_grad
    assert shares_memory(layer.weight, table)
    assert nn.EmbeddingBag.from_pretrained(table, freeze=False).weight.requires_grad


def bag(input, offsets=None, weight=TABLE, **options):
    """Return a call; the tensors are made when it runs, on the device that is the default then."""

    def call():
        tensors = {name: torch.tensor(x) for name, x in options.items() if isinstance(x, np.ndarray)}
        starts = None if offsets is None else torch.tensor(offsets)
        return F.embedding_bag(torch.tensor(input), torch.tensor(weight), starts, **{**options, **tensors})

    return call


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (bag([1, 2]), ValueError, ["offsets", "None"]),
        (bag([[1, 2]], [0]), ValueError, ["2D", "offsets"]),
        (bag([1, 2], [[0]]), ValueError, ["1D", "[1, 1]"]),
        (bag(1), ValueError, ["1D or 2D", "[]"]),
        (bag([[1, 2]], weight=ones(5)), ValueError, ["2D", "[5]"]),
        (bag([[1, 2]], weight=ones((5, 3), np.int64)), RuntimeError, ["floating", "int64"]),
        (bag([[1, 2]], mode="min"), ValueError, ["sum, mean or max", "min"]),
        (bag([[1, 2]], mode="max", scale_grad_by_freq=True), ValueError, ["max", "scale_grad_by_freq"]),
        (bag([[1, 2]], mode="max", sparse=True), ValueError, ["max", "sparse"]),
        (bag([1, 2], [0], per_sample_weights=ones(2)), NotImplementedError, ["mode='sum'", "'mean'"]),
        (bag([1], [0], per_sample_weights=ones(2), mode="sum"), ValueError, ["[1]", "[2]"]),
        (
            bag([1, 2], [0], per_sample_weights=ones(2), mode="sum"),
            RuntimeError,
            ["float64", "float32"],
        ),
        (bag([[1, 2]], padding_idx=5), RuntimeError, ["-5 through 4", "5"]),
        (bag([1.0, 2.0], [0]), RuntimeError, ["int64", "float32"]),
        (bag([1, 2], [0.0]), RuntimeError, ["int64", "float32"]),
        (bag([1, 2], [0], include_last_offset=1), TypeError, ["include_last_offset", "bool"]),
        (bag([1, 2], [], weight=ones((2, 1))), RuntimeError, ["offsets"]),
        (bag([[], []]), RuntimeError, ["at least one index", "[2, 0]"]),
        pytest.param(bag([1, 5], [0]), RuntimeError, ["0 to 4", "5"], marks=VALUES),
        pytest.param(bag([1, -1], [0]), RuntimeError, ["0 to 4", "-1"], marks=VALUES),
        pytest.param(bag([1, 2], [1]), RuntimeError, ["offsets[0]", "1"], marks=VALUES),
        pytest.param(bag([1, 2], [0, 3]), RuntimeError, ["length 2", "3"], marks=VALUES),
        pytest.param(bag([1, 2], [0, 2, 1]), RuntimeError, ["do not fall", "[0, 2, 1]"], marks=VALUES),
        (lambda: nn.EmbeddingBag(3, 2, padding_idx=3), AssertionError, ["padding_idx", "3"]),
        (lambda: nn.EmbeddingBag.from_pretrained(torch.ones(3)), AssertionError, ["2-dimensional", "[3]"]),
        (
            lambda: nn.EmbeddingBag(3, 2, _weight=torch.ones(2, 2)),
            AssertionError,
            ["[3, 2]", "[2, 2]"],
        ),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
