from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler

OPTIONS = [
    dict(
        mode=mode,
        threshold_mode=threshold_mode,
        cooldown=cooldown,
        patience=patience,
        factor=0.5,
        threshold=0.05,
    )
    for mode, threshold_mode, cooldown, patience in itertools.product(
        ["min", "max"], ["rel", "abs"], [0, 2], [0, 3]
    )
]


def run(library, optimizer, metrics, **options):
    scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(scheduler.get_last_lr()[0])
    return rates, scheduler.state_dict()


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(sgd, options):
    reference = pytest.importorskip("torch")
    steps = np.arange(40)
    metrics = 1 / (1 + steps) + 0.3 * np.random.default_rng(0).random(40)  # falls, noisily, to a plateau
    rates, state = run(torch, sgd(torch), metrics, **options)
    expected_rates, expected_state = run(reference, sgd(reference), metrics, **options)
    assert rates == pytest.approx(expected_rates)
    assert rates[-1] < 1
    assert state == expected_state


def test_patience_and_cooldown(sgd):
    rates, _ = run(torch, sgd(torch), [1.0] * 10, factor=0.5, patience=2, cooldown=1)
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_nan_does_not_improve(sgd):
    rates, _ = run(torch, sgd(torch), [1.0, float("nan"), float("nan")], factor=0.5, patience=1)
    assert rates == [1, 1, 0.5]


def test_a_tensor_as_metric(sgd):
    rates, _ = run(torch, sgd(torch), [torch.tensor(1.0), torch.tensor(2.0)], patience=0)
    assert rates == pytest.approx([1, 0.1])


def test_bounds(sgd):
    rates, _ = run(torch, sgd(torch), [1.0] * 5, patience=0, factor=0.1, min_lr=0.05)
    assert rates == pytest.approx([1, 0.1, 0.05, 0.05, 0.05])
    rates, _ = run(torch, sgd(torch), [1.0] * 4, patience=0, factor=0.5, eps=0.3)
    assert rates == [1, 0.5, 0.5, 0.5]  # the next reduction would be by 0.25 only


def test_one_bound_for_each_group(sgd):
    optimizer = sgd(torch)
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=[0.5, 0.2], patience=0)
    for _ in range(3):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.5, 0.2]


def test_a_group_that_is_added_later(sgd):
    for min_lr, fails in [(0.0, False), ([0.0], True)]:
        optimizer = sgd(torch)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=min_lr)
        optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
        scheduler.step(1.0)
        if fails:
            with pytest.raises(
                RuntimeError, match=r"number of param groups in the `optimizer` \(2\) differs"
            ):
                scheduler.step(1.0)
        else:
            scheduler.step(1.0)
            assert scheduler.get_last_lr() == pytest.approx([0.1, 0.1])


def test_resume(sgd):
    optimizer, other = sgd(torch), sgd(torch)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, "max", patience=2)
    resumed = lr_scheduler.ReduceLROnPlateau(other, patience=5)
    for _ in range(3):
        scheduler.step(1.0)
    resumed.load_state_dict(scheduler.state_dict())
    scheduler.step(1.0)
    resumed.step(1.0)
    assert scheduler.get_last_lr() == resumed.get_last_lr() == pytest.approx([0.1])


def test_epoch_is_deprecated(sgd):
    scheduler = lr_scheduler.ReduceLROnPlateau(sgd(torch))
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(1.0, epoch=7)
    assert scheduler.last_epoch == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(factor=1.0), "Factor should be < 1.0."),
        (dict(mode="best"), "mode best is unknown!"),
        (dict(threshold_mode="x"), "threshold mode x is unknown!"),
        (dict(min_lr=[0.1, 0.2]), "expected 1 min_lrs, got 2"),
    ],
)
def test_wrong_options(sgd, options, message):
    with pytest.raises(ValueError, match=message):
        lr_scheduler.ReduceLROnPlateau(sgd(torch), **options)
