"""A step as a list of kernels, on memory that is kept: the same numbers, and nothing of the user's is overwritten."""

from __future__ import annotations

import re
from types import FunctionType

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.replay.programs import MODELS, Program, batches
from tests.replay.test_training import all_checked, both
from tinygrad_edu import nn
from tinygrad_edu.replay.kernels.writer import overwrites
from tinygrad_edu.replay.state import equal
from tinygrad_edu_kernels.threads import Launch

pytestmark = pytest.mark.host("on a GPU a list is one of operations")


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def is_of_kernels(step):
    return all_checked(step, len(step.recordings)) and all(r.kernels is not None for r in step.usable)


@pytest.mark.parametrize("name", MODELS)
def test_programs(name, threads):
    assert is_of_kernels(both(name, count=8))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_optimizers(optimizer, threads):
    step = both("mlp", count=8, optimizer=optimizer)
    assert is_of_kernels(step)
    assert "_loop(p_2_weight_flat" in step.source


WIDE = {
    "relu": lambda: nn.Sequential(nn.Linear(300, 200), nn.ReLU(), nn.Linear(200, 10)),
    "gelu": lambda: nn.Sequential(nn.Linear(300, 200), nn.GELU(), nn.Dropout(0.5), nn.Linear(200, 10)),
    "no bias": lambda: nn.Sequential(nn.Linear(300, 200, bias=False), nn.Sigmoid(), nn.Linear(200, 10)),
    "softmax": lambda: nn.Sequential(
        nn.Linear(300, 200), nn.Softmax(1), nn.Linear(200, 10), nn.LogSoftmax(1)
    ),
    "images": lambda: nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.SiLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 4 * 4, 10)
    ),
    "signals": lambda: nn.Sequential(
        nn.Unflatten(1, (30, 10)), nn.Linear(10, 100), nn.ReLU(), nn.Flatten(), nn.Linear(3000, 10)
    ),
}
"""Models of a size whose work two threads share."""
REMAIN = {"images": {"conv2d"}, "signals": {"linear"}}
"""Of them, the operations that are no calls of kernels; a linear layer of three dimensions is none."""


def losses_of(make, replay, rows=64, dtype=torch.float32, **options):
    """Return what six steps leave: the losses, the parameters, and the step itself."""
    torch.manual_seed(0)
    model = make().to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y, **options)
        loss.backward()
        optimizer.step()
        return loss

    step = torch.compile(step, fullgraph=True) if replay else step
    shape = (3, 10, 10) if isinstance(model[0], nn.Conv2d) else (300,)
    losses = [
        step(torch.randn(rows, *shape, dtype=dtype), torch.randint(0, 10, (rows,))).detach() for _ in range(6)
    ]
    return [*losses, *model.parameters(), *[p.grad for p in model.parameters()]], step


@pytest.mark.parametrize("name", WIDE)
def test_work_that_threads_share(name, threads):
    expected, _ = losses_of(WIDE[name], False)
    got, step = losses_of(WIDE[name], True)
    assert equal(expected, got)
    assert is_of_kernels(step)
    assert set(re.findall(r"(\w+)\.(?:for|back)ward\(", step.source)) == REMAIN.get(name, set())
    assert ("run_over(" in step.source) is (threads == 2)


LOSSES = [{}, {"reduction": "sum"}, {"ignore_index": 3}, {"weight": torch.arange(1.0, 11.0)}]


@pytest.mark.parametrize("options", LOSSES, ids=str)
@pytest.mark.parametrize("rows", [1, 16, 33])
def test_losses(options, rows):
    expected, _ = losses_of(WIDE["relu"], False, rows, **options)
    got, step = losses_of(WIDE["relu"], True, rows, **options)
    assert equal(expected, got)
    assert is_of_kernels(step)


def test_doubles():
    expected, _ = losses_of(WIDE["images"], False, dtype=torch.float64)
    got, step = losses_of(WIDE["images"], True, dtype=torch.float64)
    assert equal(expected, got)
    assert is_of_kernels(step)


# ---- memory -----------------------------------------------------------------------------------------------------


def test_what_the_user_keeps_stays_as_it_was():
    """Losses, gradients as tensors, as arrays and as views, from each step: those of steps without replay."""
    kept = []
    for replay in (False, True):
        program = Program("mlp", replay=replay)
        first, last = program.model[0], program.model[2]
        torch.manual_seed(1)
        kept.append([])
        for i, (x, y) in enumerate(batches("mlp", 12)):
            loss = program.step(x, y)
            kept[-1].append(loss.detach())
            if i % 3 == 0:
                kept[-1] += [first.weight.grad, last.weight.grad.numpy()[:2]]
            elif i % 3 == 1:
                kept[-1] += [first.bias.grad.detach()[1:], memoryview(last.bias.grad.numpy())]
    assert is_of_kernels(program.step)
    for expected, got in zip(*kept, strict=True):
        assert np.array_equal(np.asarray(expected), np.asarray(got))


def test_results_are_the_users():
    """Logits, a view of them and what lies in between, kept from each call, and fed in again."""
    model = WIDE["relu"]()
    wide = nn.Linear(10, 300)

    def program(x):
        hidden = model(x)
        return hidden, hidden.reshape(-1), F.relu(wide(hidden))

    replayed = torch.compile(torch.no_grad()(program), fullgraph=True)
    x = torch.randn(32, 300)
    kept, expected = [], []
    for i in range(10):
        with torch.no_grad():
            expected.append(program(x))
        kept.append(replayed(x))
        x = kept[-1][2] if i % 2 else kept[-1][2] * 0.5
    assert equal(kept, expected)
    kept[-1][0].fill_(0.0)
    assert equal(replayed(x), torch.no_grad()(program)(x))
    assert is_of_kernels(replayed)


def test_memory_is_used_again_where_nobody_has_it():
    program = Program("mlp")
    places = set()
    for x, y in batches("mlp", 9):
        program.step(x, y)
        places.add(program.model[0].weight.grad.numpy().ctypes.data)
    places = set()
    for x, y in batches("mlp", 9):
        program.step(x, y)
        places.add(program.model[0].weight.grad.numpy().ctypes.data)
    assert len(places) == 1


def views_of_data(i):
    """Return inputs that lie within others: slices, overlapping ones, transposed and read-only ones."""
    data = torch.randn(40, 20)
    kind = i // 8
    if kind == 0:
        return data[i : i + 16]
    if kind == 1:
        return data.T[:, 4:20].T
    if kind == 2:
        return data[::2][:16]
    array = data[:16].numpy().copy()
    array.flags.writeable = False
    return torch.from_numpy(array)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writ")
def test_inputs_that_are_views():
    results = []
    for replay in (False, True):
        program = Program("mlp", replay=replay)
        torch.manual_seed(1)
        results.append(
            [program.step(views_of_data(i), torch.randint(0, 5, (50,))[i : i + 16]) for i in range(32)]
        )
        results[-1] += program.content()
    assert equal(*results)
    assert is_of_kernels(program.step)


def test_two_inputs_in_one_memory():
    def program(a, b):
        return F.relu(a) - F.relu(b).sum()

    replayed = torch.compile(program, fullgraph=True)
    data = torch.randn(20)
    for i in range(12):
        pair = (data[:10], data[:10]) if i < 6 else (data[:10], data[10:])
        assert equal(replayed(*pair), program(*pair))
        data = torch.randn(20)


# ---- what changes from call to call -----------------------------------------------------------------------------


def set_everywhere(name, value):
    def change(program):
        for group in program.optimizer.param_groups:
            group[name] = value

    return change


def load(program):
    program.optimizer.load_state_dict(program.optimizer.state_dict())


def forget_momentum(program):
    program.optimizer.state.clear()


def count_on(program):
    for state in program.optimizer.state.values():
        state["step"].add_(10.0)


CHANGES = [
    ("sgd", set_everywhere("lr", 0.3)),
    ("sgd", set_everywhere("momentum", 0.0)),
    ("sgd", set_everywhere("nesterov", True)),
    ("sgd", load),
    ("sgd", forget_momentum),
    ("adam", set_everywhere("lr", 0.3)),
    ("adam", set_everywhere("betas", (0.5, 0.5))),
    ("adam", set_everywhere("weight_decay", 0.1)),
    ("adam", load),
    ("adam", count_on),
    ("adamw", set_everywhere("maximize", True)),
    ("adamw", set_everywhere("amsgrad", False)),
]


@pytest.mark.parametrize(("optimizer", "change"), CHANGES)
def test_an_optimizer_is_changed_from_outside(optimizer, change):
    def between(program, i):
        if i == 8:
            change(program)

    step = both("mlp", count=16, optimizer=optimizer, between=between)
    assert is_of_kernels(step)


def test_the_number_of_threads_is_changed():
    before = torch.get_num_threads()
    try:
        step = both("mlp", count=14, between=lambda program, i: torch.set_num_threads(1 + (i >= 7)))
    finally:
        torch.set_num_threads(before)
    assert is_of_kernels(step)
    assert len(step.recordings) == 2


def test_gradients_add_up_while_kernels_write_them():
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(30, 20)

        def step(x, y, model=model):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([])
        for i in range(12):
            results[-1].append(step(torch.randn(16, 30), torch.randint(0, 20, (16,))))
            if i % 4 == 3:
                results[-1].append(model.weight.grad.clone())
                model.zero_grad()
    assert equal(*results)
    assert is_of_kernels(step)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_an_optimizer_whose_kernels_cannot_be_written_keeps_its_line(optimizer):
    """One that is given a copy of a parameter, whose memory is not in order; the operations are kernels."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        weight, layer = nn.Parameter(torch.randn(30, 20).t()), nn.Linear(20, 10)
        used = optimizer([weight, *layer.parameters()], lr=0.01)

        def step(x, y, weight=weight, layer=layer, used=used):
            used.zero_grad()
            loss = F.cross_entropy(layer(F.relu(F.linear(x, weight))), y)
            loss.backward()
            used.step()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([step(torch.randn(16, 30), torch.randint(0, 10, (16,))) for _ in range(6)])
        results[-1] += [weight, weight.grad, *layer.parameters()]
    assert equal(*results)
    assert is_of_kernels(step)
    assert ".step()" in step.source
    assert "relu.forward(" not in step.source


# ---- faults -----------------------------------------------------------------------------------------------------

FAULTS = {
    "one row too few": ("relu(t0_flat, t1_flat, 0, 480)", "relu(t0_flat, t1_flat, 0, 479)"),
    "no gradient of the loss": ("loss_backward_rows(", "(lambda *_: None)("),
    "a loss of another mean": ("totals[0] / totals[1]", "totals[0] / 15.0"),
    "an update is left out": ("adam_loop(p_0_bias", "(lambda *_: None)(p_0_bias"),
    "a step is not counted": ("note_step(", "(lambda *_: None)("),
    "an error": ("note_step(", "note_step(1, "),
    "a gradient is not kept": ("keep(p_0_weight, ", "(lambda _, grad: grad)(p_0_weight, "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds_a_planted_fault_and_goes_back_to_operations(fault):
    old, new = FAULTS[fault]
    results = []
    for replay in (False, True):
        program = Program("mlp", replay=replay)
        torch.manual_seed(1)
        results.append([])
        for i, (x, y) in enumerate(batches("mlp", 10)):
            if replay and i == 3:
                (recording,) = program.step.recordings
                assert recording.kernels is not None
                assert not recording.checked
                assert old in recording.kernels.source
                scope = recording.kernels.scope
                exec(recording.kernels.source.replace(old, new), scope)
                recording.function = FunctionType(scope["replay"].__code__, scope)
            results[-1].append(program.step(x, y))
        results[-1] += program.content()
    assert equal(*results)
    assert all_checked(program.step)
    assert recording.kernels is None
    assert "linear.forward(" in program.step.source


def test_an_error_inside_leaves_everything_as_it_was_without_replay():
    contents = []
    for replay in (False, True):
        program = Program("mlp", replay=replay)
        torch.manual_seed(1)
        for i, (x, y) in enumerate(batches("mlp", 8)):
            if i == 6:
                with pytest.raises(IndexError, match="out of bounds"):
                    program.step(x, y + 5)
            program.step(x, y)
        contents.append(list(program.content()))
    assert equal(*contents)
    assert is_of_kernels(program.step)


def test_the_copy_of_an_input_that_has_a_nan_is_recognised():
    """It came with the same numbers in all calls in which lists are written and compared."""
    replayed = torch.compile(lambda x: F.softmax(F.relu(x), 1), fullgraph=True)
    x = torch.randn(6, 6)
    x[0, 0] = torch.nan
    for i in range(8):
        x = x if i < 5 else torch.randn(6, 6)
        assert equal(replayed(x.T), F.softmax(F.relu(x.T), 1))


def doubled(x, y, first, last):
    y[first:last] = 2 * x[first:last]


def test_memory_is_a_kernels_own_only_if_the_kernel_overwrites_it():
    """Not what it reads, overwrites in part or adds to, nor an array that it is not given."""
    x, y = np.arange(6.0), np.empty(6)
    assert overwrites(Launch(doubled, (x, y), 6, 1.0, None), y)
    assert overwrites(Launch(doubled, (x, y[::2]), 3, 1.0, None), y) is False
    assert not overwrites(Launch(doubled, (x, y), 6, 1.0, None), x)
    assert not overwrites(Launch(doubled, (x, y), 5, 1.0, None), y)
    assert not overwrites(Launch(np.add.at, (y, [0], x[:1]), None, None, None), y)
    assert np.array_equal(x, np.arange(6.0))
