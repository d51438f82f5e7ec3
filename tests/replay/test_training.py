"""A replayed training step is the eager one: every loss, parameter, statistic, gradient and state, bit by bit."""

from __future__ import annotations

import warnings

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.replay.programs import MODELS, OPTIMIZERS, Program, batches
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal


def both(name, count=20, between=lambda program, i: None, last=16, **options):
    """Run a program eagerly and replayed; return both, after everything has been compared."""
    programs, losses = [], []
    for replay in (False, True):
        program = Program(name, replay=replay, **options)
        torch.manual_seed(1)
        data = batches(name, count, last=last)
        losses.append([])
        for i, (x, y) in enumerate(data):
            losses[-1].append(program.step(x, y).detach())
            between(program, i)
        programs.append(program)
    assert equal(losses[0], losses[1])
    assert equal(list(programs[0].content()), list(programs[1].content()))
    return programs[1].step


def all_checked(step, recordings=1):
    return not step.refused and [r.checked for r in step.usable] == [True] * recordings


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    assert all_checked(both(name))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer):
    assert all_checked(both("mlp", optimizer=optimizer))


def test_clipping_and_a_short_last_batch_which_has_a_list_of_its_own():
    assert all_checked(both("cnn", clip=True, last=7), recordings=2)


def test_a_scheduler_changes_the_learning_rate_outside():
    def between(program, i):
        for group in program.optimizer.param_groups:
            group["lr"] *= 0.9

    assert all_checked(both("mlp", between=between))


def test_train_and_eval():
    assert all_checked(both("cnn", between=lambda program, i: program.model.train(i % 8 < 4)), recordings=2)


def test_a_parameter_is_frozen_or_gets_other_memory():
    def freeze(program, i):
        if i == 9:
            program.model[0].weight.requires_grad_(False)

    def replace(program, i):
        if i == 9:
            program.model[0].weight.data = torch.ones(30, 20) * 0.1

    def load(program, i):
        if i == 9:
            program.model.load_state_dict({k: v * 0.5 for k, v in program.model.state_dict().items()})

    assert all_checked(both("mlp", between=freeze), recordings=2)
    assert all_checked(both("mlp", between=replace), recordings=2)
    assert all_checked(both("mlp", between=load))


@pytest.mark.filterwarnings("ignore:torch.compile")
def test_hooks_run_and_replay_goes_on_when_they_are_gone():
    handles, seen = [], []

    def between(program, i):
        if i == 5:
            handles.append(program.model[0].register_forward_hook(lambda *_: seen.append(i)))
            handles.append(program.model[2].weight.register_hook(lambda grad: grad * 2))
        if i == 9:
            for handle in handles:
                handle.remove()
            handles.clear()

    step = both("mlp", between=between)
    assert len(seen) == 2 * 4
    assert not step.refused
    assert step.usable[0].checked


def test_two_functions_share_a_model():
    results = []
    for replay in (False, True):
        program = Program("cnn", replay=replay)
        model = program.model
        evaluate = torch.no_grad()(lambda x, model=model: model(x))
        evaluate = torch.compile(evaluate) if replay else evaluate
        torch.manual_seed(1)
        results.append([])
        for x, y in batches("cnn", 8):
            results[-1] += [program.step(x, y), evaluate(x)]
        results[-1] += program.content()
    assert equal(results[0], results[1])
    assert all_checked(program.step)
    assert all_checked(evaluate)


@pytest.mark.host("a GPU does not look at values")
def test_an_error_inside_is_the_same_and_the_next_step_is_right():
    for name in ("mlp", "transformer"):
        for replay in (False, True):
            program = Program(name, replay=replay)
            torch.manual_seed(1)
            data = batches(name, 6)
            for i, (x, y) in enumerate(data):
                program.step(x, y)
                if i == 4:
                    with pytest.raises(IndexError, match="out of bounds"):
                        program.step(x, y + 5)
            content = program.content()
            if not replay:
                expected = content
        assert equal(list(expected), list(content))
        assert all_checked(program.step)


def test_a_second_backward_is_an_error_as_without():
    program = Program("mlp")
    for x, y in batches("mlp", 5):
        loss = program.step(x, y)
    assert loss.requires_grad
    assert loss.grad_fn.name() == "SoftmaxCrossEntropyBackward0"
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_gradients_add_up_over_calls():
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)

        def step(x, model=model):
            loss = (model(x) ** 2).sum()
            loss.backward()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        for i in range(8):
            results.append(step(torch.ones(4, 3) * i))
            if i == 5:
                model.zero_grad()
        results += [model.weight.grad, model.bias.grad]
    assert equal(results[:10], results[10:])
    assert all_checked(step)


def test_another_model_of_the_user_and_a_number_among_the_arguments():
    weight = nn.Parameter(torch.ones(3))

    def f(x, scale, *, shift=0.0):
        return ((x * weight.detach()) * scale + shift).sum()

    compiled = torch.compile(f, fullgraph=True)
    for scale, shift in [(2.0, 0.0)] * 4 + [(3.0, 0.0), (2, 0.0), (2.0, 1.0)] * 4:
        x = torch.randn(3)
        assert equal(compiled(x, scale, shift=shift), f(x, scale, shift=shift))
    assert all_checked(compiled, 4)


@pytest.mark.parametrize("of_model", [False, True])
def test_gradients_are_filled_with_zeros(of_model):
    """What is kept of a gradient changes, for it is the same memory; momentum acts without one."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        owner = model if of_model else optimizer

        def step(x, y, model=model, optimizer=optimizer, owner=owner):
            owner.zero_grad(set_to_none=False)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        kept = []
        for _ in range(9):
            kept.append(step(torch.randn(4, 6), torch.randint(0, 3, (4,))))
            kept += [p.grad for p in model.parameters()]
        results.append([*kept, *model.parameters()])
    assert equal(*results)
    assert all_checked(step)


def test_a_gradient_of_the_caller_stays_the_callers():
    weight, bias = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight, bias], lr=0.0)

    def step(grad):
        optimizer.zero_grad()
        total = weight + bias
        total.backward(grad)
        nn.utils.clip_grad_value_([weight], 0.5)
        return total.detach()

    compiled = torch.compile(step, fullgraph=True)
    for _ in range(6):
        grad = torch.ones(3)
        compiled(grad)
        assert grad.tolist() == bias.grad.tolist() == [1.0] * 3
        assert weight.grad.tolist() == [0.5] * 3
    assert all_checked(compiled)


def test_a_number_that_is_returned_at_once():
    number = []
    for replay in (False, True):
        program = Program("mlp", replay=False)
        eager = program.step

        def step(x, y, eager=eager):
            return eager(x, y).item()

        step = torch.compile(step, fullgraph=True) if replay else step
        torch.manual_seed(1)
        number.append([step(x, y) for x, y in batches("mlp", 8)])
    assert number[0] == number[1]
    assert type(number[1][-1]) is float
    assert all_checked(step)


class Trainer:
    """A discriminator beside the network, an average of the weights, and values that change from outside."""

    def __init__(self):
        torch.manual_seed(0)
        self.net, self.average, self.judge = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(3, 1)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=0.01)
        self.judges = torch.optim.SGD(self.judge.parameters(), lr=0.1)
        self.mask, self.scale = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0, 1.0]), 1.0

    def step(self, x, y):
        self.optimizer.zero_grad()
        out = self.net(x * self.mask)
        fooled = F.binary_cross_entropy_with_logits(self.judge(out), torch.ones(len(x), 1))
        loss = (
            F.cross_entropy(out, y) * self.scale + fooled + sum(p.pow(2).sum() for p in self.net.parameters())
        )
        loss.backward()
        self.optimizer.step()
        self.judges.zero_grad()
        F.binary_cross_entropy_with_logits(self.judge(out.detach()), torch.zeros(len(x), 1)).backward()
        self.judges.step()
        with torch.no_grad():
            for mine, its in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mine.mul_(0.9).add_(its, alpha=0.1)
        return {"loss": loss.detach(), "right": (out.argmax(1) == y).float().mean()}

    def content(self):
        return [p for module in (self.net, self.average, self.judge) for p in module.parameters()]


def test_a_method_with_two_optimizers_and_an_average_of_the_weights():
    results = []
    for replay in (False, True):
        trainer = Trainer()
        step = torch.compile(trainer.step, fullgraph=True) if replay else trainer.step
        torch.manual_seed(1)
        for i in range(14):
            if i == 6:
                trainer.scale = 0.5
            if i == 10:
                trainer.mask.mul_(0.5)
            results.append(step(torch.randn(5, 6), torch.randint(0, 3, (5,))))
        results += trainer.content()
    half = len(results) // 2
    assert equal(results[:half], results[half:])
    assert all_checked(step, 2)


def test_no_more_than_eight_lists():
    compiled = torch.compile(lambda x: F.relu(x) * 2)
    for _ in range(2):
        for n in range(1, 15):
            x = torch.randn(n)
            assert equal(compiled(x), F.relu(x) * 2)
    assert len(compiled.recordings) == 8


def test_values_of_python_are_guarded():
    class Config:
        scale = 2.0
        table = {"shift": 1.0}

    config, box = Config(), [3.0]

    def f(x):
        return x * config.scale * box[0] + config.table["shift"]

    compiled = torch.compile(f, fullgraph=True)
    x = torch.randn(3)
    changes = [
        lambda: setattr(config, "scale", 3.0),
        lambda: box.__setitem__(0, 4.0),
        lambda: config.table.__setitem__("shift", 5.0),
        lambda: setattr(Config, "table", {"shift": 6.0}),
    ]
    for change in changes:
        for _ in range(4):
            assert equal(compiled(x), f(x))
        change()
        assert equal(compiled(x), f(x))


def test_nothing_is_said_where_it_replays():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = Program("mlp")
        for x, y in batches("mlp", 4):
            program.step(x, y)


def forget(p):
    p.grad = None


def fill_with_zeros(p):
    p.grad.zero_()


@pytest.mark.parametrize("ends", [forget, fill_with_zeros])
def test_gradient_descent_by_hand(ends):
    def train(replay):
        torch.manual_seed(0)
        parameters = [torch.randn(5, 3, requires_grad=True), torch.zeros(3, requires_grad=True)]

        def step(x, y):
            w, b = parameters
            loss = ((x @ w + b - y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for p in parameters:
                    p -= 0.1 * p.grad
                    ends(p)
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        return [step(torch.randn(8, 5), torch.randn(8, 3)) for _ in range(6)], parameters

    assert equal(train(False), train(True))


def test_inference_mode():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    compiled = torch.compile(model, fullgraph=True)
    with torch.inference_mode():
        for _ in range(5):
            x = torch.randn(2, 4)
            y = compiled(x)
            assert equal(model(x), y)
            assert y.is_inference()
    assert [r.checked for r in compiled.recordings] == [True]
    with torch.no_grad():
        for made_inside in (True, False, False, False):
            y = torch.compile(model)(x) if made_inside else compiled(torch.ones(2, 4))
            assert not y.is_inference()
