from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler

MAKERS = {
    "lambda": lambda torch, optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    "two lambdas": lambda torch, optimizer: torch.optim.lr_scheduler.LambdaLR(
        optimizer, [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.5]
    ),
    "step": lambda torch, optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 7, 0.3),
    "milestones": lambda torch, optimizer: torch.optim.lr_scheduler.MultiStepLR(
        optimizer, [3, 10, 10, 20], 0.5
    ),
    "multiplied": lambda torch, optimizer: torch.optim.lr_scheduler.MultiplicativeLR(
        optimizer, [lambda epoch: 0.9, lambda epoch: 1 / (1 + epoch)]
    ),
    "polynomial": lambda torch, optimizer: torch.optim.lr_scheduler.PolynomialLR(optimizer, 31, 1.5),
    "exponential": lambda torch, optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.93),
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
    assert rates(MAKERS["step"], 15) == pytest.approx([1.0] * 7 + [0.3] * 7 + [0.09])
    assert rates(MAKERS["milestones"], 12) == pytest.approx([1.0] * 3 + [0.5] * 7 + [0.125] * 2)
    assert rates(MAKERS["exponential"], 3) == pytest.approx([1, 0.93, 0.93**2])


@pytest.mark.parametrize("name", ["step", "milestones", "polynomial", "exponential"])
def test_closed_form(rates, name, sgd):
    """The rate of an epoch, computed at once, is the rate after that many single steps."""
    chained = rates(MAKERS[name], 30)
    for epoch in (0, 3, 7, 10, 29):
        optimizer = sgd(torch)
        scheduler = MAKERS[name](torch, optimizer)
        optimizer.step()
        with pytest.warns(UserWarning, match="epoch parameter"):
            scheduler.step(epoch)
        assert scheduler.get_last_lr() == pytest.approx([chained[epoch]])


def test_one_function_for_each_group(sgd):
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        lr_scheduler.LambdaLR(sgd(torch), [abs, abs])


class Power:
    """A callable object: its attributes are saved."""

    def __init__(self, base):
        self.base = base

    def __call__(self, epoch):
        return self.base**epoch


def test_attributes_of_callables_are_saved(sgd):
    state = lr_scheduler.LambdaLR(sgd(torch), Power(0.5)).state_dict()
    assert state["lr_lambdas"] == [{"base": 0.5}]
    optimizer = sgd(torch)
    loaded = lr_scheduler.LambdaLR(optimizer, Power(0.9))
    loaded.load_state_dict(state)
    optimizer.step()
    loaded.step()
    assert loaded.get_last_lr() == [0.5]
    assert "lr_lambdas" in state
