from __future__ import annotations

import copy

import pytest

import tinygrad_edu as torch
from tests.nn.models import Net, Shared
from tinygrad_edu import nn

# ---- filing ------------------------------------------------------------------------------------------


def test_assigning_files_parameters_modules_and_buffers():
    net = Net()
    assert list(net._parameters) == ["scale", "absent"]
    assert list(net._modules) == ["fc1", "norm", "blocks"]
    assert list(net._buffers) == ["seen", "scratch"]
    assert net.absent is None
    assert "skip" in net.__dict__


def test_a_plain_tensor_is_not_registered():
    net = nn.Module()
    net.plain = torch.ones(2)
    assert list(net.parameters()) == []
    assert list(net.buffers()) == []
    assert net.plain.tolist() == [1.0, 1.0]


def test_reassigning_keeps_the_rank():
    net = Net()
    net.fc1 = nn.Linear(2, 5)
    net.scale = nn.Parameter(torch.zeros(2))
    net.seen = torch.ones(1)
    assert list(net._modules) == ["fc1", "norm", "blocks"]
    assert list(net._parameters) == ["scale", "absent"]
    assert net.seen.tolist() == [1.0]
    assert "seen" in net.state_dict()


def test_a_name_is_filed_in_one_place_only():
    net = nn.Module()
    net.thing = 3
    net.thing = nn.Parameter(torch.ones(1))
    assert "thing" not in net.__dict__
    net.thing = nn.Linear(1, 1)
    assert net._parameters == {}
    assert [name for name, _ in net.named_modules()] == ["", "thing"]
    net.register_buffer("other", torch.ones(1), persistent=False)
    net.other = nn.Parameter(torch.ones(1))
    assert net._buffers == {}
    assert "other" in net.state_dict()


def test_what_is_put_into_a_dictionary_of_a_module_is_its_attribute():
    """Programs for PyTorch write to ``_parameters`` to compute with other weights for once."""
    layer, weight = nn.Linear(2, 1, bias=False), torch.ones(1, 2) * 3
    layer._parameters["weight"] = weight
    assert layer.weight is weight
    assert layer(torch.ones(1, 2)).tolist() == [[6.0]]
    del layer._parameters["weight"]
    assert not hasattr(layer, "weight")
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'weight'"):
        layer(torch.ones(1, 2))
    layer.weight = weight  # a Tensor, and no parameter any more
    assert list(layer.parameters()) == []
    assert layer(torch.ones(1, 2)).tolist() == [[6.0]]


@pytest.mark.parametrize(
    "layer", [nn.Linear(2, 3), nn.Conv2d(2, 3, 1), nn.BatchNorm1d(3)], ids=["linear", "conv", "norm"]
)
def test_a_weight_may_be_anything(layer):
    layer = copy.deepcopy(layer)
    assert layer.weight is layer._parameters["weight"]
    layer.bias = None
    assert layer.bias is None
    del layer.weight
    layer.register_buffer("weight", torch.ones(3))
    assert layer.weight is layer._buffers["weight"]
    del layer.weight
    layer.weight = nn.Identity()
    assert layer.weight is layer._modules["weight"]
    layer.__dict__["weight"] = 5
    assert layer.weight == 5
    assert type(layer).weight.__get__(None, type(layer)) is type(layer).weight


def test_a_layer_that_was_not_initialised_says_so():
    with pytest.raises(AttributeError, match=r"'Linear' object has no attribute 'weight'. Hint: call super"):
        nn.Linear.__new__(nn.Linear).weight  # noqa: B018


def test_a_refused_parameter_leaves_the_old_one():
    layer = nn.Linear(2, 1)
    before = layer.weight
    with pytest.raises(TypeError, match="cannot assign 'int' as parameter 'weight'"):
        layer.weight = 3
    derived = nn.Parameter(torch.ones(1, 2))
    derived.set_history((torch.ones(1, requires_grad=True) * 2)._edge)
    with pytest.raises(ValueError, match="non-leaf"):
        layer.weight = derived
    assert layer.weight is before
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_none_keeps_the_place_of_a_parameter_module_or_buffer():
    net = Net()
    net.scale = net.fc1 = net.seen = None
    assert net._parameters["scale"] is None
    assert net._modules["fc1"] is None
    assert net._buffers["seen"] is None
    names = [name for name, _ in net.named_parameters()]
    assert "scale" not in names
    assert "fc1.weight" not in names
    net.fc1 = nn.Linear(2, 3)
    assert next(iter(net._modules)) == "fc1"


def test_a_non_persistent_buffer_stays_so():
    net = Net()
    net.scratch = torch.ones(1)
    assert "scratch" not in net.state_dict()
    assert net.scratch in list(net.buffers())
    net.register_buffer("scratch", torch.ones(1))
    assert "scratch" in net.state_dict()


def test_deleting():
    net = Net()
    del net.scale, net.fc1, net.seen, net.skip
    for name in ("scale", "fc1", "seen", "skip"):
        assert not hasattr(net, name)
        with pytest.raises(AttributeError, match=name):
            delattr(net, name)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "scale",
            torch.ones(2),
            "cannot assign 'Tensor' as parameter 'scale' (torch.nn.Parameter or None expected)",
        ),
        ("fc1", 3, "cannot assign 'int' as child module 'fc1' (torch.nn.Module or None expected)"),
        ("seen", 3, "cannot assign 'int' as buffer 'seen' (torch.Tensor or None expected)"),
    ],
)
def test_assigning_something_else_is_an_error(name, value, message):
    with pytest.raises(TypeError) as caught:
        setattr(Net(), name, value)
    assert str(caught.value) == message


def test_an_unknown_attribute_is_an_error_that_python_can_add_a_hint_to():
    with pytest.raises(AttributeError) as caught:
        Net().fc2  # noqa: B018
    assert str(caught.value) == "'Net' object has no attribute 'fc2'"
    assert caught.value.name == "fc2"
    assert isinstance(caught.value.obj, Net)


class Forgetful(nn.Module):
    def __init__(self, what):
        what(self)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            lambda net: setattr(net, "w", nn.Parameter(torch.ones(1))),
            "cannot assign parameters before Module.__init__() call",
        ),
        (
            lambda net: setattr(net, "fc", nn.Linear(1, 1)),
            "cannot assign module before Module.__init__() call",
        ),
        (
            lambda net: net.register_buffer("b", torch.ones(1)),
            "cannot assign buffer before Module.__init__() call",
        ),
        (
            lambda net: net.register_parameter("p", None),
            "cannot assign parameter before Module.__init__() call",
        ),
        (lambda net: net.add_module("m", None), "cannot assign module before Module.__init__() call"),
        (
            lambda net: net(1),
            "'Forgetful' object has no attribute '_forward_pre_hooks'. Hint: call super().__init__() at the "
            "beginning of __init__",
        ),
    ],
)
def test_before_init(what, message):
    with pytest.raises(AttributeError) as caught:
        Forgetful(what)
    assert str(caught.value) == message


def test_plain_attributes_may_come_before_init():
    class Early(nn.Module):
        def __init__(self):
            self.size = 3
            super().__init__()

    assert Early().size == 3


@pytest.mark.parametrize(
    "register", ["register_parameter", "register_buffer", "add_module", "register_module"]
)
@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("a.b", KeyError, 'can\'t contain "."'),
        ("", KeyError, 'can\'t be empty string ""'),
        ("forward", KeyError, "attribute 'forward' already exists"),
        (3, TypeError, "name should be a string. Got int"),
    ],
)
def test_names_that_cannot_be(register, name, error, words):
    with pytest.raises(error) as caught:
        getattr(Net(), register)(name, None)
    assert words in caught.value.args[0]


def test_registering_over_another_kind_is_an_error():
    net = Net()
    for register, name in [
        ("register_buffer", "scale"),
        ("register_parameter", "seen"),
        ("add_module", "seen"),
    ]:
        with pytest.raises(KeyError, match="already exists"):
            getattr(net, register)(name, None)


def test_registering_the_wrong_type_is_an_error():
    net = nn.Module()
    with pytest.raises(
        TypeError, match=r"cannot assign 'Tensor' object to parameter 'p' \(torch.nn.Parameter or"
    ):
        net.register_parameter("p", torch.ones(1))
    with pytest.raises(
        TypeError, match=r"cannot assign 'list' object to buffer 'b' \(torch Tensor or None req"
    ):
        net.register_buffer("b", [1.0])
    with pytest.raises(TypeError, match="Tensor is not a Module subclass"):
        net.add_module("m", torch.ones(1))
    parameter = nn.Parameter(torch.ones(1))
    parameter.set_history((parameter.clone().grad_fn, 0))
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'p'"):
        net.register_parameter("p", parameter)


def test_dir_lists_what_is_filed_but_no_numbers():
    names = dir(nn.Sequential(nn.Linear(1, 1)))
    assert "0" not in names
    assert {"scale", "fc1", "seen", "forward", "training"} <= set(dir(Net()))


def test_a_module_without_forward():
    with pytest.raises(
        NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'
    ):
        nn.Module()(1)


def test_both_spellings_of_super():
    class Old(nn.Module):
        def __init__(self):
            super(Old, self).__init__()  # noqa: UP008
            self.fc = nn.Linear(1, 1)

    assert len(list(Old().parameters())) == 2


# ---- walking -----------------------------------------------------------------------------------------


def test_named_modules_and_children():
    net = Net()
    assert [name for name, _ in net.named_modules()] == [
        "",
        "fc1",
        "norm",
        "blocks",
        "blocks.0",
        "blocks.0.0",
        "blocks.0.1",
        "blocks.1",
    ]
    assert [name for name, _ in net.named_modules(prefix="net")][:2] == ["net", "net.fc1"]
    assert next(iter(net.modules())) is net
    assert [name for name, _ in net.named_children()] == ["fc1", "norm", "blocks"]
    assert list(net.children()) == [net.fc1, net.norm, net.blocks]


def test_named_parameters_and_buffers():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names == [
        "scale",
        "fc1.weight",
        "fc1.bias",
        "norm.weight",
        "norm.bias",
        "blocks.0.0.weight",
        "blocks.0.0.bias",
        "blocks.1.weight",
        "blocks.1.bias",
    ]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert [name for name, _ in net.named_parameters(prefix="net")][:2] == ["net.scale", "net.fc1.weight"]
    assert list(net.parameters(recurse=False)) == [net.scale]
    buffers = ["seen", "scratch", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]
    assert [name for name, _ in net.named_buffers()] == buffers
    assert [name for name, _ in net.named_buffers(recurse=False)] == ["seen", "scratch"]


def test_what_is_shared_comes_once_unless_asked_for():
    net = Shared()
    assert [name for name, _ in net.named_modules()] == ["", "first", "tied"]
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "first", "second", "tied"]
    assert [name for name, _ in net.named_children()] == ["first", "tied"]
    assert [name for name, _ in net.named_parameters()] == ["first.weight", "first.bias"]
    every = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert every == ["first.weight", "first.bias", "second.weight", "second.bias", "tied.weight"]
    assert list(net.state_dict()) == every
    assert len(list(net.modules(remove_duplicate=False))) == 4


@pytest.mark.torch_parity
def test_walks_are_those_of_pytorch(reference):
    def build(library):
        class Model(library.nn.Module):
            def __init__(self):
                super().__init__()
                self.a = library.nn.Linear(2, 2)
                self.b = library.nn.Sequential(library.nn.Conv2d(1, 2, 3), library.nn.BatchNorm2d(2), self.a)
                self.a2 = self.a
                self.w = library.nn.Parameter(library.ones(1))
                self.register_buffer("left_out", library.ones(1), persistent=False)
                self.c = library.nn.ModuleDict({"x": library.nn.PReLU(), "y": library.nn.Embedding(3, 2)})

        return Model()

    ours, theirs = build(torch), build(reference)
    for once in (True, False):
        for walk in ("named_modules", "named_parameters", "named_buffers"):
            names = [
                [name for name, _ in getattr(net, walk)(remove_duplicate=once)] for net in (ours, theirs)
            ]
            assert names[0] == names[1]
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert list(ours.state_dict(prefix="x.")) == list(theirs.state_dict(prefix="x."))
    assert [tuple(v.shape) for v in ours.state_dict().values()] == [
        tuple(v.shape) for v in theirs.state_dict().values()
    ]
    order = [[], []]
    ours.apply(lambda module: order[0].append(type(module).__name__))
    theirs.apply(lambda module: order[1].append(type(module).__name__))
    assert order[0] == order[1]


def test_get_by_dotted_name():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("blocks.0.1") is net.blocks[0][1]
    assert net.get_parameter("blocks.1.bias") is net.blocks[1].bias
    assert net.get_parameter("scale") is net.scale
    assert net.get_buffer("norm.running_mean") is net.norm.running_mean


@pytest.mark.parametrize(
    ("method", "target", "message"),
    [
        ("get_submodule", "blocks.7", "ModuleList: there is no attribute `7`"),
        ("get_submodule", "scale", "`scale` is not an nn.Module"),
        ("get_submodule", "skip", "`skip` is not an nn.Module"),
        ("get_parameter", "fc1.wait", "Linear: there is no attribute `wait`"),
        ("get_parameter", "fc1", "`fc1` is not an nn.Parameter"),
        ("get_buffer", "fc1.weight", "`weight` is not a buffer"),
        ("get_buffer", "norm.mean", "BatchNorm1d: there is no attribute `mean`"),
    ],
)
def test_dotted_names_that_lead_nowhere(method, target, message):
    with pytest.raises(AttributeError) as caught:
        getattr(Net(), method)(target)
    assert str(caught.value) == message


def test_apply_goes_from_the_leaves_to_the_root():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(module)) is net
    assert seen[-1] is net
    assert seen[:2] == [net.fc1, net.norm]

    def init_weights(m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    net.apply(init_weights)
    assert net.fc1.bias.tolist() == pytest.approx([0.01] * 3)
