from __future__ import annotations

from collections import OrderedDict

import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn


class Add(nn.Module):
    """Adds a number: easy to follow through a container."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, x):
        return 10 * x + self.number


def numbers(modules):
    return [module.number for module in modules]


@pytest.fixture(params=[nn.Sequential, nn.ModuleList])
def four(request):
    """Both lists of modules, with the numbers 0 to 3."""
    modules = [Add(i) for i in range(4)]
    return nn.Sequential(*modules) if request.param is nn.Sequential else nn.ModuleList(modules)


# ---- Sequential and ModuleList -----------------------------------------------------------------------


def test_sequential_calls_one_after_the_other():
    assert nn.Sequential(Add(1), Add(2), Add(3))(0) == 123
    assert nn.Sequential()(5) == 5


@pytest.mark.parametrize("kind", [OrderedDict, dict])
def test_sequential_with_names(kind):
    net = nn.Sequential(kind([("first", Add(1)), ("second", Add(2))]))
    assert net(0) == 12
    assert net.first is net[0]
    assert list(net[1:]._modules) == ["second"]
    net.third = Add(3)
    assert net(0) == 123


def test_len_iter_and_index(four):
    assert len(four) == 4
    assert numbers(four) == [0, 1, 2, 3]
    assert four[0].number == 0
    assert four[-1].number == 3
    assert Add(1) not in four
    assert four[2] in four


@pytest.mark.parametrize("index", [4, -5])
def test_an_index_that_is_too_large(four, index):
    for call in (
        lambda: four[index],
        lambda: four.__setitem__(index, Add(1)),
        lambda: four.__delitem__(index),
    ):
        with pytest.raises(IndexError, match=f"index {index} is out of range: expected -4 to 3"):
            call()


def test_slices_are_of_the_same_kind(four):
    part = four[1:3]
    assert type(part) is type(four)
    assert numbers(part) == [1, 2]
    assert part[0] is four[1]
    assert numbers(four[::-1]) == [3, 2, 1, 0]
    assert len(four[4:]) == 0


def test_setting_keeps_the_order(four):
    four[0] = Add(7)
    four[-1] = Add(9)
    assert numbers(four) == [7, 1, 2, 9]
    assert list(four._modules) == ["0", "1", "2", "3"]


def test_deleting_and_popping_renumber(four):
    del four[1]
    assert list(four._modules) == ["0", "1", "2"]
    assert numbers(four) == [0, 2, 3]
    assert four.pop(-1).number == 3
    assert four.pop(0).number == 0
    assert list(four._modules) == ["0"]
    four.extend([Add(5), Add(6)])
    del four[1:]
    assert numbers(four) == [2]


def test_append_extend_and_insert(four):
    assert four.append(Add(4)) is four
    four.extend([Add(5), Add(6)])
    four += [Add(7)]
    assert numbers(four) == list(range(8))
    four.insert(0, Add(-1))
    four.insert(-1, Add(99))
    four.insert(10, Add(100))
    assert numbers(four) == [-1, 0, 1, 2, 3, 4, 5, 6, 99, 7, 100]
    assert list(four._modules) == [str(i) for i in range(11)]
    four.extend(four)
    assert len(four) == 22


def test_adding_makes_a_new_one(four):
    other = type(four)(*[Add(8)]) if isinstance(four, nn.Sequential) else nn.ModuleList([Add(8)])
    both = four + other
    assert type(both) is type(four)
    assert numbers(both) == [0, 1, 2, 3, 8]
    assert len(four) == 4


def test_multiplying_repeats_the_same_modules():
    net = nn.Sequential(Add(1), Add(2))
    assert (net * 2)(0) == 1212
    assert (2 * net)[2] is net[0]
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0"):
        net * 0
    with pytest.raises(TypeError, match="unsupported operand type"):
        net * 1.5


def test_errors(four):
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        four.append(3)
    with pytest.raises(TypeError, match="str is not a Module subclass"):
        four.insert(0, "layer")
    with pytest.raises(TypeError, match=r"extend should be called with an iterable, but got .*\.Add"):
        four.extend(Add(1))
    with pytest.raises(IndexError, match="Index out of range: 5; expected -4 to 4"):
        four.insert(5, Add(1))
    with pytest.raises(TypeError):
        four["0"]
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential class"):
        nn.Sequential() + nn.ModuleList([Add(1)])
    with pytest.raises(TypeError, match="list is not a Module subclass"):
        nn.Sequential([nn.Linear(1, 1)])
    assert len(four) == 4


def test_a_list_of_modules_cannot_be_called():
    with pytest.raises(
        NotImplementedError, match=r'Module \[ModuleList\] is missing the required "forward" function'
    ):
        nn.ModuleList([nn.Linear(1, 1)])(torch.ones(1, 1))


def test_a_plain_list_hides_parameters_and_a_module_list_does_not():
    net = nn.Module()
    net.hidden = [nn.Linear(1, 1)]
    assert list(net.parameters()) == []
    net.shown = nn.ModuleList(net.hidden)
    assert [name for name, _ in net.named_parameters()] == ["shown.0.weight", "shown.0.bias"]


def test_subclasses_may_add_to_sequential():
    class Block(nn.Sequential):
        def __init__(self, channels):
            super().__init__(nn.Linear(channels, channels), nn.ReLU())

        def forward(self, x):
            return x + super().forward(x)

    net = nn.Sequential(Block(2), Block(2))
    assert net(torch.ones(1, 2)).shape == (1, 2)
    assert list(net.state_dict()) == ["0.0.weight", "0.0.bias", "1.0.weight", "1.0.bias"]


# ---- ModuleDict --------------------------------------------------------------------------------------


def test_module_dict():
    modules = nn.ModuleDict({"b": Add(1), "a": Add(2)})
    modules["c"] = Add(3)
    assert list(modules) == list(modules.keys()) == ["b", "a", "c"]
    assert len(modules) == 3
    assert "a" in modules
    assert "x" not in modules
    assert modules["a"](0) == 2
    assert numbers(modules.values()) == [1, 2, 3]
    assert [(key, module.number) for key, module in modules.items()] == [("b", 1), ("a", 2), ("c", 3)]
    modules["b"] = Add(9)
    assert list(modules) == ["b", "a", "c"]
    assert modules.pop("a").number == 2
    del modules["c"]
    modules.update([("d", Add(4)), ["e", Add(5)]])
    modules.update(nn.ModuleDict({"f": Add(6)}))
    assert list(modules) == ["b", "d", "e", "f"]
    modules.clear()
    assert len(modules) == 0


def test_module_dict_errors():
    modules = nn.ModuleDict()
    with pytest.raises(KeyError, match="nothing"):
        modules["nothing"]
    with pytest.raises(KeyError):
        modules.pop("nothing")
    with pytest.raises(TypeError, match=r"module name should be a string. Got int"):
        modules[3] = Add(1)
    with pytest.raises(
        TypeError, match=r"ModuleDict.update should be called with an iterable of key/value pairs, but"
    ):
        modules.update(3)
    with pytest.raises(ValueError, match="ModuleDict update sequence element #1 has length 1; 2 is required"):
        modules.update([("a", Add(1)), ("b",)])
    with pytest.raises(KeyError, match="attribute 'keys' already exists"):
        modules["keys"] = Add(1)
    assert len(modules) == 0


# ---- the same as in PyTorch --------------------------------------------------------------------------


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "change",
    [
        lambda nn, net: net.append(nn.Tanh()),
        lambda nn, net: net.extend([nn.Tanh(), nn.ReLU()]),
        lambda nn, net: net.insert(1, nn.Tanh()),
        lambda nn, net: net.insert(len(net), nn.Tanh()),
        lambda nn, net: net.pop(0),
        lambda nn, net: net.pop(-1),
        lambda nn, net: net.__setitem__(1, nn.Tanh()),
        lambda nn, net: net.__delitem__(slice(0, 2)),
        lambda nn, net: net.__iadd__(type(net)(nn.Tanh()) if isinstance(net, nn.Sequential) else [nn.Tanh()]),
    ],
)
@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_changes_are_those_of_pytorch(reference, kind, change):
    texts = []
    for library in (torch, reference):
        modules = [library.nn.Linear(2, 2), library.nn.ReLU(), library.nn.Linear(2, 1)]
        net = library.nn.Sequential(*modules) if kind == "Sequential" else library.nn.ModuleList(modules)
        change(library.nn, net)
        texts.append((repr(net), list(net.state_dict())))
    assert texts[0] == texts[1]
