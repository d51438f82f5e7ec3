from __future__ import annotations

import copy
import dataclasses
import pickle
import traceback

import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn


class Double(nn.Module):
    def forward(self, x, factor=2):
        return x * factor


# ---- forward hooks -----------------------------------------------------------------------------------


def test_forward_pre_hook_sees_and_replaces_the_arguments():
    module, seen = Double(), []

    def look(module_, args):
        seen.append((module_, args))

    def add_one(module_, args):
        return args[0] + 1

    def also_factor(module_, args):
        return args[0], 10

    module.register_forward_pre_hook(look)
    assert module(3) == 6
    assert seen == [(module, (3,))]
    module.register_forward_pre_hook(add_one)
    assert module(3) == 8
    module.register_forward_pre_hook(also_factor)
    assert module(3) == 40


def test_forward_hook_sees_and_replaces_the_output():
    module, seen = Double(), []

    def look(module_, args, output):
        seen.append((args, output))

    def negate(module_, args, output):
        return -output

    module.register_forward_hook(look)
    module.register_forward_hook(negate)
    module.register_forward_hook(look)
    assert module(3) == -6
    assert seen == [((3,), 6), ((3,), -6)]


def test_hooks_with_kwargs():
    module, seen = Double(), []

    def before(module_, args, kwargs):
        seen.append((args, kwargs))
        return args, {**kwargs, "factor": 5}

    def after(module_, args, kwargs, output):
        seen.append((args, kwargs, output))

    module.register_forward_pre_hook(before, with_kwargs=True)
    module.register_forward_hook(after, with_kwargs=True)
    assert module(3, factor=4) == 15
    assert seen == [((3,), {"factor": 4}), ((3,), {"factor": 5}, 15)]


def test_a_pre_hook_with_kwargs_must_return_both():
    module = Double()
    module.register_forward_pre_hook(lambda module_, args, kwargs: args[0], with_kwargs=True)
    with pytest.raises(
        RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"
    ):
        module(3)


def test_order_prepend_and_removal():
    module, order = Double(), []
    handles = [module.register_forward_hook(lambda *_, i=i: order.append(i)) for i in range(3)]
    module.register_forward_hook(lambda *_: order.append("first"), prepend=True)
    module.register_forward_pre_hook(lambda *_: order.append("b"))
    module.register_forward_pre_hook(lambda *_: order.append("a"), prepend=True)
    module(1)
    assert order == ["a", "b", "first", 0, 1, 2]
    order.clear()
    handles[1].remove()
    handles[1].remove()
    module(1)
    assert order == ["a", "b", "first", 0, 2]
    with module.register_forward_hook(lambda *_: order.append("inside")):
        module(1)
    order.clear()
    module(1)
    assert "inside" not in order


def test_a_hook_that_was_registered_twice_is_removed_once():
    module, seen = Double(), []

    def hook(*_):
        seen.append(1)

    module.register_forward_hook(hook)
    module.register_forward_hook(hook).remove()
    module(1)
    assert seen == [1]


def test_a_hook_may_remove_itself():
    module, seen = Double(), []

    def once(*_):
        seen.append(1)
        handle.remove()

    handle = module.register_forward_hook(once)
    module.register_forward_hook(lambda *_: seen.append(2))
    module(1)
    module(1)
    assert seen == [1, 2, 2]


def test_hooks_go_with_a_copy():
    module = Double()
    module.register_forward_hook(negated)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert twin(3) == -6


def negated(module, args, output):
    return -output


def test_activations_can_be_collected():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    found = {}

    def keep(name):
        def hook(module, args, output):
            found[name] = output.detach()

        return hook

    for name, layer in net.named_children():
        layer.register_forward_hook(keep(name))
    net(torch.ones(4, 2))
    assert {name: tuple(x.shape) for name, x in found.items()} == {"0": (4, 3), "1": (4, 3), "2": (4, 1)}


# ---- the note with the layer's path ------------------------------------------------------------------


class Broken(nn.Module):
    def __init__(self, error=None):
        super().__init__()
        self.error = error or ValueError("broken")

    def forward(self, x):
        raise self.error


class Layer(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.linear1 = inner

    def forward(self, x):
        return self.linear1(x)


class Encoder(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.layers = nn.ModuleList([Layer(nn.Identity()), Layer(nn.Identity()), Layer(inner)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Net(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.encoder = Encoder(inner)

    def forward(self, x):
        return self.encoder(x)


def notes_of(module, error=Exception):
    with pytest.raises(error) as caught:
        module(torch.ones(2, 3))
    return [note for note in caught.value.__notes__ if not note.startswith("at ")]  # the user's line


def test_the_path_of_the_layer():
    assert notes_of(Net(nn.Linear(4, 2)), RuntimeError) == [
        "in layer 'encoder.layers.2.linear1' (Linear) of Net"
    ]
    assert notes_of(Broken()) == ["in layer Broken"]
    assert notes_of(nn.Sequential(Broken())) == ["in layer '0' (Broken) of Sequential"]


def test_the_path_in_nested_containers():
    net = nn.Sequential(nn.Identity(), nn.Sequential(nn.Identity(), Net(nn.Sequential(Broken()))))
    assert notes_of(net) == ["in layer '1.1.encoder.layers.2.linear1.0' (Broken) of Sequential"]

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.grid = nn.ModuleList(
                [nn.ModuleList([nn.Identity()]), nn.ModuleDict({"x": nn.ModuleList([Broken()])})]
            )

        def forward(self, x):
            return self.grid[1]["x"][0](x)

    assert notes_of(Deep()) == ["in layer 'grid.1.x.0' (Broken) of Deep"]


def test_the_path_stands_in_the_traceback():
    with pytest.raises(RuntimeError) as caught:
        Net(nn.Linear(4, 2))(torch.ones(2, 3))
    assert "in layer 'encoder.layers.2.linear1' (Linear) of Net" in "".join(
        traceback.format_exception(caught.value)
    )


def test_an_error_between_two_layers():
    class Between(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(3, 3)

        def forward(self, x):
            return self.body(x).reshape(7)

    assert notes_of(Between()) == ["in layer Between"]
    assert notes_of(nn.Sequential(Between())) == ["in layer '0' (Between) of Sequential"]


def test_a_layer_that_is_not_registered_keeps_its_note():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = [Net(Broken())]  # a plain list: the module does not know of it

        def forward(self, x):
            return self.parts[0](x)

    assert notes_of(Hidden()) == ["in layer 'encoder.layers.2.linear1' (Broken) of Net"]
    assert notes_of(nn.Sequential(Hidden())) == ["in layer 'encoder.layers.2.linear1' (Broken) of Net"]


def test_a_shared_layer_is_named_by_its_first_name():
    layer = Broken()
    net = nn.Sequential(nn.Identity(), nn.Sequential(layer), layer)
    assert notes_of(net) == ["in layer '1.0' (Broken) of Sequential"]


def test_an_error_that_is_raised_again():
    class Catches(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            try:
                return self.inner(x)
            except ValueError as error:
                error.add_note("a note of the user's")
                raise

    notes = notes_of(nn.Sequential(Catches(Broken())))
    assert notes == ["in layer '0.inner' (Broken) of Sequential", "a note of the user's"]


def test_an_error_made_from_another_has_a_note_of_its_own():
    class Translates(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Broken()

        def forward(self, x):
            try:
                return self.inner(x)
            except ValueError as error:
                raise KeyError("other") from error

    with pytest.raises(KeyError) as caught:
        nn.Sequential(Translates())(1)
    assert caught.value.__notes__ == ["in layer '0' (Translates) of Sequential"]
    assert caught.value.__cause__.__notes__ == ["in layer Broken"]


def test_the_same_error_object_twice():
    net = nn.Sequential(Broken(ValueError("one object")))
    for _ in range(2):
        assert notes_of(net) == ["in layer '0' (Broken) of Sequential"]


def test_a_module_that_calls_itself():
    class Recursive(nn.Module):
        def forward(self, depth):
            if depth == 0:
                raise ValueError("at the bottom")
            return self(depth - 1)

    with pytest.raises(ValueError, match="bottom") as caught:
        nn.Sequential(Recursive())(3)
    assert caught.value.__notes__ == ["in layer '0' (Recursive) of Sequential"]


def test_an_error_that_was_handled_leaves_no_trace():
    class Fallback(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Broken()

        def forward(self, x):
            try:
                return self.inner(x)
            except ValueError:
                return x

    assert nn.Sequential(Fallback())(3) == 3


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_is_left_alone(kind):
    error = kind()
    with pytest.raises(kind):
        Net(Broken(error))(1)
    assert not hasattr(error, "__notes__")


def test_an_error_that_cannot_be_changed_comes_through():
    @dataclasses.dataclass(frozen=True)
    class FrozenError(Exception):
        code: int

    with pytest.raises(FrozenError) as caught:
        Net(Broken(FrozenError(3)))(1)
    assert caught.value.code == 3
    assert caught.value.__notes__ == ["in layer 'encoder.layers.2.linear1' (Broken) of Net"]


def test_an_error_can_be_pickled_and_does_not_hold_the_model():
    with pytest.raises(ValueError, match="broken") as caught:
        Net(Broken())(1)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert twin.__notes__ == caught.value.__notes__
    assert not [value for value in caught.value.__dict__.values() if isinstance(value, nn.Module)]


def test_errors_of_hooks_have_the_note_too():
    net = nn.Sequential(nn.Identity())

    def hook(module, args):
        raise ValueError("in the hook")

    net[0].register_forward_pre_hook(hook)
    assert notes_of(net) == ["in layer '0' (Identity) of Sequential"]
