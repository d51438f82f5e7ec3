"""``learn.record``: the tape tells what ran, in which order, with which numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import learn, nn
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.ops.nn.activation import Relu

pytestmark = pytest.mark.host("the tape's numbers are compared with NumPy's")


def record_scalars():
    """The graph that the tests below know by heart: loss = (w x - 1)^2 + w^2 with w = 2, x = 3."""
    w = torch.tensor(2.0, requires_grad=True)
    x = torch.tensor(3.0)
    with learn.record() as tape:
        loss = (w * x - 1) ** 2 + w * w
        loss.backward()
    return tape, w


def test_order_and_names_of_the_steps():
    tape, _ = record_scalars()
    assert [step.op for step in tape.forward] == ["Mul", "Sub", "Pow", "Mul", "Add"]
    assert [step.step.op if step.step else step.name for step in tape.backward] == [
        "Add",
        "Mul",
        "Pow",
        "Sub",
        "Mul",
        "AccumulateGrad",
    ]
    assert [step.index for step in tape.forward] == list(range(5))
    assert [step.index for step in tape.backward] == list(range(6))
    assert [(leaf.kind, leaf.name) for leaf in tape.leaves] == [("variable", "w"), ("data", "x")]
    assert tape.forward[-1].output_names == {0: "loss"}
    assert tape.finished
    assert not tape.retain_graph


def test_values_and_sources_of_the_forward():
    tape, _ = record_scalars()
    product, difference, _, square, total = tape.forward
    assert [operand.value.item() for operand in product.inputs] == [2.0, 3.0]
    assert product.outputs[0].item() == 6.0
    assert product.inputs[0].source is tape.leaves[0] is square.inputs[1].source
    assert difference.inputs[0].source is product
    assert (difference.inputs[1].value, difference.inputs[1].number) == (None, 1.0)
    assert total.outputs[0].item() == 25.0 + 4.0
    assert [operand.needs_grad for operand in product.inputs] == [True, False]


def test_gradients_and_local_derivatives_of_the_backward():
    tape, _ = record_scalars()
    add, square, power, difference, product, leaf = tape.backward
    assert [grad.item() for grad in add.grads] == [1.0]
    assert add.came_from == []
    assert [sent.value.item() for sent in power.sent[:1]] == [2 * 5.0]
    assert power.sent[0].local.item() == 10.0
    assert product.grads[0].item() == 10.0
    assert product.came_from == [(difference, difference.sent[0])]
    assert product.sent[0].value.item() == 30.0
    assert product.sent[1].value is None
    assert [sent.target for sent in square.sent] == [tape.leaves[0]] * 2
    assert [(sent.before and sent.before.item(), sent.total.item()) for sent in square.sent] == [
        (None, 2.0),
        (2.0, 4.0),
    ]
    assert (product.sent[0].before.item(), product.sent[0].total.item()) == (4.0, 34.0)
    assert leaf.grads[0].item() == 34.0
    assert len(leaf.came_from) == 3


def test_accumulation_is_before_plus_added():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (w * 3).sum().backward()
    with learn.record() as tape:
        (w * w).sum().backward()
    accumulation = tape.backward[-1].accumulation
    np.testing.assert_array_equal(accumulation.before.array, [3, 3])
    np.testing.assert_array_equal(accumulation.added.array, [2, 4])
    np.testing.assert_array_equal(accumulation.after.array, [5, 7])
    w.grad.zero_()
    np.testing.assert_array_equal(accumulation.after.array, [5, 7])  # it is a copy


def test_lines_and_the_columns_in_them():
    tape, _ = record_scalars()
    product = tape.forward[0]
    assert product.line.file == __file__
    assert product.line.function == "record_scalars"
    assert product.line.source == "loss = (w * x - 1) ** 2 + w * w"
    text = " " * 8 + product.line.source
    spans = [text[step.line.start : step.line.end] for step in tape.forward]
    assert spans == ["w * x", "w * x - 1", "(w * x - 1) ** 2", "w * w", text.strip()[len("loss = ") :]]
    assert tape.called_at[0].source == "loss.backward()"


class Net(nn.Module):
    """A layer that is used twice, and a container."""

    def __init__(self):
        super().__init__()
        self.twice = nn.Linear(2, 2)
        self.rest = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(2))

    def forward(self, x):
        return self.rest(self.twice(self.twice(x)))


def test_modules_and_parameters_have_the_names_of_the_program():
    model = Net()
    images = torch.randn(3, 2)
    with learn.record() as tape:
        model(images).sum().backward()
    assert [step.path for step in tape.forward] == [
        ("model: Net", "twice: Linear"),
        ("model: Net", "twice: Linear"),
        ("model: Net", "rest: Sequential", "0: ReLU"),
        ("model: Net", "rest: Sequential", "1: BatchNorm1d"),
        (),
    ]
    first, second = tape.forward[:2]
    assert first.modules[0] == second.modules[0]
    assert first.modules[1] != second.modules[1]
    assert {leaf.name for leaf in tape.leaves} >= {"images", "model.twice.weight", "model.rest.1.bias"}


def double(weight, value):
    product = weight * value
    return product + product


def test_the_name_of_the_outermost_frame_is_taken():
    """A function calls it weight, its caller weights[0]; what only the function holds has the function's name."""
    weights = [torch.tensor(2.0, requires_grad=True)]
    x = torch.tensor(3.0)
    with learn.record() as tape:
        result = double(weights[0], x)
        (result * 1.0).backward()
    assert [leaf.name for leaf in tape.leaves] == ["weights[0]", "x"]
    assert [step.output_names.get(0) for step in tape.forward] == ["product", "result", None]


def test_saved_arrays_and_who_frees_them():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    with learn.record() as tape:
        torch.relu(x * 2).sum().backward()
    relu = next(step for step in tape.forward if step.op == "Relu")
    (saved,) = relu.saved
    assert (saved.role, saved.nbytes) == ("output 0", 8)
    assert saved.freed_by.step is relu
    assert saved.freed_by.freed == [saved]


def test_retained_arrays_are_not_freed():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    with learn.record() as tape:
        torch.relu(x).sum().backward(retain_graph=True)
    assert tape.retain_graph
    assert tape.forward[0].saved[0].freed_by is None


def test_the_backward_that_is_asked_for():
    w = torch.tensor(1.0, requires_grad=True)
    with learn.record(backward=3) as tape:
        for factor in (2.0, 3.0, 5.0, 7.0):
            (w * factor).backward()
    assert [step.op for step in tape.forward] == ["Mul"]
    assert tape.forward[0].inputs[1].number == 5.0
    accumulation = tape.backward[-1].accumulation
    assert (accumulation.before.item(), accumulation.after.item()) == (5.0, 10.0)


def test_a_backward_that_never_comes_leaves_the_forward():
    w = torch.tensor(1.0, requires_grad=True)
    with learn.record(backward=2) as tape:
        (w * 2).backward()
        w + 1
    assert not tape.finished
    assert tape.backward == []
    assert "Add" in [step.op for step in tape.forward]


def test_a_value_that_is_changed_in_place_stays_as_it_was_seen():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with learn.record() as tape:
        y = w * 2
        y.add_(1)
        (y * y).sum().backward()
    assert [step.op for step in tape.forward] == ["Mul", "Add", "Mul", "Sum"]
    np.testing.assert_array_equal(tape.forward[0].outputs[0].array, [2, 4])
    np.testing.assert_array_equal(tape.forward[2].inputs[0].value.array, [3, 5])


def test_autograd_grad_collects():
    w = torch.tensor(3.0, requires_grad=True)
    with learn.record() as tape:
        torch.autograd.grad(w * w, w)
    last = tape.backward[-1]
    assert (last.kind, last.leaf.name, last.accumulation) == ("collect", "w", None)
    assert last.grads[0].item() == 6.0


def test_a_hook_that_replaces_a_gradient_is_seen():
    w = torch.tensor(3.0, requires_grad=True)
    y = w * 2
    y.register_hook(lambda grad: grad * 10)
    with learn.record() as tape:
        (y * 1.0).backward()
    of_y = tape.backward[1]
    assert of_y.hooked
    assert of_y.grads[0].item() == 10.0
    assert not tape.backward[0].hooked
    assert [step.seen for step in tape.forward] == [False, True]


def test_a_graph_made_before_is_known_by_its_edges():
    w = torch.tensor(3.0, requires_grad=True)
    y = w
    for _ in range(3000):  # deeper than Python may recurse
        y = y * 1.0
    with learn.record() as tape:
        y.backward()
    assert len(tape.forward) == 3000
    assert not any(step.seen for step in tape.forward)
    assert tape.backward[-1].accumulation.after.item() == 1.0


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


def test_a_function_of_the_user_is_one_step():
    w = torch.tensor(3.0, requires_grad=True)
    with learn.record() as tape:
        Double.apply(w).backward()
    assert [step.op for step in tape.forward if step.recorded] == ["Double"]
    assert tape.forward[-1].op_class is Double
    assert tape.backward[0].sent[0].value.item() == 2.0


def test_a_planted_fault_is_on_the_tape(monkeypatch):
    """A wrong derivative is seen as it ran: the tape copies what happened, and computes nothing instead."""
    monkeypatch.setattr(Relu, "backward", lambda self, grad_output: grad_output * 3)
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    with learn.record() as tape:
        torch.relu(w).sum().backward()
    relu = tape.backward[1]
    np.testing.assert_array_equal(relu.sent[0].value.array, [3, 3])
    np.testing.assert_array_equal(relu.sent[0].local.array, [3, 3])


def test_what_is_too_large_leaves_a_corner():
    w = torch.ones(100, 100, requires_grad=True)
    with learn.record(max_bytes=50_000) as tape:
        (w * 2).sum().backward()
    kept, product = tape.forward[0].inputs[0].value, tape.forward[0].outputs[0]
    assert kept.array is not None
    assert product.array is None
    assert product.shape == (100, 100)
    assert product.window.shape == (48, 48)
    assert (product.lowest, product.highest) == (2.0, 2.0)


def test_values_that_are_not_finite_are_counted():
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    with learn.record() as tape:
        torch.log(x).sum().backward()
    assert (tape.forward[0].outputs[0].not_finite, tape.forward[0].outputs[0].highest) == (1, 0.0)


def test_a_training_program_gets_the_same_numbers_with_and_without():
    def train():
        torch.manual_seed(3)
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.mse_loss(model(torch.randn(4, 2)), torch.zeros(4, 2))
            loss.backward()
            optimizer.step()
        return loss.item()

    plain = train()
    with learn.record(backward=2) as tape:
        assert train() == plain
    assert tape.finished


def test_nobody_looks_on_after_the_backward():
    with learn.record():
        assert len(this_thread.mode.observers) == 1
        torch.ones((), requires_grad=True).exp().backward()
        assert this_thread.mode.observers == ()


def test_an_error_in_the_block_is_not_swallowed():
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="scalar outputs"), learn.record() as tape:
        (w * 2).backward()
    assert [step.op for step in tape.forward] == ["Mul"]
    assert this_thread.mode.observers == ()


def test_complex_and_half_and_bfloat16_numbers():
    for dtype in (torch.complex64, torch.float16, torch.bfloat16):
        w = torch.ones(2, dtype=dtype, requires_grad=True)
        with learn.record() as tape:
            (w * 2).abs().sum().backward()
        assert tape.leaves[0].value.dtype == str(dtype).removeprefix("torch.")
        assert tape.backward[-1].accumulation.after.highest == 2.0
