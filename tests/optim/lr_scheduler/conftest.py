"""What the tests of all schedulers share."""

from __future__ import annotations

import pytest

import tinygrad_edu


def make_sgd(torch, lr=1.0, **options):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, **options)


def make_two_groups(torch):
    """Return an optimizer with two parameter groups of different learning rates."""
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in (0.5, 0.03)]
    return torch.optim.SGD(groups, momentum=0.9)


def follow(optimizer, scheduler, steps):
    """Return the learning rates of all groups in each epoch."""
    rates = []
    for _ in range(steps):
        rates.append(list(scheduler.get_last_lr()))
        assert rates[-1] == [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        scheduler.step()
    return rates


@pytest.fixture
def sgd():
    return make_sgd


@pytest.fixture
def rates():
    """Return a function: the learning rates that ``make(torch, optimizer)`` gives to an lr of 1."""

    def run(make, steps):
        optimizer = make_sgd(tinygrad_edu)
        return [lrs[0] for lrs in follow(optimizer, make(tinygrad_edu, optimizer), steps)]

    return run


def plain(value):
    """Return a state as numbers that can be compared."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return pytest.approx(value, rel=1e-10, abs=1e-14) if isinstance(value, float) else value


@pytest.fixture
def check_parity():
    """Return a function: ``make(torch, optimizer)`` gives the rates and state that it gives in PyTorch."""
    reference = pytest.importorskip("torch")

    def check(make, steps=40):
        ours, theirs = make_two_groups(tinygrad_edu), make_two_groups(reference)
        scheduler, expected = make(tinygrad_edu, ours), make(reference, theirs)
        expected_rates = follow(theirs, expected, steps)
        for actual, wanted in zip(follow(ours, scheduler, steps), expected_rates, strict=True):
            assert actual == pytest.approx(wanted, rel=1e-10, abs=1e-14)
        assert scheduler.state_dict() == plain(expected.state_dict())

    return check


@pytest.fixture
def check_resume():
    """Return a function: with state saved and loaded after a third of the steps, the schedule goes on."""

    def check(make, steps=30):
        optimizer = make_two_groups(tinygrad_edu)
        scheduler = make(tinygrad_edu, optimizer)
        follow(optimizer, scheduler, steps // 3)
        resumed_optimizer = make_two_groups(tinygrad_edu)
        resumed = make(tinygrad_edu, resumed_optimizer)
        resumed.load_state_dict(scheduler.state_dict())
        resumed_optimizer.load_state_dict(optimizer.state_dict())
        rest = steps - steps // 3
        assert follow(resumed_optimizer, resumed, rest) == follow(optimizer, scheduler, rest)

    return check
