"""A sample of the samples of PyTorch's databases: what differs from PyTorch is on the list of what is known.

All of them: python -m tests.torch_databases
"""

from __future__ import annotations

import pytest

import tinygrad_edu
from tests.torch_databases.compare import Outcome, difference, difference_of_values
from tests.torch_databases.databases import (
    entry_name,
    look_up,
    module_db,
    op_db,
    optim_db,
    our_function,
    torch,
)
from tests.torch_databases.known import KNOWN, unexplained
from tests.torch_databases.modules import run_module
from tests.torch_databases.operators import run_operator
from tests.torch_databases.optimizers import run_optimizer

pytestmark = [pytest.mark.torch_parity, pytest.mark.host("the databases' tensors are on the CPU")]

OPERATORS = [entry for entry in op_db if our_function(entry) is not None]
MODULES = [entry for entry in module_db if look_up(tinygrad_edu, entry.name) is not None]
OPTIMIZERS = [entry for entry in optim_db if look_up(tinygrad_edu, entry_name(entry)) is not None]


def names(entries):
    return [entry_name(entry) for entry in entries]


@pytest.fixture(autouse=True, scope="module")
def _keep_random_state():
    """Leave PyTorch's random numbers as they were: the databases seed them."""
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.mark.parametrize("entry", OPERATORS, ids=names(OPERATORS))
def test_operator(entry):
    assert not unexplained(run_operator(entry, limit=1, dtype_limit=3))


@pytest.mark.parametrize("entry", MODULES, ids=names(MODULES))
def test_module(entry):
    assert not unexplained(run_module(entry, limit=1))


@pytest.mark.parametrize("entry", OPTIMIZERS, ids=names(OPTIMIZERS))
def test_optimizer(entry):
    assert not unexplained(run_optimizer(entry, limit=4))


def test_the_list_of_the_known_names_entries_that_are_there():
    there = names(OPERATORS + MODULES + OPTIMIZERS)
    listed = {name for known in KNOWN for name in known.entries}
    assert {
        name for name in listed if not any(name in (one, one.partition("[")[0]) for one in there)
    } == set()


@pytest.mark.parametrize(
    ("ours", "theirs", "text"),
    [
        ([1.0, 2.0], [1.0, 2.5], "values at [1]"),
        ([1.0, float("nan")], [1.0, 2.0], "values at [1]"),
        ([1.0], [[1.0]], "shape [1]"),
        ([1], [1.0], "dtype torch.int64"),
    ],
)
def test_a_difference_is_seen(ours, theirs, text):
    found = difference_of_values(tinygrad_edu.tensor(ours), torch.tensor(theirs))
    assert found is not None
    assert text in found
    assert difference_of_values(tinygrad_edu.tensor(ours), torch.tensor(ours)) is None


def test_errors_are_compared():
    returns, raises = Outcome(abs, -1), Outcome(abs, "no number")
    assert difference(returns, raises).startswith("returns, where PyTorch raises TypeError")
    assert difference(raises, returns).startswith("raises TypeError")
    assert difference(raises, raises) is None
    other, narrower = Outcome(int, "no number"), Outcome("\ud800".encode)
    assert difference(raises, other).startswith("raises TypeError")
    assert difference(narrower, other) is None
    assert difference(other, narrower).startswith("raises ValueError")


def test_a_wrong_gradient_is_seen(monkeypatch):
    entry = next(e for e in op_db if e.name == "exp")
    right = run_operator(entry, ["float64"], limit=1)
    assert right.samples > 0
    assert right.equal == right.samples
    exp = tinygrad_edu.ops.elementwise.unary.Exp
    monkeypatch.setattr(exp, "backward", lambda self, grad: grad * self.saved[0] * 1.01)
    wrong = run_operator(entry, ["float64"], limit=1)
    assert "backward values" in wrong.differences[0]
