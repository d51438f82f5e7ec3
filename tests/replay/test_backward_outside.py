"""A compiled model whose backward is called outside: what the usual training loop does, bit by bit as without."""

from __future__ import annotations

import warnings

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.replay.programs import MODELS, OPTIMIZERS, batches
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal


def both(train, make=lambda: MODELS["mlp"](), strict=True, **options):
    """Have a model trained as it is and compiled; return the compiled one, after everything has been compared."""
    seen = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = make()
        called = torch.compile(model, fullgraph=strict) if replay else model
        torch.manual_seed(1)
        results = list(train(called, **options))
        grads = [p.grad for p in model.parameters()]
        seen.append([*results, *[p.detach() for p in model.parameters()], *model.buffers(), *grads])
    assert equal(seen[0], seen[1])
    return called


def all_checked(compiled, recordings=1, backwards=1):
    recordings_checked = [r.checked for r in compiled.recordings] == [True] * recordings
    backward_lists = [b for r in compiled.recordings for b in r.backwards.values()]
    return (
        not compiled.refused
        and recordings_checked
        and [b.checked for b in backward_lists] == [True] * backwards
    )


def usual(model, name="mlp", optimizer="adam", count=10, between=lambda model, i: None, last=16):
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    for i, (x, y) in enumerate(batches(name, count, last=last)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        yield loss.detach()
        between(model, i)


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    compiled = both(usual, MODELS[name], name=name)
    assert all_checked(compiled)
    assert len(compiled.recordings[0].insides) == 1
    assert "def replay_backward(g0):" in compiled.source


def test_a_short_last_batch_and_evaluation_between():
    def evaluate(model, i):
        with torch.no_grad():
            model.eval()(torch.ones(3, 1, 8, 8))
        model.train()

    compiled = both(usual, MODELS["cnn"], name="cnn", last=7, count=25, between=evaluate)
    assert all_checked(compiled, recordings=3, backwards=2)


def accumulates(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for i, (x, y) in enumerate(batches("mlp", 16)):
        F.cross_entropy(model(x), y).backward()
        if i % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    yield from ()


def two_in_flight(model):
    """Two and three calls before a backward; their backwards in another order; graphs that are dropped."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for i in range(12):
        a, b, c = [model(torch.randn(16, 20)) for _ in range(3)]
        optimizer.zero_grad()
        if i % 3 == 0:
            (a - b).pow(2).sum().backward()
            c.sum().backward()
        elif i % 3 == 1:
            c.pow(2).sum().backward()
            a.pow(3).sum().backward()
        else:
            (a * b * c).mean().backward()
        optimizer.step()
        yield a.detach() + b.detach()


def retains(model):
    for _ in range(8):
        loss = model(torch.randn(4, 20)).pow(2).sum()
        loss.backward(retain_graph=True)
        loss.backward(retain_graph=True)
        other = model(torch.randn(4, 20))
        loss.backward()
        other.sum().backward()
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
        yield loss.detach()


def asks_for_gradients(model):
    for i in range(8):
        x = torch.randn(4, 20, requires_grad=True)
        out = model(x)
        out.retain_grad()
        yield from torch.autograd.grad(out.sum(), [x, next(iter(model.parameters()))], retain_graph=True)
        out.pow(2).sum().backward()
        yield from (x.grad, out.grad)
        (slope,) = torch.autograd.grad(model(x * i).sum(), x)
        yield slope


def hooks_of_leaves_and_results(model):
    seen = []
    weight = next(iter(model.parameters()))
    for i in range(9):
        if i == 4:
            weight.register_hook(lambda grad: grad * 2)
            weight.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.sum()))
        out = model(torch.randn(4, 20))
        out.register_hook(lambda grad: grad * 0.5)
        out.sum().backward()
    yield from seen


def with_a_penalty(model):
    """The weights are used outside as well, and the sum of three gradients depends on its order."""
    for _ in range(8):
        loss = model(torch.randn(4, 20)).sum() + sum(p.pow(3).sum() for p in model.parameters())
        (loss + model(torch.randn(4, 20)).sum()).backward()
        yield loss.detach()


def changes_a_result_in_place(model):
    for _ in range(8):
        out = model(torch.randn(4, 20))
        F.relu(out, inplace=True)
        out[:, 0] = 1.0
        (out * 3).sum().backward()
        yield out.detach()


def freezes_and_thaws(model):
    first = next(iter(model.parameters()))
    for i in range(16):
        first.requires_grad_(i % 8 < 4)
        out = model(torch.randn(4, 20))
        out.sum().backward()
        yield out.detach()


ONE_LIST = [
    accumulates,
    two_in_flight,
    retains,
    hooks_of_leaves_and_results,
    with_a_penalty,
    changes_a_result_in_place,
]


@pytest.mark.parametrize("train", ONE_LIST, ids=lambda f: f.__name__)
def test_programs(train):
    assert all_checked(both(train))


class Tied(nn.Module):
    """Its weight is used three times."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(20, 20)

    def forward(self, x):
        return self.layer(torch.tanh(self.layer(torch.tanh(self.layer(x)))))


def test_a_weight_that_is_used_three_times_and_outside():
    assert all_checked(both(with_a_penalty, Tied))
    assert all_checked(both(two_in_flight, Tied))


def test_inputs_that_need_a_gradient():
    assert all_checked(both(asks_for_gradients), recordings=2, backwards=2)
    assert all_checked(both(freezes_and_thaws), recordings=2, backwards=2)


def test_nodes_are_used_again():
    compiled = both(two_in_flight)
    assert (
        len(compiled.recordings[0].insides) == 4
    )  # three of this turn, and one of the last that is still named
    for _ in range(5):
        compiled(torch.ones(16, 20))  # nobody asks for its backward
    assert len(compiled.recordings[0].insides) == 4


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.a, self.b = nn.Linear(20, 6), nn.Linear(6, 3), nn.Linear(6, 2)

    def forward(self, x):
        x = F.relu(self.body(x))
        return {"a": self.a(x), "b": self.b(x), "size": x.shape[1], "hidden": x}


def test_each_choice_of_results_has_a_backward_of_its_own():
    def train(model):
        for i in range(24):
            out = model(torch.randn(4, 20))
            parts = [out["a"].sum(), out["b"].pow(2).sum(), (out["hidden"] * 2).sum()]
            sum([part for j, part in enumerate(parts) if (i % 3, j) not in ((1, 0), (2, 1))]).backward()
            yield from (out["a"].detach(), out["hidden"].detach())

    assert all_checked(both(train, TwoHeads), backwards=3)


def test_a_discriminator_and_a_generator():
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        make = [nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6)), nn.Sequential(nn.Linear(6, 1))]
        optimizers = [torch.optim.Adam(module.parameters(), lr=0.01) for module in make]
        generator, judge = [torch.compile(module, fullgraph=True) if replay else module for module in make]
        for _ in range(10):
            fake, real = generator(torch.randn(5, 4)), torch.randn(5, 6)
            optimizers[1].zero_grad()
            (F.softplus(judge(fake.detach())) + F.softplus(-judge(real))).mean().backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            loss = F.softplus(-judge(fake)).mean()
            loss.backward()
            optimizers[0].step()
            results.append(loss.detach())
        results += [p.detach() for module in make for p in module.parameters()]
    half = len(results) // 2
    assert equal(results[:half], results[half:])
    assert all_checked(generator)
    assert all_checked(judge, recordings=2, backwards=2)


def test_somebody_looks_on_in_the_backward_alone():
    names = []

    class Names(torch.autograd.observer.Observer):
        def backward(self, run, node, grad_outputs):
            names.append(node.name())
            return run()

    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    compiled, x = torch.compile(model), torch.randn(4, 3)
    for i in range(6):
        out = compiled(x).sum()
        compiled.zero_grad()
        if i == 5:
            with torch.autograd.observer.observed_by(Names()):
                out.backward()
        else:
            out.backward()
    inner = ["TanhBackward0", "LinearBackward0"]
    assert names == ["SumBackward0", "CompiledFunctionBackward", *inner, "AccumulateGrad", "AccumulateGrad"]
    found = [p.grad for p in model.parameters()]
    model.zero_grad()
    model(x).sum().backward()
    assert equal(found, [p.grad for p in model.parameters()])


def test_a_compiled_model_in_a_compiled_step():
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        called = torch.compile(model) if replay else model

        def step(x, called=called, optimizer=optimizer):
            optimizer.zero_grad()
            loss = called(x).pow(2).sum()
            loss.backward()
            optimizer.step()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([step(torch.randn(4, 3)).detach() for _ in range(8)])
    assert equal(results[0], results[1])
    assert step.recordings[0].checked


CHANGES = {
    "a parameter": (lambda layer, x, out: layer.weight.add_(1.0), True),
    "an argument": (lambda layer, x, out: x.add_(1.0), True),
    "a result": (lambda layer, x, out: out.add_(1.0), True),
    "what is not saved": (lambda layer, x, out: layer.bias.add_(1.0), False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_saved_is_changed_before_the_backward(what):
    change, wrong = CHANGES[what]
    for replay in (False, True):
        layer = nn.Linear(3, 3)
        model = nn.Sequential(layer, nn.Sigmoid())
        model = torch.compile(model, fullgraph=True) if replay else model
        for _ in range(6):
            x = torch.randn(2, 3, requires_grad=True) * 1.0
            out = model(x)
            with torch.no_grad():
                change(layer, x, out)
            if wrong:
                with pytest.raises(RuntimeError, match=r"modified by an inplace operation: \[torch.float32"):
                    out.sum().backward()
                model(x).sum().backward()
            else:
                out.sum().backward()
    assert all_checked(model)


def test_a_gradient_that_is_differentiated_again_is_refused():
    """As in PyTorch, where it is the second backward that raises."""
    model = torch.compile(nn.Sequential(nn.Linear(3, 3), nn.Tanh()))
    for i in range(6):
        x = torch.randn(2, 3, requires_grad=True)
        out = model(x).sum()
        if i == 0:
            continue  # the first call builds a graph of its own
        (slope,) = torch.autograd.grad(out, x, create_graph=True)
        assert torch.allclose(slope, torch.autograd.grad(model._orig_mod(x).sum(), x)[0])
        with pytest.raises(RuntimeError, match="does not currently support double backward"):
            slope.sum().backward()


weight = nn.Parameter(torch.ones(3))


def makes_a_leaf(x):
    return (torch.ones(3).requires_grad_() * x * weight).sum()


def keeps_its_graph(x):
    loss = (weight * x).sum()
    loss.backward(retain_graph=True)
    return loss


def returns_two_views(x):
    h = weight * x
    return h, h[:2]


def returns_a_part_of_an_argument(x):
    return x[:2] * 1.0, x[1:]


def has_a_hook_inside(x):
    h = weight * x
    h.register_hook(lambda grad: grad * 2)
    return h.sum()


def spoils_what_is_saved(x):
    h = (weight * x).exp()
    with torch.no_grad():
        h.mul_(2.0)
    return h.sum()


def wants_a_gradient_of_its_argument(x):
    x.requires_grad_()
    return x * weight


REFUSED = [
    (makes_a_leaf, "a leaf that is made inside"),
    (keeps_its_graph, "a backward inside has kept the graph"),
    (returns_two_views, "shares its memory"),
    (returns_a_part_of_an_argument, "shares its memory"),
    (has_a_hook_inside, "has a hook"),
    (spoils_what_is_saved, "is changed in place"),
    (wants_a_gradient_of_its_argument, "changes an argument"),
]


@pytest.mark.parametrize(("function", "why"), REFUSED, ids=[f.__name__ for f, _ in REFUSED])
def test_refused(function, why):
    """Each is run as it is, and its gradient is right."""
    seen = []
    for replay in (False, True):
        torch.manual_seed(0)
        compiled = torch.compile(function) if replay else function
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(6):
                weight.grad = None
                x = torch.randn(3)
                x.requires_grad_(function is returns_a_part_of_an_argument)
                out = compiled(x)
                try:
                    sum(part.sum() for part in out).backward() if isinstance(
                        out, tuple
                    ) else out.sum().backward()
                except RuntimeError as error:
                    seen.append(str(error)[:60])
                seen.append(weight.grad)
    half = len(seen) // 2
    assert equal(seen[:half], seen[half:])
    assert [w for w in caught if "torch.compile" in str(w.message)]
    assert not compiled.usable
    strict = torch.compile(function, fullgraph=True)
    with pytest.raises(RuntimeError, match=why):
        [strict(torch.randn(3).requires_grad_(function is returns_a_part_of_an_argument)) for _ in range(4)]


def test_a_fault_in_a_backward_is_found():
    """Whether it is in the list of the backward, or a replayed forward has saved something else."""
    for where in ("backward", "forward"):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
        compiled = torch.compile(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i in range(6):
                x = torch.randn(2, 3)
                out = compiled(x)
                model.zero_grad()
                if i == 2 and where == "forward":
                    inside = compiled.recordings[0].insides[0]
                    inside.graph.nodes[1].saved = tuple([array + 1 for array in inside.graph.nodes[1].saved])
                out.sum().backward()
                found = [p.grad for p in model.parameters()]
                model.zero_grad()
                model(x).sum().backward()
                if not (i == 1 and where == "backward"):
                    assert equal(found, [p.grad for p in model.parameters()])
                if i == 1 and where == "backward":
                    (written,) = compiled.recordings[0].backwards.values()
                    written.code = written.code.replace(co_names=written.code.co_names[::-1])
        assert compiled.refused
