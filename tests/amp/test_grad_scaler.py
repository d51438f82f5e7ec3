"""The scaling of gradients, step for step with PyTorch's on the CPU."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch

OPTIONS = dict(init_scale=8.0, growth_factor=4.0, backoff_factor=0.25, growth_interval=2)


def scaler_on_cpu(library, **options):
    return library.amp.GradScaler("cpu", **{**OPTIONS, **options})


def parameters(library, dtype="float32"):
    return [
        library.tensor(np.array(values, dtype), device="cpu").requires_grad_()
        for values in ([1.0, -2.0], [[0.5]])
    ]


def train(library, factors, dtype="float32", clip=None, two=False, slope=3.0, **options):
    """Take a step for each factor of the loss, and return all that can be seen."""
    params = parameters(library, dtype)
    optimizers = [library.optim.SGD([p], lr=0.1, momentum=0.9) for p in params] if two else []
    optimizers = optimizers or [library.optim.SGD(params, lr=0.1, momentum=0.9)]
    scaler = scaler_on_cpu(library, **options)
    seen = []
    for factor in factors:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = factor * (params[0] ** 2).sum() + (params[1] * slope).sum()
        scaler.scale(loss).backward()
        if clip is not None:
            for optimizer in optimizers:
                scaler.unscale_(optimizer)
            library.nn.utils.clip_grad_norm_(params, clip)
        for optimizer in optimizers:
            scaler.step(optimizer)
        scaler.update()
        seen.append([p.tolist() for p in params] + [p.grad.tolist() for p in params])
        seen[-1].append(scaler.state_dict())
    return seen


RUNS = [
    dict(factors=[1.0, 2.0, 0.5, 1.0, 1.0]),
    dict(factors=[1.0, math.inf, 1.0, math.nan, 1.0, 1.0]),
    dict(factors=[1.0, 1e38, 1.0, 1.0], init_scale=65536.0),
    dict(factors=[1.0, math.inf, 1.0], two=True),
    dict(factors=[1.0, 3.0, math.inf, 1.0], clip=0.5),
    dict(factors=[1.0, 2.0, math.inf], dtype="float64", init_scale=3.0),
    dict(factors=[1e-30] * 4, init_scale=3e38, slope=1e-30),
    dict(factors=[1.0] * 4, growth_interval=1, growth_factor=1.5, init_scale=0.1),
    dict(factors=[1.0, math.inf, 1.0], enabled=False),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("run", RUNS)
def test_every_step_is_pytorchs(run):
    import torch as pytorch

    ours, theirs = train(torch, **run), train(pytorch, **run)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine[-1] == other[-1]
        for x, y in zip(mine[:-1], other[:-1], strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6)


def script(library, *calls):
    """Call a scaler's methods by name, and return the class of the error, or what the last one returned."""
    params = parameters(library)
    optimizer, scaler = library.optim.SGD(params, lr=0.1), scaler_on_cpu(library)
    known = {"optimizer": optimizer, "loss": sum((p**2).sum() for p in params), "half": library.float16}
    try:
        for call in calls:
            result = eval(call, {**known, "scaler": scaler, "library": library, "params": params})
    except Exception as error:
        return type(error).__name__
    return repr(result)


SCRIPTS = [
    ["scaler.unscale_(optimizer)"],
    ["scaler.step(optimizer)"],
    ["scaler.update()"],
    ["scaler.scale(loss).backward()", "scaler.update()"],
    ["scaler.scale(loss)", "scaler.step(optimizer)"],
    ["scaler.scale(loss).backward()", "scaler.unscale_(optimizer)", "scaler.unscale_(optimizer)"],
    ["scaler.scale(loss).backward()", "scaler.step(optimizer)", "scaler.unscale_(optimizer)"],
    ["scaler.scale(loss).backward()", "scaler.step(optimizer)", "scaler.step(optimizer)"],
    ["scaler.scale(loss).backward()", "scaler.step(optimizer, closure=None)"],
    ["scaler.scale(loss).backward()", "scaler.step(optimizer)", "scaler.update(3.5)", "scaler.get_scale()"],
    ["scaler.scale(loss).backward()", "scaler.update(library.tensor(2.0))", "scaler.get_scale()"],
    ["scaler.scale(3)"],
    ["scaler.scale([loss, (loss, 2)])"],
    ["type(scaler.scale([loss, (loss, loss)]))"],
    ["[x.item() for x in scaler.scale(x for x in [loss, loss])]"],
    ["scaler.load_state_dict({})"],
    ["scaler.load_state_dict({'scale': 2.0})"],
    ["scaler.load_state_dict(scaler.state_dict())", "scaler.state_dict()"],
    ["scaler.get_growth_factor()"],
    [
        "scaler.set_growth_factor(3.0)",
        "scaler.set_backoff_factor(0.1)",
        "scaler.set_growth_interval(7)",
        "scaler.state_dict()",
    ],
    ["scaler.get_backoff_factor(), scaler.get_growth_interval(), scaler.is_enabled(), scaler.get_scale()"],
    ["library.amp.GradScaler('cpu', growth_factor=1.0)"],
    ["library.amp.GradScaler('cpu', backoff_factor=1.0)"],
    ["library.amp.GradScaler('cpu', backoff_factor=1.0, enabled=False).get_scale()"],
    ["library.amp.GradScaler('cpu').state_dict()"],
    ["library.amp.GradScaler('cpu', enabled=0).is_enabled() == False"],
    ["library.amp.GradScaler('cpu', enabled=False).scale(3)"],
    ["scaler.scale(library.tensor(4.0, dtype=half)).dtype"],
    ["scaler.scale(library.ones(1, dtype=half)).dtype"],
]


@pytest.mark.torch_parity
@pytest.mark.host("the scaler of the CPU")
@pytest.mark.parametrize("calls", SCRIPTS, ids=str)
def test_errors_and_answers_are_pytorchs(calls):
    import torch as pytorch

    assert script(torch, *calls) == script(pytorch, *calls)


@pytest.mark.parametrize("name", ["init_scale", "growth_factor", "backoff_factor", "growth_interval"])
def test_wrong_arguments_are_named(name):
    with pytest.raises(TypeError, match=f"argument '{name}' must be"):
        torch.amp.GradScaler("cpu", **{name: "1"})


def test_gradients_of_float16_are_refused():
    w = torch.ones(2, dtype=torch.float16, requires_grad=True)
    scaler = scaler_on_cpu(torch)
    scaler.scale(w.sum()).backward()
    before = w.grad.tolist()
    with pytest.raises(ValueError, match="FP16 gradients"):
        scaler.step(torch.optim.SGD([w], lr=0.1))
    assert w.grad.tolist() == before


def test_small_gradients_survive_in_float16():
    """What scaling is for: 1e-8 is 0 in float16, and 1024 times as much is not."""
    w = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    (w.half() * 1e-6 * 1e-2).sum().float().backward()
    assert w.grad.item() == 0
    w.grad = None
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale((w.half() * 1e-6 * 1e-2).sum().float()).backward()
    scaler.unscale_(optimizer)
    assert w.grad.item() == pytest.approx(1e-8, rel=0.05)


def test_without_a_card_the_scaler_of_the_card_is_off(monkeypatch):
    monkeypatch.setattr(torch.cuda_availability, "is_cuda_available", bool)
    for make in (torch.amp.GradScaler, torch.GradScaler):
        with pytest.warns(UserWarning, match="CUDA is not available"):
            scaler = make()
        assert not scaler.is_enabled()
        assert scaler.state_dict() == {}


def test_a_scaler_can_be_pickled():
    scaler = pickle.loads(pickle.dumps(scaler_on_cpu(torch, init_scale=2.0)))
    assert scaler.get_scale() == 2.0


@pytest.mark.torch_parity
def test_the_older_names_warn_as_in_pytorch():
    for name, options in {
        "GradScaler": {"enabled": False},
        "autocast": {"enabled": False},
        "custom_bwd": {"bwd": len},
    }.items():
        said = []
        for package in (torch, pytest.importorskip("torch")):
            with pytest.warns(FutureWarning) as caught:
                getattr(package.cuda.amp, name)(**options)
            said.append(str(caught[0].message))
            assert caught[0].filename == __file__
        assert said[0] == said[1]
