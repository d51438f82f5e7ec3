from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler

MAKERS = {
    "constant": lambda torch, optimizer: torch.optim.lr_scheduler.ConstantLR(optimizer, 0.25, 6),
    "constant default": lambda torch, optimizer: torch.optim.lr_scheduler.ConstantLR(optimizer),
    "linear": lambda torch, optimizer: torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 0.8, 12),
    "linear default": lambda torch, optimizer: torch.optim.lr_scheduler.LinearLR(optimizer),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@pytest.mark.torch_parity
@every_maker
def test_parity(check_parity, make):
    check_parity(make)


@every_maker
def test_resume(check_resume, make):
    check_resume(make, steps=12)


@every_maker
def test_closed_form(rates, make, sgd):
    chained = rates(make, 20)
    for epoch in (0, 5, 6, 19):
        optimizer = sgd(torch)
        scheduler = make(torch, optimizer)
        optimizer.step()
        with pytest.warns(UserWarning, match="epoch parameter"):
            scheduler.step(epoch)
        assert scheduler.get_last_lr() == pytest.approx([chained[epoch]])


def test_rates(rates):
    assert rates(MAKERS["constant"], 8) == [0.25] * 6 + [1.0] * 2
    line = [0.1 + 0.7 * epoch / 12 for epoch in range(13)]
    assert rates(MAKERS["linear"], 15) == pytest.approx([*line, 0.8, 0.8])


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("ConstantLR", dict(factor=1.5), "Constant multiplicative factor expected to be between 0 and 1."),
        ("LinearLR", dict(start_factor=0.0), "Starting multiplicative factor expected to be greater than 0"),
        ("LinearLR", dict(end_factor=-0.1), "Ending multiplicative factor expected to be between 0 and 1."),
    ],
)
def test_wrong_options(sgd, kind, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(lr_scheduler, kind)(sgd(torch), **options)
