from __future__ import annotations

import math

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler

MAKERS = {
    "fall": lambda torch, optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
    "fall to": lambda torch, optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, 7, eta_min=0.01
    ),
    "restarts": lambda torch, optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 6),
    "slower": lambda torch, optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, 3, 2, 0.01
    ),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@pytest.mark.torch_parity
@every_maker
def test_parity(check_parity, make):
    check_parity(make)


@every_maker
def test_resume(check_resume, make):
    check_resume(make)


def test_rates(rates):
    cosine = [(1 + math.cos(math.pi * epoch / 10)) / 2 for epoch in range(25)]  # falls, then rises again
    assert rates(MAKERS["fall"], 25) == pytest.approx(cosine, abs=1e-12)
    fall = [(1 + math.cos(math.pi * epoch / 6)) / 2 for epoch in range(6)]
    assert rates(MAKERS["restarts"], 13) == pytest.approx([*fall, *fall, 1.0])


def test_closed_form(rates, sgd):
    chained = rates(MAKERS["fall to"], 20)
    for epoch in (0, 6, 7, 8, 19):
        optimizer = sgd(torch)
        scheduler = MAKERS["fall to"](torch, optimizer)
        optimizer.step()
        with pytest.warns(UserWarning, match="epoch parameter"):
            scheduler.step(epoch)
        assert scheduler.get_last_lr() == pytest.approx([chained[epoch]])


@pytest.mark.torch_parity
@pytest.mark.parametrize("t_mult", [1, 2, 3])
def test_restarts_with_a_given_epoch(sgd, t_mult):
    """Fractions of an epoch, a jump, and single steps after it."""
    reference = pytest.importorskip("torch")
    rates = []
    for library in (torch, reference):
        optimizer = sgd(library)
        scheduler = library.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4, t_mult)
        rates.append([])
        for epoch in [0.25, 0.5, 3.9, 4, 4.5, 11.75, 12, 30, None, None, 2, None]:
            optimizer.step()
            scheduler.step(epoch)
            rates[-1].append(
                (scheduler.get_last_lr()[0], scheduler.last_epoch, scheduler.T_cur, scheduler.T_i)
            )
    assert rates[0] == [pytest.approx(row) for row in rates[1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(T_0=0), "Expected positive integer T_0, but got 0"),
        (dict(T_0=2.5), "Expected positive integer T_0, but got 2.5"),
        (dict(T_0=2, T_mult=0), "Expected integer T_mult >= 1, but got 0"),
        (dict(T_0=2, eta_min="low"), "Expected float or int eta_min, but got low of type <class 'str'>"),
    ],
)
def test_wrong_options(sgd, options, message):
    with pytest.raises(ValueError, match=message):
        lr_scheduler.CosineAnnealingWarmRestarts(sgd(torch), **options)


def test_negative_epoch(sgd):
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        lr_scheduler.CosineAnnealingWarmRestarts(sgd(torch), 2).step(-1)
