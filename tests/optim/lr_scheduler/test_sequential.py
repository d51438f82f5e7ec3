from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler


def warmup_then_decay(torch, optimizer):
    s = torch.optim.lr_scheduler
    first, second = s.LinearLR(optimizer, 0.1, total_iters=5), s.ExponentialLR(optimizer, 0.9)
    return s.SequentialLR(optimizer, [first, second], milestones=[5])


def three(torch, optimizer):
    s = torch.optim.lr_scheduler
    parts = [s.ConstantLR(optimizer, 0.1, 3), s.CosineAnnealingLR(optimizer, 10), s.StepLR(optimizer, 4)]
    return s.SequentialLR(optimizer, parts, milestones=[4, 15])


def restarts_last(torch, optimizer):
    s = torch.optim.lr_scheduler
    parts = [s.LinearLR(optimizer, 0.2, total_iters=4), s.CosineAnnealingWarmRestarts(optimizer, 5)]
    return s.SequentialLR(optimizer, parts, milestones=[4])


def nested(torch, optimizer):
    s = torch.optim.lr_scheduler
    inner = s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.5, 3), s.ExponentialLR(optimizer, 0.9)], [3])
    return s.SequentialLR(optimizer, [inner, s.StepLR(optimizer, 3)], milestones=[8])


def chained(torch, optimizer):
    s = torch.optim.lr_scheduler
    return s.ChainedScheduler([s.LinearLR(optimizer, 0.1, total_iters=5), s.ExponentialLR(optimizer, 0.9)])


# The inner one takes its first step twice; PyTorch gives the same warning and the same rates.
twice = pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
every_maker = pytest.mark.parametrize(
    "make", [warmup_then_decay, three, restarts_last, chained, pytest.param(nested, marks=twice)]
)


@pytest.mark.torch_parity
@every_maker
def test_parity(check_parity, make):
    check_parity(make)


@every_maker
def test_resume(check_resume, make):
    check_resume(make)


def test_rates(rates):
    expected = [0.1, 0.28, 0.46, 0.64, 0.82, 1.0, 0.9, 0.81]
    assert rates(warmup_then_decay, 8) == pytest.approx(expected)


def test_loading_leaves_the_dict_whole(sgd):
    state = warmup_then_decay(torch, sgd(torch)).state_dict()
    warmup_then_decay(torch, sgd(torch)).load_state_dict(state)
    assert len(state["_schedulers"]) == 2


def test_wrong_options(sgd):
    optimizer = sgd(torch)
    step, other = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.StepLR(sgd(torch), 2)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    for schedulers, milestones, message in [
        ([], [], "SequentialLR expects at least one scheduler"),
        (
            [step, step],
            [],
            "expects number of schedulers provided to be one more than the number of milestone",
        ),
        ([step, other], [2], "SequentialLR expects all schedulers to belong to the same optimizer"),
        ([step, plateau], [2], "SequentialLR does not support `ReduceLROnPlateau` scheduler"),
    ]:
        with pytest.raises(ValueError, match=message):
            lr_scheduler.SequentialLR(optimizer, schedulers, milestones)
    with pytest.raises(TypeError, match="SequentialLR at index 1 should have `optimizer` as its attribute"):
        lr_scheduler.SequentialLR(optimizer, [step, 3], [2])
