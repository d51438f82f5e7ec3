"""The texts that models show, compared with those of PyTorch."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import tinygrad_edu as torch
from tinygrad_edu.nn.text import collapsed


def nested(lib):
    class Net(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = lib.nn.Conv2d(1, 32, 5, padding=2)
            self.pool = lib.nn.MaxPool2d(2, 2)
            self.blocks = lib.nn.ModuleList(
                [lib.nn.Sequential(lib.nn.Linear(4, 4), lib.nn.ReLU()) for _ in range(3)]
            )
            self.nothing = lib.nn.Identity()
            self.gone = lib.nn.Identity()
            self.gone = None

        def extra_repr(self):
            return "one line"

    return Net()


def two_lines(lib):
    class Told(lib.nn.Module):
        def extra_repr(self):
            return "first\nsecond"

    return Told()


def one_line_and_children(lib):
    model = two_lines(lib)
    model.fc = lib.nn.Linear(1, 2)
    return lib.nn.Sequential(model)


MODELS = [
    nested,
    two_lines,
    one_line_and_children,
    lambda lib: lib.nn.Module(),
    lambda lib: lib.nn.Sequential(),
    lambda lib: lib.nn.Sequential(lib.nn.ReLU(), lib.nn.ReLU()),
    lambda lib: lib.nn.Sequential(OrderedDict(conv=lib.nn.Conv1d(1, 2, 3), act=lib.nn.ReLU6(inplace=True))),
    lambda lib: lib.nn.ModuleList(),
    lambda lib: lib.nn.ModuleList([lib.nn.ReLU()]),
    lambda lib: lib.nn.ModuleList([lib.nn.ReLU(), lib.nn.ReLU(), lib.nn.Tanh(), lib.nn.ReLU()]),
    lambda lib: lib.nn.ModuleList(
        [lib.nn.ModuleList([lib.nn.Linear(i, 2) for _ in range(2)]) for i in (1, 1, 3)]
    ),
    lambda lib: lib.nn.ModuleDict({"a": lib.nn.Linear(1, 2), "b": lib.nn.Sequential(lib.nn.Dropout())}),
    lambda lib: lib.nn.ParameterList([lib.ones(2, 3), lib.ones(()), 5]),
    lambda lib: lib.nn.ParameterList(),
    lambda lib: lib.nn.ParameterDict(),
    lambda lib: lib.nn.ParameterDict({"a": 5, "b": "text"}),
    lambda lib: lib.nn.Sequential(lib.nn.Unflatten(1, (2, 3)), lib.nn.Flatten(0), lib.nn.CrossEntropyLoss()),
]


@pytest.mark.host("printing without a device")
@pytest.mark.torch_parity
@pytest.mark.parametrize("build", MODELS)
def test_repr_is_that_of_pytorch(reference, build):
    assert repr(build(torch)) == repr(build(reference))


def test_repr_of_a_model():
    net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.ReLU()]))
    assert repr(net) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=1, bias=True)\n  (1): ModuleList(\n"
        "    (0-1): 2 x ReLU()\n  )\n)"
    )
    assert str(net) == repr(net)


def test_collapsed():
    assert collapsed([]) == []
    assert collapsed(["a", "b", "b", "b", "a", "a"]) == [("0", "a"), ("1-3", "3 x b"), ("4-5", "2 x a")]
