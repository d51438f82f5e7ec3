"""Observers see what runs, from outside, and change nothing."""

from __future__ import annotations

import threading

import pytest

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.observer import Observer, attach, detach, observed_block, observed_by


class Notes(Observer):
    """Notes everything, as it begins and as it ends."""

    def __init__(self, name="", notes=None):
        self.name = name
        self.notes = [] if notes is None else notes

    def note(self, *what):
        self.notes.append((self.name, *what) if self.name else what)

    def forward(self, run, node, arrays, options):
        self.note("forward", node.operation_name())
        result = run()
        self.note("result", [getattr(x, "shape", x) for x in arrays], options, result.shape)
        return result

    def backward(self, run, node, grad_outputs):
        self.note("backward", node.name())
        grad_inputs = run()
        self.note(
            "gradients", [g.shape for g in grad_outputs], [g if g is None else g.shape for g in grad_inputs]
        )
        return grad_inputs

    def block(self, name, kind):
        return Block(self, name, kind)

    def module(self, module):
        return Block(self, type(module).__name__, "module")


class Block:
    def __init__(self, notes, *what):
        self.notes, self.what = notes, what

    def __enter__(self):
        self.notes.note("enter", *self.what)

    def __exit__(self, kind, error, traceback):
        self.notes.note("exit", *self.what, kind)


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def test_a_node_its_arrays_its_options_and_its_result():
    notes = Notes()
    with observed_by(notes):
        torch.ones(2, 3).sum(dim=1, keepdim=True)
    assert notes.notes == [
        ("forward", "Sum"),
        ("result", [(2, 3)], {"dims": (1,), "keepdim": True}, (2, 1)),
    ]


def test_a_backward_is_a_block_of_nodes():
    loss = (leaf(1.0, 2.0) * 3).sum()
    notes = Notes()
    with observed_by(notes):
        loss.backward()
    assert notes.notes == [
        ("enter", "run_backward", "backward"),
        ("backward", "SumBackward0"),
        ("gradients", [()], [(2,)]),
        ("backward", "MulBackward0"),
        ("gradients", [(2,)], [(2,), None]),
        ("backward", "AccumulateGrad"),
        ("gradients", [(2,)], []),
        ("exit", "run_backward", "backward", None),
    ]


def test_what_an_operation_computes_within_a_backward_is_its_own_affair():
    """The gradient of a convolution is an operation too; on arrays it is a part of the node that runs."""
    y = torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2, requires_grad=True))
    notes = Notes()
    with observed_by(notes):
        y.sum().backward()
    assert [note[1] for note in notes.notes if note[0] == "forward"] == ["Sum"]


def test_with_create_graph_the_derivatives_are_operations_too():
    x = leaf(2.0)
    y = x * x
    notes = Notes()
    with observed_by(notes):
        torch.autograd.grad(y, x, create_graph=True)
    assert ("forward", "Mul") in notes.notes


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


def test_a_function_of_the_user():
    notes = Notes()
    with observed_by(notes):
        y = Twice.apply(leaf(1.0))
        y.backward()
    names = [note[1] for note in notes.notes if note[0] in ("forward", "backward")]
    assert names == ["Twice", "Mul", "TwiceBackward", "Mul", "AccumulateGrad"]


def test_modules_optimizers_loaders_and_labels():
    layer = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    loader = torch.utils.data.DataLoader(torch.ones(2, 2))
    notes = Notes()
    with observed_by(notes):
        for batch in loader:
            with torch.profiler.record_function("mine"):
                layer(batch).sum().backward()
            optimizer.step()
    entered = [note[1:] for note in notes.notes if note[0] == "enter"]
    assert {kind for _, kind in entered} == {"module", "backward", "optimizer", "data", "user_annotation"}
    assert ("mine", "user_annotation") in entered
    assert ("Linear", "module") in entered
    assert ("Optimizer.step#SGD.step", "optimizer") in entered


def test_the_first_to_come_is_innermost():
    notes = []
    with observed_by(Notes("inner", notes)), observed_by(Notes("outer", notes)):
        torch.ones(1) * 2
    assert [note[:2] for note in notes] == [
        ("outer", "forward"), ("inner", "forward"), ("inner", "result"), ("outer", "result"),
    ]  # fmt: skip


def test_an_error_goes_through_and_ends_the_block():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda grad: 1 / 0)
    notes = Notes()
    with pytest.raises(ZeroDivisionError), observed_by(notes):
        y.backward()
    assert notes.notes[-1] == ("exit", "run_backward", "backward", ZeroDivisionError)
    assert this_thread.mode.observers == ()
    assert torch.is_grad_enabled()


def test_an_observer_may_stop_what_it_sees():
    class Refuses(Observer):
        def forward(self, run, node, arrays, options):
            raise RuntimeError("not this one")

    with observed_by(Refuses()), pytest.raises(RuntimeError, match="not this one"):
        torch.ones(1) * 2
    assert (torch.ones(1) * 2).item() == 2


def test_numbers_are_the_same():
    def gradients():
        x = leaf(1.0, 2.0, 3.0)
        (x.exp() * x).sum().backward()
        return to_numpy(x.grad).tobytes()

    alone = gradients()
    with observed_by(Notes()):
        assert gradients() == alone


def test_only_its_own_thread_is_seen():
    notes = Notes()
    with observed_by(notes):
        thread = threading.Thread(target=torch.ones(1).exp)
        thread.start()
        thread.join()
    assert notes.notes == []


def test_attach_and_detach():
    first, second = Notes(), Notes()
    attach(first)
    attach(second)
    detach(first)
    torch.ones(1) * 2
    detach(second)
    detach(second)
    torch.ones(1) * 2
    assert (first.notes, len(second.notes)) == ([], 2)
    with observed_block("nobody", "data"):
        pass
