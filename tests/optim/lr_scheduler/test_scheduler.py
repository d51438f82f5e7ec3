from __future__ import annotations

import inspect
import warnings

import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim import lr_scheduler

ORDER = r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`"


def test_step_before_the_optimizer_warns_once(sgd):
    scheduler = lr_scheduler.StepLR(sgd(torch), 2)
    with pytest.warns(UserWarning, match=ORDER) as caught:
        scheduler.step()
    assert caught[0].filename == __file__
    scheduler.step()


def test_only_steps_since_the_scheduler_count(sgd):
    optimizer = sgd(torch)
    optimizer.step()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match=ORDER):
        scheduler.step()


def test_step_after_the_optimizer_does_not_warn(sgd):
    optimizer = sgd(torch)
    first, second = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    first.step()
    second.step()


def test_an_optimizer_that_does_not_count_is_believed():
    class Own(torch.optim.Optimizer):
        def step(self, closure=None):
            return None

    optimizer = Own([torch.zeros(1, requires_grad=True)], {"lr": 1.0})
    lr_scheduler.StepLR(optimizer, 2).step()


def test_a_loaded_scheduler_does_not_warn(sgd):
    optimizer = sgd(torch)
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    scheduler.step()
    resumed = lr_scheduler.StepLR(sgd(torch), 2)
    resumed.load_state_dict(scheduler.state_dict())
    resumed.step()


def test_the_optimizer_is_not_patched(sgd):
    optimizer = sgd(torch)
    lr_scheduler.StepLR(optimizer, 2)
    assert "step" not in vars(optimizer)


def test_schedulers_can_be_chained(sgd):
    optimizer = sgd(torch)
    schedulers = [lr_scheduler.ExponentialLR(optimizer, 0.5), lr_scheduler.StepLR(optimizer, 2, 0.1)]
    rates = []
    for _ in range(4):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5, 0.025, 0.0125, 0.000625])


def test_get_lr_is_not_for_the_user(sgd):
    scheduler = lr_scheduler.ExponentialLR(sgd(torch), 0.5)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        scheduler.get_lr()


def test_epoch_is_deprecated_and_uses_the_closed_form(sgd):
    optimizer = sgd(torch)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step"):
        scheduler.step(3)
    assert scheduler.get_last_lr() == [0.125]


def test_resuming_needs_the_initial_learning_rate(sgd):
    with pytest.raises(KeyError, match=r"param 'initial_lr' is not specified in param_groups\[0\]"):
        lr_scheduler.StepLR(sgd(torch), 2, last_epoch=3)


def test_resuming_by_last_epoch(sgd):
    optimizer = sgd(torch)
    optimizer.param_groups[0].update(initial_lr=1.0, lr=0.5)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5, last_epoch=0)
    assert scheduler.last_epoch == 1
    assert scheduler.get_last_lr() == [0.5]


@pytest.mark.parametrize("kind", ["StepLR", "OneCycleLR", "ReduceLROnPlateau"])
def test_what_is_no_optimizer(kind):
    with pytest.raises(TypeError, match=r"^list is not an Optimizer$"):
        getattr(lr_scheduler, kind)([], *([] if kind == "ReduceLROnPlateau" else [2]))


def test_a_learning_rate_that_is_a_tensor_is_filled(sgd):
    lr = torch.tensor(1.0)
    optimizer = sgd(torch, lr)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    kept = scheduler.get_last_lr()[0]
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is lr
    assert (lr.item(), kept.item(), scheduler.base_lrs[0].item()) == (0.5, 1.0, 1.0)


def test_state_dict(sgd):
    scheduler = lr_scheduler.StepLR(sgd(torch), 2)
    assert scheduler.state_dict() == {
        "step_size": 2,
        "gamma": 0.1,
        "base_lrs": [1.0],
        "last_epoch": 0,
        "_step_count": 1,
        "_is_initial": False,
        "_get_lr_called_within_step": False,
        "_last_lr": [1.0],
    }


def test_a_subclass_without_get_lr_says_so(sgd):
    class Lazy(lr_scheduler.LRScheduler):
        pass

    with pytest.raises(NotImplementedError, match=r"Lazy: expected a subclass with get_lr"):
        Lazy(sgd(torch))


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", lr_scheduler.__all__)
def test_signatures(name):
    reference = pytest.importorskip("torch").optim.lr_scheduler
    ours, theirs = (
        inspect.signature(getattr(library, name)).parameters for library in (lr_scheduler, reference)
    )
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.torch_parity
@pytest.mark.parametrize("after_optimizer", [False, True])
def test_warning_is_that_of_pytorch(sgd, after_optimizer):
    reference = pytest.importorskip("torch")
    messages = []
    for library in (torch, reference):
        optimizer = sgd(library)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if after_optimizer:
                optimizer.step()
            scheduler.step()
        messages.append([str(warning.message) for warning in caught])
    assert messages[0] == messages[1]
    assert len(messages[0]) == (0 if after_optimizer else 1)


def test_the_older_names_are_there():
    assert torch.optim.lr_scheduler._LRScheduler is torch.optim.lr_scheduler.LRScheduler
    assert torch.optim.optimizer.required is not None
