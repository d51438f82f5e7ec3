"""What the program changes between calls, where the compiled function does not see it."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("when", [range(1, 4), range(4, 6), range(8, 11)], ids=str)
def test_a_parameter_that_the_step_does_not_use_gets_a_gradient_outside(optimizer, when):
    """The optimizer has it as well, and updates it in those calls."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        used, other = nn.Linear(8, 4), nn.Linear(8, 4)
        its = OPTIMIZERS[optimizer]([*used.parameters(), *other.parameters()])

        def step(x, y, used=used, its=its):
            used.zero_grad()
            loss = F.cross_entropy(used(x), y)
            loss.backward()
            its.step()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([])
        for i in range(14):
            x, y = torch.randn(6, 8), torch.randint(0, 4, (6,))
            other.zero_grad()
            if i in when:
                other(x).sum().backward()
            results[-1] += [step(x, y), *[p.detach().clone() for p in its.param_groups[0]["params"]]]
    assert equal(*results)


def forgets(model, used):
    model.zero_grad()
    return used.sum()


def forgets_if_there(model, used):
    for p in model.parameters():
        if p.grad is not None:
            p.grad = None
    return used.sum()


def scales_what_is_new(model, used):
    return used.sum() * (2.0 if model.weight.grad is None else 3.0)


@pytest.mark.filterwarnings("ignore:torch.compile")
@pytest.mark.parametrize("begin", [forgets, forgets_if_there, scales_what_is_new])
@pytest.mark.parametrize("when", [range(7), range(6, 9), range(0, 12, 3)], ids=str)
def test_a_gradient_that_the_step_looks_for_is_forgotten_outside(begin, when):
    """Whether there is one when the step begins is another case."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(4, 4)

        def step(x, model=model):
            loss = begin(model, F.relu(model(x)))
            loss.backward()
            return loss

        step = torch.compile(step) if replay else step
        results.append([])
        for i in range(12):
            if i in when:
                model.zero_grad()
            results[-1] += [step(torch.randn(3, 4)), model.weight.grad.clone()]
    assert equal(*results)


def test_an_attribute_that_the_program_gives_to_a_parameter():
    weight = nn.Parameter(torch.ones(3))
    weight.scale = 2.0
    compiled = torch.compile(lambda x: x * weight.scale, fullgraph=True)
    for i in range(10):
        weight.scale = 2.0 if i < 6 else 3.0
        x = torch.randn(3)
        assert equal(compiled(x), x * weight.scale)


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


@pytest.mark.filterwarnings("ignore:torch.compile", "ignore:Full backward hook")
@pytest.mark.parametrize("place", ["module", "layer", "function"])
def test_a_backward_hook_of_a_module_or_a_function_of_the_programs_own(place):
    """Their nodes are not the engine's, and have no ``forward``; the first one may be all that a step does."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model, seen = nn.Sequential(nn.Linear(4, 3), nn.ReLU()), []
        handles = []

        def step(x, model=model):
            loss = (Double.apply(x) if place == "function" else model(x)).sum()
            if place != "function":
                loss.backward()
            return loss

        step = torch.compile(step) if replay else step
        results.append([])
        for i in range(12):
            if i == 5 and place != "function":
                module = model if place == "module" else model[1]
                handles.append(
                    module.register_full_backward_hook(lambda m, gi, go, seen=seen: seen.append(go[0]))
                )
            if i == 8:
                [handle.remove() for handle in handles]
            results[-1] += [step(torch.randn(2, 4)), len(seen), model[0].weight.grad]
    assert equal(*results)


CHANGES = {
    "more": lambda its, p: its.add_param_group({"params": [p]}),
    "fewer": lambda its, p: its.param_groups[0]["params"].pop(),
}
READ = {
    "defaults": lambda its: its.defaults["lr"],
    "step_count": lambda its: its.step_count,
    "state_dict": lambda its: its.state_dict()["param_groups"][0]["lr"],
}


@pytest.mark.parametrize("set_to_none", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_the_parameters_of_an_optimizer_that_only_forgets_gradients(set_to_none, change):
    """Its step is outside, or there is none: which gradients it forgets is up to its groups all the same."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model, other = nn.Linear(4, 3), nn.Parameter(torch.ones(4))
        its = torch.optim.SGD(model.parameters(), lr=0.1)

        def step(x, model=model, its=its, other=other):
            its.zero_grad(set_to_none=set_to_none)
            loss = model(x * other).pow(2).sum()
            loss.backward()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([])
        for i in range(12):
            if i == 6:
                CHANGES[change](its, other)
            results[-1] += [step(torch.randn(2, 4)), *[p.grad.clone() for p in (*model.parameters(), other)]]
    assert equal(*results)


@pytest.mark.filterwarnings("ignore:torch.compile")
@pytest.mark.parametrize("read", READ)
def test_a_number_of_an_optimizer_that_the_step_reads(read):
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        its = torch.optim.SGD(model.parameters(), lr=0.1)
        step = lambda x, model=model, its=its: model(x) * READ[read](its)  # noqa: E731
        step = torch.compile(step) if replay else step
        results.append([])
        for i in range(12):
            if i == 6:
                its.defaults["lr"] = its.param_groups[0]["lr"] = 0.5
                model(torch.ones(4)).sum().backward()
                its.step()
            results[-1].append(step(torch.randn(2, 4)).detach())
    assert equal(*results)


def test_a_method_of_an_optimizer_is_replaced():
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        its = torch.optim.SGD(model.parameters(), lr=0.1)

        def step(x, model=model, its=its):
            its.zero_grad()
            loss = model(x).pow(2).sum()
            loss.backward()
            its.step()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([])
        for i in range(15):
            if i == 6:
                its.zero_grad = lambda: None
            if i == 10:
                its.step = lambda: None
            results[-1] += [step(torch.randn(2, 4)), model.weight.detach().clone(), model.weight.grad.clone()]
    assert equal(*results)
