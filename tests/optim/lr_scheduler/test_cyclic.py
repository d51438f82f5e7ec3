from __future__ import annotations

import itertools

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler


def falling(x):
    return 0.8**x


OPTIONS = [
    dict(base_lr=0.1, max_lr=[0.7, 0.3], step_size_up=4, step_size_down=down, cycle_momentum=cycle, **scale)
    for down, cycle, scale in itertools.product(
        [None, 7],
        [False, True],
        [
            {},
            dict(mode="triangular2"),
            dict(mode="exp_range", gamma=0.95),
            dict(scale_fn=falling),
            dict(scale_fn=falling, scale_mode="iterations"),
        ],
    )
]


def maker(options):
    return lambda torch, optimizer: torch.optim.lr_scheduler.CyclicLR(optimizer, **options)


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(check_parity, options):
    check_parity(maker(options))


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[-1]])
def test_resume(check_resume, options):
    check_resume(maker(options))


def test_rates(rates):
    options = dict(base_lr=1.0, max_lr=5.0, step_size_up=2, mode="triangular2", cycle_momentum=False)
    assert rates(maker(options), 9) == pytest.approx([1, 3, 5, 3, 1, 2, 3, 2, 1])


def test_the_momentum_falls_while_the_rate_rises():
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, step_size_up=2)
    seen = []
    for _ in range(4):
        seen.append(optimizer.param_groups[0]["betas"][0])
        optimizer.step()
        scheduler.step()
    assert seen == pytest.approx([0.9, 0.85, 0.8, 0.85])


def test_errors(sgd):
    with pytest.raises(ValueError, match="mode is invalid and scale_fn is None"):
        lr_scheduler.CyclicLR(sgd(torch, momentum=0.9), 0.1, 1.0, mode="round")
    optimizer = torch.optim.Adadelta([torch.zeros(1, requires_grad=True)])
    with pytest.raises(ValueError, match="must support momentum"):
        lr_scheduler.CyclicLR(optimizer, 0.1, 1.0)
