from __future__ import annotations

import itertools

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler

OPTIONS = [
    dict(anneal_strategy=strategy, three_phase=three_phase, cycle_momentum=cycle, pct_start=start, **size)
    for strategy, three_phase, cycle, start, size in itertools.product(
        ["cos", "linear"],
        [False, True],
        [False, True],
        [0.3, 0.45],
        [
            dict(max_lr=0.7, total_steps=40),
            dict(max_lr=[0.7, 0.1], epochs=5, steps_per_epoch=8, div_factor=10),
        ],
    )
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity(lambda torch, optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, **options))


def test_resume(check_resume):
    check_resume(lambda torch, optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.7, total_steps=30))


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_momentum(name):
    """What plays the role of the momentum: momentum, or the first beta."""
    reference = pytest.importorskip("torch")
    seen = []
    for library in (torch, reference):
        optimizer = getattr(library.optim, name)([library.zeros(1, requires_grad=True)])
        scheduler = library.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=20)
        seen.append([])
        for _ in range(20):
            group = optimizer.param_groups[0]
            seen[-1].append(group["betas"] if "betas" in group else (group["momentum"],))
            optimizer.step()
            scheduler.step()
    assert seen[0] == [pytest.approx(row) for row in seen[1]]


def test_rates(rates):
    up_and_down = rates(
        lambda torch, optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 1.0, total_steps=7, pct_start=4 / 7, anneal_strategy="linear", cycle_momentum=False
        ),
        7,
    )
    assert up_and_down == pytest.approx([0.04, 0.36, 0.68, 1.0, 2 / 3, 1 / 3, 4e-6], rel=1e-4)


def test_too_many_steps(sgd):
    optimizer = sgd(torch, momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=2)
    for _ in range(2):
        optimizer.step()
        scheduler.step()
    with pytest.raises(ValueError, match=r"Tried to step 3 times. The specified number of total steps is 2"):
        scheduler.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"You must define either total_steps OR \(epochs AND steps_per_epoch\)"),
        (dict(total_steps=0), "Expected positive integer total_steps, but got 0"),
        (dict(epochs=0, steps_per_epoch=2), "Expected positive integer epochs, but got 0"),
        (dict(epochs=2, steps_per_epoch=-1), "Expected positive integer steps_per_epoch, but got -1"),
        (dict(total_steps=9, pct_start=2.0), "Expected float between 0 and 1 pct_start, but got 2.0"),
        (
            dict(total_steps=9, anneal_strategy="x"),
            "anneal_strategy must be one of 'cos' or 'linear', instead got x",
        ),
        (
            dict(total_steps=9, max_lr=[1.0, 2.0]),
            "max_lr must have the same length as optimizer.param_groups.",
        ),
    ],
)
def test_wrong_options(sgd, options, message):
    with pytest.raises(ValueError, match=message):
        lr_scheduler.OneCycleLR(sgd(torch), **{"max_lr": 1.0, **options})


def test_an_optimizer_without_momentum():
    optimizer = torch.optim.Adagrad([torch.zeros(1, requires_grad=True)])
    with pytest.raises(ValueError, match="optimizer must support momentum or beta1"):
        lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=5)
