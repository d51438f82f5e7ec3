from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.fc1 = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.ReLU()), nn.Linear(3, 1)])
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)
        self.register_parameter("absent", None)
        self.skip = None

    def forward(self, x):
        x = self.norm(self.fc1(x * self.scale))
        for block in self.blocks:
            x = block(x)
        return x


class Shared(nn.Module):
    """The same layer under two names, and its weight under a third."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = self.first
        self.tied = nn.Linear(2, 2, bias=False)
        self.tied.weight = self.first.weight


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
    assert list(net._modules)[0] == "fc1"


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
        ("scale", torch.ones(2), "cannot assign 'Tensor' as parameter 'scale' (torch.nn.Parameter or None expected)"),
        ("fc1", 3, "cannot assign 'int' as child module 'fc1' (torch.nn.Module or None expected)"),
        ("seen", 3, "cannot assign 'int' as buffer 'seen' (torch.Tensor or None expected)"),
    ],
)  # fmt: skip
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
        (lambda net: setattr(net, "w", nn.Parameter(torch.ones(1))), "cannot assign parameters before Module.__init__() call"),
        (lambda net: setattr(net, "fc", nn.Linear(1, 1)), "cannot assign module before Module.__init__() call"),
        (lambda net: net.register_buffer("b", torch.ones(1)), "cannot assign buffer before Module.__init__() call"),
        (lambda net: net.register_parameter("p", None), "cannot assign parameter before Module.__init__() call"),
        (lambda net: net.add_module("m", None), "cannot assign module before Module.__init__() call"),
        (lambda net: net(1), "'Forgetful' object has no attribute '_forward_pre_hooks'. Hint: call super().__init__() at the beginning of __init__"),  # noqa: E501
    ],
)  # fmt: skip
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


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "add_module", "register_module"])
@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("a.b", KeyError, "can't contain \".\""),
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
    for register, name in [("register_buffer", "scale"), ("register_parameter", "seen"), ("add_module", "seen")]:
        with pytest.raises(KeyError, match="already exists"):
            getattr(net, register)(name, None)


def test_registering_the_wrong_type_is_an_error():
    net = nn.Module()
    with pytest.raises(TypeError, match=r"cannot assign 'Tensor' object to parameter 'p' \(torch.nn.Parameter or"):
        net.register_parameter("p", torch.ones(1))
    with pytest.raises(TypeError, match=r"cannot assign 'list' object to buffer 'b' \(torch Tensor or None req"):
        net.register_buffer("b", [1.0])
    with pytest.raises(TypeError, match="Tensor is not a Module subclass"):
        net.add_module("m", torch.ones(1))
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'p'"):
        parameter = nn.Parameter(torch.ones(1))
        parameter.set_history((parameter.clone().grad_fn, 0))
        net.register_parameter("p", parameter)


def test_dir_lists_what_is_filed_but_no_numbers():
    names = dir(nn.Sequential(nn.Linear(1, 1)))
    assert "0" not in names
    assert {"scale", "fc1", "seen", "forward", "training"} <= set(dir(Net()))


def test_a_module_without_forward():
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
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
        "", "fc1", "norm", "blocks", "blocks.0", "blocks.0.0", "blocks.0.1", "blocks.1",
    ]  # fmt: skip
    assert [name for name, _ in net.named_modules(prefix="net")][:2] == ["net", "net.fc1"]
    assert list(net.modules())[0] is net
    assert [name for name, _ in net.named_children()] == ["fc1", "norm", "blocks"]
    assert list(net.children()) == [net.fc1, net.norm, net.blocks]


def test_named_parameters_and_buffers():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names == ["scale", "fc1.weight", "fc1.bias", "norm.weight", "norm.bias", "blocks.0.0.weight",
                     "blocks.0.0.bias", "blocks.1.weight", "blocks.1.bias"]  # fmt: skip
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
            names = [[name for name, _ in getattr(net, walk)(remove_duplicate=once)] for net in (ours, theirs)]
            assert names[0] == names[1]
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert list(ours.state_dict(prefix="x.")) == list(theirs.state_dict(prefix="x."))
    assert [tuple(v.shape) for v in ours.state_dict().values()] == [tuple(v.shape) for v in theirs.state_dict().values()]
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
        ("get_submodule", "blocks.7", "ModuleList has no attribute `7`"),
        ("get_submodule", "scale", "`scale` is not an nn.Module"),
        ("get_submodule", "skip", "`skip` is not an nn.Module"),
        ("get_parameter", "fc1.wait", "Linear has no attribute `wait`"),
        ("get_parameter", "fc1", "`fc1` is not an nn.Parameter"),
        ("get_buffer", "fc1.weight", "`weight` is not a buffer"),
        ("get_buffer", "norm.mean", "BatchNorm1d has no attribute `mean`"),
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


# ---- switches ----------------------------------------------------------------------------------------


def test_train_and_eval():
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert net.blocks[0][1].training
    with pytest.raises(ValueError, match="training mode is expected to be boolean, got 'yes'"):
        net.train("yes")


def test_a_submodule_may_have_a_train_of_its_own():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Frozen(2), nn.Dropout())).train()
    assert net[0].training
    assert net[1][1].training
    assert not net[1][0].training


def test_requires_grad_():
    net = Net()
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    net.fc1.requires_grad_()
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["fc1.weight", "fc1.bias"]


def test_zero_grad():
    net = Net()
    net(torch.randn(4, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0, 0.0]
    before = net.scale.grad
    net(torch.randn(4, 2)).sum().backward()
    assert net.scale.grad is before
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# ---- conversion --------------------------------------------------------------------------------------


def test_to_a_dtype_changes_floating_point_tensors_in_place():
    net = Net()
    weight = net.fc1.weight
    net(torch.randn(4, 2)).sum().backward()
    assert net.to(torch.float64) is net
    assert net.fc1.weight is weight
    assert {str(p.dtype) for p in net.parameters()} == {"torch.float64"}
    assert weight.grad.dtype == torch.float64
    assert net.norm.running_mean.dtype == torch.float64
    assert net.norm.num_batches_tracked.dtype == torch.int64
    net(torch.randn(4, 2, dtype=torch.float64)).sum().backward()
    assert weight.requires_grad
    assert weight.is_leaf


def test_double_float_half_and_type():
    net = Net()
    for convert, dtype in [("double", torch.float64), ("half", torch.float16), ("float", torch.float32)]:
        assert getattr(net, convert)().scale.dtype == dtype
    assert net.type(torch.float64).scale.dtype == torch.float64
    assert net.to(dtype=torch.float32).scale.dtype == torch.float32
    assert net.to(torch.ones(1, dtype=torch.float64)).scale.dtype == torch.float64
    assert net.to("cpu", torch.float32).scale.dtype == torch.float32
    assert net.norm.num_batches_tracked.dtype == torch.int64


def test_to_a_device():
    net = Net()
    assert net.to("cpu") is net
    assert net.cpu().to(torch.device("cpu")).to(device="cpu", non_blocking=True).scale.device.type == "cpu"


def test_to_an_integer_dtype_is_an_error():
    for call in (lambda net: net.to(torch.int64), lambda net: net.to(dtype=torch.int64)):
        with pytest.raises(TypeError, match="only accepts floating point or complex dtypes, but got desired dtype"):
            call(Net())


def test_an_optimizer_goes_on_after_to():
    net = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    net.double()
    net(torch.ones(1, 1, dtype=torch.float64)).sum().backward()
    before = net.bias.item()
    optimizer.step()
    assert net.bias.item() == before - 1


# ---- copies ------------------------------------------------------------------------------------------


def test_deepcopy():
    net = Net()
    net(torch.randn(4, 2)).sum().backward()
    twin = copy.deepcopy(net.eval())
    assert not twin.training
    assert twin.fc1.weight is not net.fc1.weight
    assert isinstance(twin.fc1.weight, nn.Parameter)
    assert twin.fc1.weight.tolist() == net.fc1.weight.tolist()
    with torch.no_grad():
        twin.fc1.weight.fill_(7.0)
        twin.seen.fill_(7.0)
    assert 7.0 not in net.fc1.weight.detach().numpy()
    assert net.seen.item() == 0
    assert twin.fc1.bias.grad.tolist() == net.fc1.bias.grad.tolist()
    assert list(twin.state_dict()) == list(net.state_dict())


def test_deepcopy_and_pickle_keep_what_is_shared():
    for twin in (copy.deepcopy(Shared()), pickle.loads(pickle.dumps(Shared()))):
        assert twin.first is twin.second
        assert twin.tied.weight is twin.first.weight


def test_pickle():
    net = Net().eval()
    twin = pickle.loads(pickle.dumps(net))
    x = torch.randn(3, 2)
    assert twin(x).tolist() == net(x).tolist()
    assert not twin.training
    assert not twin.blocks[0].training
    assert "scratch" not in twin.state_dict()
    assert isinstance(twin.scale, nn.Parameter)
    assert twin.scale.requires_grad


def test_a_training_step_changes_every_parameter():
    net = Net()
    before = {name: p.detach().numpy().copy() for name, p in net.named_parameters()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    (net(torch.randn(8, 2)) ** 2).sum().backward()
    optimizer.step()
    unchanged = [name for name, p in net.named_parameters() if np.array_equal(before[name], p.detach().numpy())]
    assert unchanged in ([], ["fc1.bias"])  # batch norm takes its mean away
