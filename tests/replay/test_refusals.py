"""What a list of array functions cannot hold is noticed: it runs as it is, a warning says why, no number is wrong."""

from __future__ import annotations

import copy
import datetime
import logging
import random
import warnings

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.replay.programs import Program, batches
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal

weight = nn.Parameter(torch.ones(3))
count = 0
log = []


def branches(x):
    return x * 2 if x.sum() > 0 else x


def reads_item(x):
    return x * x.max().item()


def returns_twice_an_item(x):
    return torch.ones(1) * (x.max().item() * 2)


def reads_numpy(x):
    return x * float(x.numpy(force=True).max())


def reads_array(x):
    return x * float(x.array.max())


def indexes_by_number(x):
    return x[x.argmax()]


def counts(x):
    global count
    count += 1
    return x * count


def logs(x):
    log.append(x.shape)
    return x * 2


def prints(x):
    print("here")
    return x * 2


def draws_from_a_generator_of_its_own(x):
    return x + torch.randn(3, generator=own_generator)


def draws_in_python(x):
    return x * random.random()


def draws_in_numpy(x):
    return x * float(np.random.rand())


def keeps_an_attribute(x):
    weight.last = x * 2
    return weight.last * 2


class Holder:
    grad = None


holder = Holder()


def sets_a_grad_of_no_tensor(x):
    holder.grad = x
    return x * 2


def sets_a_grad(x):
    weight.grad = x
    return weight * x.detach()


def uses_what_is_unknown(x):
    return torch.linalg.norm(torch.cummax(x, 0).values)


def picks_by_a_mask(x):
    return x[x > 0].sum()


def finds_places(x):
    return torch.nonzero(x).float().sum()


def counts_classes(x):
    return F.one_hot((x > 0).long()).sum(0)[0]


def makes_a_tensor_of_an_array(x):
    return x * torch.tensor(np.random.rand(3).astype(np.float32))


def makes_a_tensor_of_tensors(x):
    return torch.tensor([x[0], x[1], x[2]]) * 2


def sets_an_element_of_a_list(x):
    box[0] = x[0] * 1.0
    return box[0] * 2


def sets_an_element_of_one_or_the_other(x):
    own = {}
    if len(box) > 5:
        own = log
    own[0] = x[0] * 1.0
    return own[0] * 2


def starts_the_generator(x):
    torch.manual_seed(3)
    return x * 2


def changes_an_element_of_its_argument(x):
    x[0] = 1.0
    return x * 2


def wants_a_second_derivative(x):
    loss = (weight**3 * x).sum()
    (slope,) = torch.autograd.grad(loss, weight, create_graph=True)
    slope.sum().backward()
    return loss.detach()


def changes_its_argument(x):
    x.add_(1.0)
    return x * 2


def changes_a_part_of_a_parameter(x):
    with torch.no_grad():
        weight[:2].mul_(1.5)
    return x * weight.detach()


def takes_from_a_generator(x):
    return x * next(numbers)


def loops_over_a_generator(x):
    for number in numbers:
        return x * number


def reads_an_array_of_numpy(x):
    return x * float(table[0])


box = [None]
own_generator = torch.Generator()
numbers = iter([2.0] * 1000)
table = np.ones(3)

numpys = np.random.default_rng(0)


def draws_from_a_generator_of_numpy(x):
    return F.relu(x) if numpys.random() < 0.5 else x * 2


def reads_the_clock(x):
    return x * datetime.datetime.now().year


def warns(x):
    warnings.warn("from the program", stacklevel=2)
    return x * 2


def writes_a_log(x):
    logging.getLogger("tests.replay").debug("from the program")
    return x * 2


def looks_where_it_lies(x):
    return x * 2 if x.storage_offset() else x * 3


def looks_at_its_version(x):
    return x * 2 if x._version else x * 3


def looks_at_the_grad_of_its_argument(x):
    return x * 2 if x.grad is None else x * 3


def looks_at_the_seed(x):
    return x * torch.initial_seed()


REFUSED = [
    (changes_its_argument, "is changed in place"),
    (changes_a_part_of_a_parameter, "is changed in place"),
    (takes_from_a_generator, r"calls next\(\)"),
    (loops_over_a_generator, "whose content may change"),
    (reads_an_array_of_numpy, "whose content may change"),
    (branches, r"Python looks at the numbers of a tensor, by bool\(\)"),
    (reads_item, r"by item\(\)"),
    (returns_twice_an_item, r"by item\(\)"),
    (reads_numpy, r"by numpy\(\)"),
    (reads_array, r"reads \.array"),
    (indexes_by_number, "an index of no dimensions|looks at numbers|no operation"),
    (counts, "assigns to count"),
    (logs, "changes a list that outlives it"),
    (prints, r"calls print\(\)"),
    (draws_from_a_generator_of_its_own, "a generator of the program's own"),
    (draws_in_python, r"calls random\(\)"),
    (draws_in_numpy, "draws from numpy.random"),
    (draws_from_a_generator_of_numpy, "draws from numpy.random"),
    (reads_the_clock, r"calls now\(\)"),
    (warns, r"calls warn\(\)"),
    (writes_a_log, "logging is called"),
    (looks_where_it_lies, "reads .storage_offset"),
    (looks_at_its_version, "reads ._version"),
    (looks_at_the_grad_of_its_argument, "the grad of an argument"),
    (looks_at_the_seed, "reads .initial_seed"),
    (keeps_an_attribute, "assigns to last"),
    (sets_a_grad_of_no_tensor, "assigns to grad"),
    (sets_a_grad, "sets a grad by itself"),
    (uses_what_is_unknown, "not among the operations that replay knows|no operation"),
    (wants_a_second_derivative, "differentiated again|not written down|no result of an operation"),
    (picks_by_a_mask, "a mask as an index"),
    (finds_places, r"an array of shape \[3, 1\] that nonzero\(\) made"),
    (counts_classes, r"by one_hot\(\)"),
    (makes_a_tensor_of_an_array, "an array of shape|draws from numpy.random"),
    (makes_a_tensor_of_tensors, r"by item\(\)"),
    (sets_an_element_of_a_list, "assigns to an element"),
    (sets_an_element_of_one_or_the_other, "assigns to an element"),
    (starts_the_generator, "started anew"),
    (changes_an_element_of_its_argument, "is changed in place"),
]


@pytest.mark.filterwarnings("ignore:from the program")
@pytest.mark.parametrize(("function", "why"), REFUSED, ids=[f.__name__ for f, _ in REFUSED])
def test_refused(function, why):
    results = []
    for replay in (False, True):
        global count
        count = 0
        weight.grad = None
        weight.data.fill_(1.0)
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        numpys.bit_generator.state = np.random.default_rng(0).bit_generator.state
        own_generator.manual_seed(0)
        f = torch.compile(function) if replay else function
        torch.manual_seed(1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append([f(x).detach() for x in torch.randn(8, 3)])
    assert equal(results[0], results[1])
    (warning,) = [w for w in caught if "torch.compile" in str(w.message)]
    assert not [r for r in f.usable if r.checked]
    strict = torch.compile(function, fullgraph=True)
    with pytest.raises(RuntimeError, match=why):
        [strict(x) for x in torch.randn(4, 3)]
    assert function.__name__ in str(warning.message)
    assert warning.filename == __file__


def test_the_warning_is_at_the_line_that_calls_the_model():
    class Talks(nn.Module):
        def forward(self, x):
            print(end="")
            return x * 2

    model = torch.compile(Talks())
    model(torch.ones(2))
    with pytest.warns(UserWarning, match="calls print") as caught:
        model(torch.ones(2))
    assert [w.filename for w in caught] == [__file__]


FAULTS = {
    "a result is a little off": lambda r: spoil(r, "return r0", "r0.array[...] += 0.001\n    return r0"),
    "no step": lambda r: spoil(r, "adam.step()", "pass"),
    "two steps": lambda r: spoil(r, "adam.step()", "adam.step(); adam.step()"),
    "a gradient is not forgotten": lambda r: spoil(r, "p_0_bias._grad = None", "pass"),
    "no running statistics": lambda r: spoil(r, "update_running(p_1_running_var", "(lambda *_: None)(p_1_running_var"),
    "a batch is not counted": lambda r: spoil(r, "write_into(p_1_num", "(lambda *_: None)(p_1_num"),
    "one seed for all": lambda r: spoil(r, "next_seed(None)", "7"),
    "an error": lambda r: spoil(r, "adam.step()", "1 / 0"),
}  # fmt: skip


def spoil(recording, old, new):
    assert old in recording.source
    recording.use_operations()
    scope = recording.recorder.scope
    exec(recording.source.replace(old, new), scope)
    recording.function = scope["replay"]


@pytest.mark.parametrize("on_demand", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds_a_planted_fault(fault, on_demand):
    """Whether it is there at the first check, or comes later and is looked for."""
    good, bad = Program("cnn", replay=False), Program("cnn")
    losses = []
    for program in (good, bad):
        torch.manual_seed(1)
        losses.append([])
        for i, (x, y) in enumerate(batches("cnn", 8)):
            if program is bad and i == (4 if on_demand else 2):
                FAULTS[fault](bad.step.recordings[0])
                bad.step.check()
                with pytest.warns(UserWarning, match="does not do what it does itself"):
                    losses[-1].append(program.step(x, y))
            else:
                losses[-1].append(program.step(x, y))
    assert equal(losses[0], losses[1])
    assert equal(list(good.content()), list(bad.content()))
    assert bad.step.refused


def test_an_optimizer_of_the_programs_own_and_hooks_of_one():
    class Own(torch.optim.SGD):
        def __init__(self, params):
            super().__init__(params, lr=0.1)
            self.count = 0

        def update_parameter(self, param, grad, group):
            self.count += 1
            param.data.sub_(grad * (0.1 / self.count))

    for make in (Own, lambda p: torch.optim.SGD(p, lr=0.1)):
        results, steps = [], []
        for replay in (False, True):
            torch.manual_seed(0)
            model = nn.Linear(3, 2)
            optimizer = make(model.parameters())
            if type(optimizer) is not Own:
                optimizer.register_step_post_hook(lambda *_, steps=steps: steps.append(1))

            def step(x, model=model, optimizer=optimizer):
                optimizer.zero_grad()
                loss = model(x).sum()
                loss.backward()
                optimizer.step()
                return loss.detach()

            step = torch.compile(step) if replay else step
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results.append([step(torch.ones(4, 3)) for _ in range(6)])
        assert equal(results[0], results[1])
        assert len(steps) == (0 if make is Own else 12)


def test_a_copy_of_a_compiled_model_is_a_model_of_its_own():
    compiled = torch.compile(nn.Linear(3, 2))
    with torch.no_grad():
        for _ in range(4):
            compiled(torch.ones(3))
        other = copy.deepcopy(compiled)
        other.weight.fill_(0.0)
        for _ in range(4):
            assert equal(other(torch.ones(3)), other.bias.detach())
    assert other.source
    assert compiled.weight.abs().sum() > 0


def test_it_is_eager_while_somebody_looks_on():
    names = []

    class Names(torch.autograd.observer.Observer):
        def forward(self, run, node, arrays, options):
            names.append(type(node).__name__)
            return run()

    program = Program("mlp")
    for i, (x, y) in enumerate(batches("mlp", 6)):
        if i == 5:
            with torch.autograd.observer.observed_by(Names()):
                program.step(x, y)
        else:
            program.step(x, y)
    assert names == ["Linear", "Relu", "Linear", "SoftmaxCrossEntropy"]
