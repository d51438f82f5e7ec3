"""What explains errors costs nothing while there are none: a training step runs no line of it."""

from __future__ import annotations

import sys

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn, nn

pytestmark = [
    pytest.mark.host("lines are counted"),
    pytest.mark.skipif(sys.gettrace() is not None, reason="somebody else is tracing"),
]

ASIDE = ("/tinygrad_edu/learn/", "/autograd/errors/", "/autograd/callers.py")


def files_of_a_step(step):
    """Return the names of the engine's files of which a step runs a line, from autograd and learn."""
    files = set()

    def trace(frame, event, argument):
        files.add(frame.f_code.co_filename)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        step()
    finally:
        sys.settrace(before)
    return {file for file in files if any(part in file for part in ASIDE)}


def make_step():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def test_a_training_step_runs_none_of_it():
    step = make_step()
    step()
    assert files_of_a_step(step) == set()


def test_the_count_sees_what_there_is_to_see():
    step = make_step()
    with learn.explain():
        names = {file.rpartition("/")[2] for file in files_of_a_step(step)}
    assert {"explaining.py", "callers.py", "layers.py"} <= names
