"""Averages of weights, and the schedule that goes with them, as PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu
from tests.exchange import library_array
from tests.nn.parity import copy_state

reference = pytest.importorskip("torch")
pytestmark = pytest.mark.torch_parity


def network(library):
    return library.nn.Sequential(library.nn.Linear(3, 4), library.nn.BatchNorm1d(4), library.nn.Linear(4, 2))


AVERAGES = {
    "swa": lambda swa: {},
    "swa, one by one": lambda swa: {"avg_fn": swa.get_swa_avg_fn()},
    "swa, all at once": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    "ema, one by one": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.8)},
    "ema, all at once": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.8)},
    "swa of buffers": lambda swa: {"avg_fn": swa.get_swa_avg_fn(), "use_buffers": True},
    "ema of buffers": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(), "use_buffers": True},
}


def averaged(library, model, options):
    """Return the averages after some steps, what they give, and again after ``update_bn``."""
    rng = np.random.default_rng(0)
    batches = [library.tensor(rng.standard_normal((8, 3)).astype("float32")) for _ in range(4)]
    swa = library.optim.swa_utils
    average = swa.AveragedModel(model, **options(swa))
    optimizer = library.optim.SGD(model.parameters(), lr=0.1)
    for batch in batches:
        optimizer.zero_grad()
        (model(batch) ** 2).mean().backward()
        optimizer.step()
        average.update_parameters(model)
    seen = {name: library_array(x).copy() for name, x in average.state_dict().items()}
    swa.update_bn([(x, None) for x in batches], average)
    after = {f"after {name}": library_array(x) for name, x in average.state_dict().items()}
    return seen | after | {"output": library_array(average.eval()(batches[0]))}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(name):
    theirs, ours = network(reference), network(tinygrad_edu)
    copy_state(reference, ours, theirs)
    found = averaged(tinygrad_edu, ours, AVERAGES[name])
    expected = averaged(reference, theirs, AVERAGES[name])
    assert list(found) == list(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-4, atol=1e-5, err_msg=key)


def rates(library, *args, **options):
    """Return the learning rates of two groups, and the state of the scheduler at the end."""
    groups = [{"params": [library.zeros(1, requires_grad=True)], "lr": lr} for lr in (0.5, 0.01)]
    optimizer = library.optim.SGD(groups, lr=0.1)
    scheduler = library.optim.swa_utils.SWALR(optimizer, *args, **options)
    seen = []
    for _ in range(7):
        optimizer.step()
        seen.append(scheduler.get_last_lr())
        scheduler.step()
    return seen, set(scheduler.state_dict())


SCHEDULES = [
    ((0.05,), {"anneal_epochs": 4}),
    ((0.05,), {"anneal_epochs": 4, "anneal_strategy": "linear"}),
    (([0.05, 0.2],), {"anneal_epochs": 0}),
    (([0.05, 0.2], 1), {}),
]


@pytest.mark.parametrize(("args", "options"), SCHEDULES)
def test_learning_rates(args, options):
    found, state = rates(tinygrad_edu, *args, **options)
    expected, other = rates(reference, *args, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert state <= other


@pytest.mark.parametrize(
    "wrong",
    [
        lambda swa, optimizer: swa.get_ema_avg_fn(1.5),
        lambda swa, optimizer: swa.get_ema_multi_avg_fn(-0.1),
        lambda swa, optimizer: swa.AveragedModel(None, avg_fn=len, multi_avg_fn=len),
        lambda swa, optimizer: swa.SWALR(optimizer, 0.1, anneal_strategy="other"),
        lambda swa, optimizer: swa.SWALR(optimizer, 0.1, anneal_epochs=-1),
        lambda swa, optimizer: swa.SWALR(optimizer, 0.1, anneal_epochs=1.5),
        lambda swa, optimizer: swa.SWALR(optimizer, [0.1, 0.2]),
    ],
)
def test_errors(wrong):
    raised = []
    for library in (reference, tinygrad_edu):
        optimizer = library.optim.SGD([library.zeros(1, requires_grad=True)], lr=0.1)
        with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is compared
            wrong(library.optim.swa_utils, optimizer)
        raised.append((caught.type, str(caught.value)))
    assert raised[0][0] is raised[1][0]
