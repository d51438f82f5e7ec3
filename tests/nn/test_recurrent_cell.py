"""Cells: one step of a recurrent layer."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import assert_same, make_layer, numbers
from tinygrad_edu import nn
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck

CELLS = {
    "tanh": ("RNNCell", {}),
    "relu": ("RNNCell", {"nonlinearity": "relu"}),
    "LSTM": ("LSTMCell", {}),
    "GRU": ("GRUCell", {}),
    "tanh without bias": ("RNNCell", {"bias": False}),
    "LSTM without bias": ("LSTMCell", {"bias": False}),
    "GRU without bias": ("GRUCell", {"bias": False}),
}
every_cell = pytest.mark.parametrize("cell", CELLS)


def make_cell(library, cell, sizes=(3, 4)):
    name, options = CELLS[cell]
    return make_layer(library, name, sizes, {**options, "dtype": library.float64})


def arrays_of(cell, shape, with_states, sizes=(3, 4)):
    rng = np.random.default_rng(1)
    count = (2 if "LSTM" in cell else 1) if with_states else 0
    return [rng.standard_normal((*shape, size)) for size in (sizes[0], *[sizes[1]] * count)]


def call(layer, x, *states):
    found = layer(x, states if len(states) == 2 else states[0] if states else None)
    return found if isinstance(found, tuple) else (found,)


def run(library, layer, arrays):
    inputs = [library.tensor(a).requires_grad_() for a in arrays]
    results = call(layer, *inputs)
    rng = np.random.default_rng(2)
    sum((y * library.tensor(rng.standard_normal(tuple(y.shape)))).sum() for y in results).backward()
    found = {f"result {number}": numbers(y) for number, y in enumerate(results)}
    found.update({f"gradient of input {i}": numbers(x.grad) for i, x in enumerate(inputs)})
    found.update({f"gradient of {name}": numbers(p.grad) for name, p in layer.named_parameters()})
    return found


@pytest.mark.torch_parity
@every_cell
@pytest.mark.parametrize("shape", [(5,), (), (0,)], ids=["batch", "one", "nothing"])
@pytest.mark.parametrize("with_states", [True, False], ids=["states", "zeros"])
def test_parity(reference, cell, shape, with_states):
    ours, theirs = make_cell(torch, cell), make_cell(reference, cell)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    arrays = arrays_of(cell, shape, with_states)
    assert_same(run(torch, ours, arrays), run(reference, theirs, arrays), rtol=1e-9, atol=1e-9)


@pytest.mark.gradcheck
@every_cell
def test_derivatives(cell):
    sizes = (2, 2)  # the time grows with the square of the number of weights
    layer = make_cell(torch, cell, sizes)
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays_of(cell, (2,), True, sizes)]

    def function(*tensors):
        return call(layer, *tensors[: len(inputs)])

    assert gradcheck(function, (*inputs, *layer.parameters()), atol=1e-6)
    assert gradgradcheck(function, (*inputs, *layer.parameters()), atol=1e-5)


@pytest.mark.parametrize(("cell", "layer"), [("RNNCell", "RNN"), ("LSTMCell", "LSTM"), ("GRUCell", "GRU")])
def test_a_loop_of_cells_is_a_layer(cell, layer):
    cell, layer = getattr(nn, cell)(3, 4), getattr(nn, layer)(3, 4)
    for name, parameter in cell.named_parameters():
        parameter.data = getattr(layer, f"{name}_l0").data
    x, state, outputs = torch.randn(6, 2, 3), None, []
    for step in x:
        state = cell(step, state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    np.testing.assert_allclose(numbers(torch.stack(outputs)), numbers(layer(x)[0]), rtol=1e-5, atol=1e-6)


def states(library, cell, *shape, dtype="float32"):
    state = library.zeros(*shape, dtype=getattr(library, dtype))
    return (state, state) if cell == "LSTMCell" else state


WRONG = {
    "features": lambda t, c, name: c(t.zeros(4, 5)),
    "three dimensions": lambda t, c, name: c(t.zeros(4, 2, 2)),
    "no dimensions": lambda t, c, name: c(t.zeros(())),
    "states of three dimensions": lambda t, c, name: c(t.zeros(4, 2), states(t, name, 1, 4, 3)),
    "batch of the states": lambda t, c, name: c(t.zeros(4, 2), states(t, name, 3, 3)),
    "size of the states": lambda t, c, name: c(t.zeros(4, 2), states(t, name, 4, 7)),
    "dtype of the states": lambda t, c, name: c(t.zeros(4, 2), states(t, name, 4, 3, dtype="float64")),
    "dtype": lambda t, c, name: c(t.zeros(4, 2, dtype=t.float64)),
    "a list": lambda t, c, name: c([1.0, 2.0]),
}


@pytest.mark.torch_parity
@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_wrong_calls_raise_what_pytorch_raises(reference, name, what):
    raised = []
    for library in (torch, reference):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            WRONG[what](library, getattr(library.nn, name)(2, 3), name)
        raised.append(type(caught.value))
    if what == "a list":  # PyTorch stumbles over it, here it is named
        raised[1] = TypeError
    assert raised[0] is raised[1]


def test_an_unknown_nonlinearity():
    with pytest.raises(RuntimeError, match="Unknown nonlinearity: expected tanh or relu, got sine"):
        nn.RNNCell(2, 3, nonlinearity="sine")(torch.zeros(1, 2))
