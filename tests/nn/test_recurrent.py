"""Recurrent layers: the same as PyTorch's, packed or not, to the second derivative."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_same, make_layer, numbers, to_library
from tinygrad_edu import kernel_table, nn
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck

IN, HIDDEN, STEPS, BATCH = 3, 4, 5, 3
LENGTHS = [2, 5, 3]
OPTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "two directions": {"bidirectional": True},
    "three layers in two directions": {"num_layers": 3, "bidirectional": True},
    "batch first, two layers in two directions": {
        "batch_first": True,
        "bidirectional": True,
        "num_layers": 2,
    },
}
KINDS = {
    "tanh": ("RNN", {}),
    "relu": ("RNN", {"nonlinearity": "relu"}),
    "LSTM": ("LSTM", {}),
    "LSTM projected": ("LSTM", {"proj_size": 2}),
    "GRU": ("GRU", {}),
}
# How the sequence comes: (T, B, in), one alone, packed in order or out of it; with initial states or without.
WAYS = [
    "batch",
    "batch with states",
    "one",
    "one with states",
    "packed",
    "packed with states",
    "packed in order",
]
every_kind = pytest.mark.parametrize("kind", KINDS)


def layer_of(library, kind, options, dtype="float64"):
    name, more = KINDS[kind]
    return make_layer(library, name, (IN, HIDDEN), {**more, **options, "dtype": getattr(library, dtype)})


def make_states(layer, is_batched, seed=3):
    """Return random initial states as arrays: one, or h and c of an LSTM."""
    rng = np.random.default_rng(seed)
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    sizes = [layer.proj_size or HIDDEN, HIDDEN][: 2 if layer.mode == "LSTM" else 1]
    return [rng.standard_normal((count, BATCH, size) if is_batched else (count, size)) for size in sizes]


def run(library, layer, way):
    """Return all results of a layer and all gradients, by name, each result with a weight of its own in the loss."""
    kind, _, states = way.partition(" with ")
    x = np.random.default_rng(1).standard_normal((STEPS, BATCH, IN) if kind != "one" else (STEPS, IN))
    if layer.batch_first and kind != "one":
        x = np.ascontiguousarray(x.swapaxes(0, 1))
    arrays = [x, *(make_states(layer, kind != "one") if states else [])]
    tensors = [library.tensor(a).requires_grad_() for a in arrays]
    hx = tensors[1] if len(tensors) == 2 else tuple(tensors[1:]) or None
    if kind.startswith("packed"):
        lengths = sorted(LENGTHS, reverse=True) if "order" in kind else LENGTHS
        rnn = library.nn.utils.rnn
        sequence = rnn.pack_padded_sequence(
            tensors[0], lengths, layer.batch_first, enforce_sorted="order" in kind
        )
        packed, last = layer(sequence, hx)
        output, found_lengths = rnn.pad_packed_sequence(packed, layer.batch_first, padding_value=0.5)
        assert found_lengths.tolist() == lengths
    else:
        output, last = layer(tensors[0], hx)
    results = [output, *(last if isinstance(last, tuple) else [last])]
    rng = np.random.default_rng(2)
    sum((y * library.tensor(rng.standard_normal(tuple(y.shape)))).sum() for y in results).backward()
    found = {f"result {number}": numbers(y) for number, y in enumerate(results)}
    found.update({f"gradient of input {i}": numbers(t.grad) for i, t in enumerate(tensors)})
    found.update({f"gradient of {name}": numbers(p.grad) for name, p in layer.named_parameters()})
    return found


ROWS = [(kind, option, way) for kind in KINDS for option in OPTIONS for way in WAYS]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("kind", "option", "way"), ROWS, ids=[", ".join(row) for row in ROWS])
def test_parity(reference, kind, option, way):
    ours, theirs = (layer_of(library, kind, OPTIONS[option]) for library in (torch, reference))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert_same(run(torch, ours, way), run(reference, theirs, way), rtol=1e-9, atol=1e-9)


@every_kind
@pytest.mark.parametrize("way", WAYS)
def test_the_reference_gives_the_same(kind, way):
    layer = layer_of(torch, kind, {"bidirectional": True})
    expected = run(torch, layer, way)
    layer.zero_grad()
    with torch.use_kernels("reference"):
        assert_same(run(torch, layer, way), expected, rtol=1e-12, atol=1e-12)


@every_kind
def test_without_kernels_the_result_is_the_same(kind, monkeypatch):
    layer = layer_of(torch, kind, {"bidirectional": True})
    expected = run(torch, layer, "packed with states")
    layer.zero_grad()
    monkeypatch.setattr(kernel_table, "has_kernels", lambda array: False)
    assert_same(run(torch, layer, "packed with states"), expected, rtol=1e-12, atol=1e-12)


def as_function(kind, way):
    """Return a small layer as a function of its input, its states and its parameters; and these."""
    name, more = KINDS[kind]
    options = {**more, **({"proj_size": 1} if "proj_size" in more else {}), "bidirectional": name == "RNN"}
    layer = make_layer(torch, name, (1, 2), {**options, "dtype": torch.float64})
    rng = np.random.default_rng(1)
    x = torch.tensor(rng.standard_normal((2, 2, 1)), requires_grad=True)
    sizes = [layer.proj_size or 2, 2][: 2 if layer.mode == "LSTM" else 1]
    count = 2 if layer.bidirectional else 1
    hx = [torch.tensor(rng.standard_normal((count, 2, size)), requires_grad=True) for size in sizes]

    def function(x, *rest):
        state = rest[0] if len(hx) == 1 else rest[:2]
        if way == "packed":
            packed = nn.utils.rnn.pack_padded_sequence(x, [1, 2], enforce_sorted=False)
            (y, *_), last = layer(packed, state)
        else:
            y, last = layer(x, state)
        return (y, *last) if isinstance(last, tuple) else (y, last)

    return function, (x, *hx, *layer.parameters())


@pytest.mark.gradcheck
@every_kind
@pytest.mark.parametrize("way", ["batch", "packed"])
def test_derivatives(kind, way):
    function, inputs = as_function(kind, way)
    assert gradcheck(function, inputs, atol=1e-6)
    assert gradgradcheck(function, inputs, atol=1e-5)


@every_kind
def test_the_formula_gives_the_gradient_of_the_kernel(kind):
    """With create_graph=True, backward computes in operators."""
    function, inputs = as_function(kind, "packed")
    for number in range(len(function(*inputs))):  # of one result alone: the others have no gradient
        by_kernel, by_formula = (
            torch.autograd.grad(
                (function(*inputs)[number] ** 2).sum(), inputs, create_graph=create, allow_unused=True
            )
            for create in (False, True)
        )
        for a, b in zip(by_kernel, by_formula, strict=True):
            if b is not None:
                np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_one_tensor_for_several_inputs(kind):
    """h and c may be the same tensor: each way to it counts once, in the second derivative as well."""
    layer = layer_of(torch, kind, {})
    state = torch.ones(1, BATCH, HIDDEN, dtype=torch.float64, requires_grad=True)
    x = torch.ones(STEPS, BATCH, IN, dtype=torch.float64)
    output, _ = layer(x, (state, state) if layer.mode == "LSTM" else state)
    (kernel,) = torch.autograd.grad(output.sum(), state, retain_graph=True)
    (formula,) = torch.autograd.grad(output.sum(), state, create_graph=True)
    np.testing.assert_allclose(numbers(formula), numbers(kernel), rtol=1e-12)


@every_kind
def test_float16_goes_by_the_formula(kind):
    half, single = (layer_of(torch, kind, {}, "float32") for _ in range(2))
    half.half()
    x = torch.randn(STEPS, BATCH, IN)
    output, _ = half(x.half())
    assert output.dtype == torch.float16
    np.testing.assert_allclose(numbers(output), numbers(single(x)[0]), atol=2e-2)


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@every_kind
def test_float32_parity(reference, kind):
    ours, theirs = (layer_of(library, kind, {"num_layers": 2}, "float32") for library in (torch, reference))
    x = np.random.default_rng(1).standard_normal((STEPS, BATCH, IN)).astype(np.float32)
    found, expected = ours(torch.tensor(x))[0], theirs(reference.tensor(x))[0]
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-5, atol=1e-6)


# ---- by hand ---------------------------------------------------------------------------------------------------


def ones_of(name, **options):
    layer = getattr(nn, name)(1, 1, dtype=torch.float64, **options)
    for parameter in layer.parameters():
        parameter.data = torch.ones_like(parameter)
    return layer


def test_an_rnn_by_hand():
    output, last = ones_of("RNN", nonlinearity="relu")(torch.tensor([[1.0], [-10.0], [3.0]]).double())
    assert output.tolist() == [[3.0], [0.0], [5.0]]  # x + 1 + h + 1, cut off at 0
    assert last.tolist() == [[5.0]]


def test_an_lstm_by_hand():
    output, (h, c) = ones_of("LSTM", bias=False)(torch.zeros(1, 1).double(), (torch.zeros(1, 1).double(),
        torch.ones(1, 1).double()))  # fmt: skip
    assert c.item() == pytest.approx(0.5)  # half of the cell is kept, half of nothing is new
    assert output.item() == h.item() == pytest.approx(0.5 * math.tanh(0.5))


def test_a_gru_by_hand():
    output, h = ones_of("GRU", bias=False)(torch.zeros(1, 1).double(), torch.ones(1, 1).double())
    gate = 1 / (1 + math.exp(-1))
    assert output.item() == h.item() == pytest.approx((1 - gate) * math.tanh(gate) + gate)


def test_a_reversed_direction_reads_from_the_end_of_each_sequence():
    layer = ones_of("RNN", nonlinearity="relu", bidirectional=True, bias=False)
    packed = nn.utils.rnn.pack_sequence([torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[4.0]])])
    output, last = layer(packed.double())
    padded, _ = nn.utils.rnn.pad_packed_sequence(output, padding_value=-1)
    assert padded[:, 0].tolist() == [[1, 6], [3, 5], [6, 3]]
    assert padded[:, 1].tolist() == [[4, 4], [-1, -1], [-1, -1]]
    assert last[:, :, 0].tolist() == [[6, 4], [6, 4]]


# ---- what a layer is -------------------------------------------------------------------------------------------


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "args", [(3, 4), (3, 4, 2), (3, 4, 2, "relu"), (3, 4, 2, "relu", False, True, 0.5, True)]
)
def test_positional_arguments_of_an_rnn(reference, args):
    assert repr(nn.RNN(*args)) == repr(reference.nn.RNN(*args))
    assert nn.RNN(*args).nonlinearity == reference.nn.RNN(*args).nonlinearity


@pytest.mark.torch_parity
@every_kind
def test_attributes(reference, kind):
    options = {"num_layers": 2, "bidirectional": True, "dropout": 0.25, "batch_first": True}
    ours, theirs = (layer_of(library, kind, options) for library in (torch, reference))
    assert repr(ours) == repr(theirs)
    for name in ("mode", "num_layers", "dropout", "proj_size", "_all_weights", "_flat_weights_names"):
        assert getattr(ours, name) == getattr(theirs, name)
    shapes = [[tuple(p.shape) for p in weights] for weights in theirs.all_weights]
    assert [[tuple(p.shape) for p in weights] for weights in ours.all_weights] == shapes
    assert ours.flatten_parameters() is None
    assert isinstance(ours, nn.RNNBase)


@every_kind
def test_initial_values(kind):
    name, more = KINDS[kind]
    layer = getattr(nn, name)(50, 100, **more, num_layers=2)
    for parameter in layer.parameters():
        values = numbers(parameter)
        assert np.abs(values).max() <= 0.1
        assert values.std() == pytest.approx(0.1 / math.sqrt(3), rel=0.2)


def test_the_order_of_the_draws():
    torch.manual_seed(5)
    layer = nn.LSTM(3, 4, bidirectional=True)
    torch.manual_seed(5)
    for parameter in layer.parameters():
        assert torch.equal(parameter, torch.empty_like(parameter).uniform_(-0.5, 0.5))


@pytest.mark.torch_parity
@every_kind
def test_state_dicts_go_both_ways(reference, kind):
    options = {"num_layers": 2, "bidirectional": True}
    ours, theirs = (layer_of(library, kind, options) for library in (torch, reference))
    x = np.random.default_rng(1).standard_normal((STEPS, BATCH, IN))
    theirs.reset_parameters()
    ours.load_state_dict(to_library(torch, {k: v.numpy() for k, v in theirs.state_dict().items()}))
    np.testing.assert_allclose(
        numbers(ours(torch.tensor(x))[0]), numbers(theirs(reference.tensor(x))[0]), atol=1e-12
    )
    ours.reset_parameters()
    theirs.load_state_dict(to_library(reference, {k: v.numpy() for k, v in ours.state_dict().items()}))
    np.testing.assert_allclose(
        numbers(ours(torch.tensor(x))[0]), numbers(theirs(reference.tensor(x))[0]), atol=1e-12
    )


def test_dropout_between_the_layers():
    layer = nn.GRU(IN, HIDDEN, 2, dropout=1.0)
    x = torch.randn(STEPS, BATCH, IN)
    second = nn.GRU(HIDDEN, HIDDEN)
    for name, parameter in second.named_parameters():
        parameter.data = getattr(layer, name.replace("l0", "l1")).data
    assert torch.equal(layer(x)[0], second(torch.zeros(STEPS, BATCH, HIDDEN))[0])
    assert not torch.equal(layer.eval()(x)[0], second(torch.zeros(STEPS, BATCH, HIDDEN))[0])


def test_a_layer_can_be_pickled():
    layer = pickle.loads(pickle.dumps(nn.LSTM(IN, HIDDEN)))
    assert layer(torch.ones(2, 1, IN))[0].shape == (2, 1, HIDDEN)


def test_an_empty_batch():
    for name in ("RNN", "LSTM", "GRU"):
        x = torch.zeros(STEPS, 0, IN, requires_grad=True)
        output, _ = getattr(nn, name)(IN, HIDDEN)(x)
        output.sum().backward()
        assert output.shape == (STEPS, 0, HIDDEN)
        assert x.grad.shape == x.shape


def zeros(library, *shape, dtype="float32"):
    return library.zeros(*shape, dtype=getattr(library, dtype))


def given(library, name, *states):
    return states if name == "LSTM" else states[0]


WRONG_CALLS = {
    "no steps": lambda t, m, name: m(zeros(t, 0, 3, 2)),
    "features": lambda t, m, name: m(zeros(t, 4, 2, 5)),
    "one dimension": lambda t, m, name: m(zeros(t, 2)),
    "dtype": lambda t, m, name: m(zeros(t, 4, 2, 2, dtype="float64")),
    "integers": lambda t, m, name: m(zeros(t, 4, 2, 2, dtype="int64")),
    "dtype of the states": lambda t, m, name: m(
        zeros(t, 4, 2, 2), given(t, name, *[zeros(t, 1, 2, 3, dtype="float64")] * 2)
    ),
    "batch of the states": lambda t, m, name: m(zeros(t, 4, 2, 2), given(t, name, *[zeros(t, 1, 5, 3)] * 2)),
    "size of the states": lambda t, m, name: m(zeros(t, 4, 2, 2), given(t, name, *[zeros(t, 1, 2, 9)] * 2)),
    "flat states": lambda t, m, name: m(zeros(t, 4, 2, 2), given(t, name, *[zeros(t, 1, 3)] * 2)),
    "deep states": lambda t, m, name: m(zeros(t, 4, 2), given(t, name, *[zeros(t, 1, 1, 3)] * 2)),
    "a list": lambda t, m, name: m([1.0]),
    "a number for the states": lambda t, m, name: m(zeros(t, 4, 2, 2), 3),
    "packed features": lambda t, m, name: m(t.nn.utils.rnn.pack_sequence([zeros(t, 3, 5)])),
    "packed dimensions": lambda t, m, name: m(t.nn.utils.rnn.pack_sequence([zeros(t, 3, 2, 2)])),
    "packed states": lambda t, m, name: m(
        t.nn.utils.rnn.pack_sequence([zeros(t, 3, 2)]), given(t, name, *[zeros(t, 1, 2, 3)] * 2)
    ),
}


def error_of(call):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    return caught.value


@pytest.mark.torch_parity
@pytest.mark.parametrize("what", WRONG_CALLS)
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_wrong_calls_raise_what_pytorch_raises(reference, name, what):
    # PyTorch's LSTM does not check packed sequences, and computes with what lies in memory beyond them.
    name_there = "GRU" if name == "LSTM" and what.startswith("packed") else name
    call = WRONG_CALLS[what]
    ours = error_of(lambda: call(torch, getattr(nn, name)(2, 3), name))
    theirs = error_of(lambda: call(reference, getattr(reference.nn, name_there)(2, 3), name_there))
    if what == "a list":  # PyTorch stumbles over it, here it is named
        assert "must be Tensor, not list" in str(ours)
        return
    assert type(ours) is type(theirs), (ours, theirs)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", [
    {"input_size": 0}, {"hidden_size": 0}, {"num_layers": 0}, {"proj_size": -1}, {"proj_size": 4}, {"bias": 1},
    {"batch_first": "yes"}, {"dropout": 1.5}, {"dropout": True}, {"dropout": "a"}, {"input_size": 2.0},
    {"hidden_size": "4"}, {"nonlinearity": "sigmoid"},
])  # fmt: skip
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_wrong_arguments_raise_what_pytorch_raises(reference, name, options):
    ours, theirs = (
        error_of(lambda nn=nn: getattr(nn, name)(**{"input_size": 3, "hidden_size": 4, **options}))
        for nn in (nn, reference.nn)
    )
    assert type(ours) is type(theirs), (ours, theirs)


def test_dropout_of_one_layer_warns():
    with pytest.warns(UserWarning, match="num_layers greater than 1, but got dropout=0.5") as caught:
        nn.LSTM(2, 3, dropout=0.5)
    assert caught[0].filename == __file__
