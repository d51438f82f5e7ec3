"""Saving what an optimizer remembers, and loading it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch

NAMES = ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop"]
every_optimizer = pytest.mark.parametrize("name", NAMES)


def parameter(*values):
    return torch.tensor(list(values), requires_grad=True)


def test_layout_of_the_state_dict():
    w, b = parameter(1.0), parameter(2.0)
    w.grad, b.grad = torch.ones(1), torch.ones(1)
    optimizer = torch.optim.SGD([{"params": [w]}, {"params": [b], "lr": 0.5}], lr=0.25, momentum=0.5)
    optimizer.step()
    state_dict = optimizer.state_dict()
    assert [group["params"] for group in state_dict["param_groups"]] == [[0], [1]]
    assert [group["lr"] for group in state_dict["param_groups"]] == [0.25, 0.5]
    assert [list(group)[-1] for group in state_dict["param_groups"]] == ["params", "params"]
    assert list(state_dict["state"]) == [0, 1]
    assert state_dict["state"][1]["momentum_buffer"] is optimizer.state[b]["momentum_buffer"]


def test_loaded_state_is_a_copy(train):
    optimizer, params = train(torch, "Adam", {}, steps=1)
    loaded = torch.optim.Adam([param.detach().clone().requires_grad_() for param in params])
    loaded.load_state_dict(optimizer.state_dict())
    saved = loaded.state_dict()["state"][0]
    before = [saved["step"].item(), saved["exp_avg"].tolist()]
    for param in params:
        param.grad = torch.ones_like(param)
    optimizer.step()
    assert [saved["step"].item(), saved["exp_avg"].tolist()] == before


def test_loaded_state_takes_the_dtype_of_the_parameter(train):
    optimizer, params = train(torch, "Adam", {}, steps=1)
    loaded = torch.optim.Adam([param.detach().to(torch.float32).requires_grad_() for param in params])
    loaded.load_state_dict(optimizer.state_dict())
    state = loaded.state[loaded.param_groups[0]["params"][0]]
    assert state["exp_avg"].dtype == torch.float32
    assert state["step"].item() == 1


def test_loading_replaces_options_and_keeps_the_parameters():
    w = parameter(1.0)
    optimizer = torch.optim.SGD([w], lr=0.1)
    optimizer.load_state_dict(torch.optim.SGD([parameter(9.0)], lr=0.5, momentum=0.9).state_dict())
    group = optimizer.param_groups[0]
    assert group["params"][0] is w
    assert (group["lr"], group["momentum"]) == (0.5, 0.9)


def test_loading_what_does_not_fit():
    state_dict = torch.optim.SGD([parameter(1.0)]).state_dict()
    with pytest.raises(ValueError, match="loaded state dict has a different number of parameter groups"):
        torch.optim.SGD([{"params": [parameter(1.0)]}, {"params": [parameter(1.0)]}]).load_state_dict(
            state_dict
        )
    with pytest.raises(
        ValueError,
        match="loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
    ):
        torch.optim.SGD([parameter(1.0), parameter(2.0)]).load_state_dict(state_dict)


WRONG_STATES = {
    "a shape": lambda good: good | {"exp_avg": torch.ones(3)},
    "fewer dimensions": lambda good: good | {"exp_avg_sq": torch.ones(2)},
    "a shape that broadcasts": lambda good: good | {"exp_avg_sq": torch.ones(1, 2)},
    "a number": lambda good: good | {"exp_avg": 0.5},
    "a list": lambda good: good | {"exp_avg": [[0.5, 0.5], [0.5, 0.5]]},
    "a step of text": lambda good: good | {"step": "7"},
    "two steps": lambda good: good | {"step": torch.ones(2)},
    "no dict": lambda good: [good],
    "nothing": lambda good: None,
}


@pytest.mark.parametrize("kind", WRONG_STATES)
def test_a_state_that_does_not_fit_changes_nothing(kind):
    params = [parameter(1.0), torch.ones(2, 2, requires_grad=True)]
    optimizer = torch.optim.Adam(params, lr=0.1)
    for param in params:
        param.grad = torch.ones_like(param)
    optimizer.step()
    before = repr(optimizer.state_dict())
    wrong = copy.deepcopy(optimizer.state_dict())
    wrong["param_groups"][0]["lr"] = 0.5
    wrong["state"][0]["exp_avg"].fill_(9.0)
    wrong["state"][1] = WRONG_STATES[kind](wrong["state"][1])
    with pytest.raises(ValueError, match="^loaded state dict has .* parameter 1"):
        optimizer.load_state_dict(wrong)
    assert repr(optimizer.state_dict()) == before


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_what_an_optimizer_remembers_is_compared_with_its_parameter(name):
    """So a new optimizer cannot forget to say which of its tensors are of the parameter's shape."""
    options = {
        "SGD": {"momentum": 0.9},
        "Adam": {"amsgrad": True},
        "AdamW": {"amsgrad": True},
        "RMSprop": {"momentum": 0.9, "centered": True},
    }
    w = torch.ones(2, 2, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], lr=0.1, **options.get(name, {}))
    w.grad = torch.ones_like(w)
    optimizer.step()
    assert set(optimizer.state[w]) - {"step"} == set(optimizer.state_like_param)


def test_old_files_are_completed():
    """PyTorch once kept the step as a number and had fewer options."""
    w = parameter(1.0)
    optimizer = torch.optim.Adam([w])
    state_dict = optimizer.state_dict()
    for option in ("maximize", "amsgrad", "decoupled_weight_decay"):
        del state_dict["param_groups"][0][option]
    state_dict["state"] = {0: {"step": 7, "exp_avg": torch.ones(1), "exp_avg_sq": torch.ones(1)}}
    optimizer.load_state_dict(state_dict)
    w.grad = torch.ones(1)
    optimizer.step()
    assert optimizer.state[w]["step"].item() == 8


def test_names_are_kept():
    w = parameter(1.0)
    optimizer = torch.optim.SGD([("w", w)])
    optimizer.load_state_dict(torch.optim.SGD([parameter(2.0)]).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["w"]
    optimizer.load_state_dict(torch.optim.SGD([("other", parameter(2.0))]).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["other"]


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_go_their_own_way(train, copier):
    optimizer, params = train(torch, "Adam", {}, steps=2)
    copied, copied_params = copier((optimizer, params))
    for group in (params, copied_params):
        for param in group:
            param.grad = torch.ones_like(param)
    copied.step()
    optimizer.step()
    for a, e in zip(copied_params, params, strict=True):
        assert a is not e
        np.testing.assert_array_equal(a.numpy(force=True), e.numpy(force=True))


@pytest.mark.torch_parity
@every_optimizer
def test_a_state_dict_of_pytorch(name, train, gradients):
    """Training begun in PyTorch goes on here."""
    reference = pytest.importorskip("torch")
    theirs, expected = train(reference, name, dict(lr=0.05), steps=10)
    state_dict = theirs.state_dict()
    state_dict["state"] = {
        number: {key: torch.from_numpy(value.numpy(force=True).copy()) for key, value in state.items()}
        for number, state in state_dict["state"].items()
    }
    params = [torch.tensor(param.numpy(force=True), requires_grad=True) for param in expected]
    ours = getattr(torch.optim, name)(params)
    ours.load_state_dict(state_dict)
    for step in range(10, 20):
        gradients(reference, expected, step)
        theirs.step()
        gradients(torch, params, step)
        ours.step()
    for a, e in zip(params, expected, strict=True):
        np.testing.assert_allclose(a.numpy(force=True), e.numpy(force=True), rtol=1e-10)
