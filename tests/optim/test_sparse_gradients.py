"""Steps along sparse gradients: which optimizers take them, and equal to PyTorch's."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIMIZERS = {
    "SparseAdam": [{}, dict(lr=0.1, betas=(0.5, 0.9), eps=1e-3), dict(lr=0.1, maximize=True)],
    "SGD": [
        dict(lr=0.1),
        dict(lr=0.1, momentum=0.9),
        dict(lr=0.1, momentum=0.5, dampening=0.2, maximize=True),
        dict(lr=0.1, momentum=0.9, nesterov=True),
    ],
    "Adagrad": [{}, dict(lr=0.3, lr_decay=0.1, eps=1e-3), dict(lr=0.1, maximize=True)],
}
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")  # PyTorch's
CASES = [(name, options) for name, all_options in OPTIMIZERS.items() for options in all_options]
BATCHES = [[1, 2, 1], [4], [0, 1, 2, 3], [], [1, 1]]


@pytest.fixture
def reference():
    """PyTorch, to compare with."""
    return pytest.importorskip("torch")


def trained(library, name, options, halfway=None):
    """Return the table after some steps, and the state; ``halfway`` replaces the optimizer after two of them."""
    layer = library.nn.Embedding(5, 2, sparse=True)
    layer.weight.data = library.tensor(np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2))
    optimizer = getattr(library.optim, name)(layer.parameters(), **options)
    for i, batch in enumerate(BATCHES):
        if i == 2 and halfway:
            optimizer = halfway(layer, optimizer)
        optimizer.zero_grad()
        rows = layer(library.tensor(np.array(batch, dtype=np.int64)))
        (rows**2).sum().backward()
        optimizer.step()
    return layer.weight.detach(), optimizer


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "options"), CASES)
def test_same_as_pytorch(reference, name, options):
    (ours, optimizer), (theirs, other) = (trained(library, name, options) for library in (torch, reference))
    np.testing.assert_allclose(ours.cpu().numpy(), theirs.numpy(), rtol=1e-5, atol=1e-7)
    state, other_state = (next(iter(x.state.values()), {}) for x in (optimizer, other))
    assert set(state) == set(other_state)
    for key, value in other_state.items():
        if hasattr(value, "to_dense"):
            found, expected = state[key].to_dense().cpu().numpy(), value.to_dense().numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
        else:
            assert state[key] == value


@pytest.mark.parametrize(("name", "options"), CASES)
def test_goes_on_from_a_saved_state(name, options):
    def reloaded(layer, optimizer):
        fresh = getattr(torch.optim, name)(layer.parameters(), **options)
        fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        return fresh

    expected, _ = trained(torch, name, options)
    found, _ = trained(torch, name, options, reloaded)
    assert found.tolist() == expected.tolist()


def test_a_row_without_a_gradient_stays():
    table, _ = trained(torch, "SparseAdam", dict(lr=0.1))
    layer = torch.nn.Embedding(3, 2, sparse=True)
    before = layer.weight.detach().clone()
    optimizer = torch.optim.SparseAdam(layer.parameters(), lr=0.1)
    for row in (1, 2):
        optimizer.zero_grad()
        layer(torch.tensor([row])).sum().backward()
        optimizer.step()
    assert (layer.weight[0] == before[0]).all()
    np.testing.assert_allclose((before[1] - layer.weight[1]).tolist(), [0.1, 0.1], rtol=1e-4)


REFUSED = ["ASGD", "Adadelta", "Adafactor", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", REFUSED)
def test_who_takes_none_says_what_pytorch_says(reference, name):
    found = []
    for library in (torch, reference):
        with pytest.raises(RuntimeError) as caught:
            trained(library, name, {})
        found.append(str(caught.value))
    assert found[0] == found[1]


def a_dense_gradient(library):
    weight = library.ones(2, requires_grad=True)
    weight.grad = library.ones(2)
    return weight


ERRORS = {
    "dense": lambda library: library.optim.SparseAdam([a_dense_gradient(library)]).step(),
    "sparse": lambda library: library.optim.SparseAdam([library.ones(2).to_sparse().requires_grad_()]),
    "lr": lambda library: library.optim.SparseAdam([library.ones(2)], lr=0.0),
    "eps": lambda library: library.optim.SparseAdam([library.ones(2)], eps=0.0),
    "betas": lambda library: library.optim.SparseAdam([library.ones(2)], betas=(1.0, 0.5)),
    "weight_decay": lambda library: trained(library, "Adagrad", dict(weight_decay=0.1)),
}


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", ERRORS)
def test_errors(reference, name):
    found = []
    for library in (torch, reference):
        with pytest.raises((RuntimeError, ValueError)) as caught:
            ERRORS[name](library)
        found.append((type(caught.value), str(caught.value)))
    assert found[0] == found[1]
