from __future__ import annotations

import re
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import shares_memory
from tests.nn.parity import copy_state, make_inputs
from tinygrad_edu import nn


def build(library, hidden=3):
    class Net(library.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = library.nn.Sequential(
                library.nn.Conv2d(1, 2, 3), library.nn.BatchNorm2d(2), library.nn.ReLU(), library.nn.Flatten()
            )
            self.heads = library.nn.ModuleDict({"out": library.nn.Linear(8, hidden)})
            self.weight = library.nn.Parameter(library.ones(hidden))
            self.register_buffer("count", library.zeros(2))
            self.register_buffer("scratch", library.zeros(2), persistent=False)

        def forward(self, x):
            return self.heads["out"](self.body(x)) * self.weight

    return Net()


def test_keys_and_values():
    net = build(torch)
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == [
        "weight",
        "count",
        "body.0.weight",
        "body.0.bias",
        "body.1.weight",
        "body.1.bias",
        "body.1.running_mean",
        "body.1.running_var",
        "body.1.num_batches_tracked",
        "heads.out.weight",
        "heads.out.bias",
    ]
    assert type(state["weight"]) is torch.Tensor
    assert not state["weight"].requires_grad
    assert shares_memory(state["weight"], net.weight)


def test_options():
    net = nn.Linear(2, 2)
    assert list(net.state_dict(prefix="a.b.")) == ["a.b.weight", "a.b.bias"]
    assert list(net.state_dict(prefix="as it is ")) == ["as it is weight", "as it is bias"]
    assert net.state_dict(keep_vars=True)["weight"] is net.weight
    destination = {"before": 1}
    assert net.state_dict(destination=destination) is destination
    assert list(destination) == ["before", "weight", "bias"]


@pytest.mark.torch_parity
def test_a_pytorch_model_and_its_copy_say_the_same(reference):
    ours, theirs = build(torch), build(reference)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    copy_state(reference, ours, theirs)
    (x,) = make_inputs([(4, 1, 4, 4)])
    for mode in (True, False):
        expected = theirs.train(mode)(reference.tensor(x)).numpy(force=True)
        np.testing.assert_allclose(
            ours.train(mode)(torch.tensor(x)).numpy(force=True), expected, rtol=1e-4, atol=1e-5
        )
    for name, values in theirs.state_dict().items():
        assert str(ours.state_dict()[name].dtype) == str(values.dtype)
        np.testing.assert_allclose(
            ours.state_dict()[name].numpy(force=True), values.numpy(force=True), rtol=1e-5, err_msg=name
        )


def test_load_copies_in_place():
    source, net = build(torch), build(torch)
    weight = net.heads["out"].weight
    array = weight.array
    assert repr(net.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    assert net.heads["out"].weight is weight
    assert weight.array is array
    assert weight.tolist() == source.heads["out"].weight.tolist()
    with torch.no_grad():
        weight.fill_(3.0)
    assert 3.0 not in source.heads["out"].weight.numpy(force=True)


def test_load_converts_the_dtype():
    net = nn.Linear(1, 1).double()
    net.load_state_dict({"weight": torch.tensor([[0.5]]), "bias": torch.tensor([2])})
    assert net.bias.dtype == torch.float64
    assert net.bias.tolist() == [2.0]


def test_load_makes_an_earlier_graph_invalid():
    net = nn.Linear(2, 2)
    y = net(torch.ones(1, 2, requires_grad=True))
    net.load_state_dict({name: value.clone() for name, value in net.state_dict().items()})
    with pytest.raises(RuntimeError, match="load_state_dict"):
        y.sum().backward()


def wrong_state(library):
    state = build(library).state_dict()
    del state["heads.out.bias"], state["body.1.running_var"]
    state["heads.out.weight"] = library.zeros(3, 7)
    state["count"] = library.zeros(())
    state["heads.in.weight"] = library.zeros(1)
    state["extra"] = library.zeros(1)
    state["weight"] = 3
    return state


def error_of(net, state):
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    return str(caught.value)


def test_all_that_is_wrong_comes_in_one_error():
    assert error_of(build(torch), wrong_state(torch)) == (
        "Error(s) in loading state_dict for Net:\n"
        '\tMissing key(s) in state_dict: "body.1.running_var", "heads.out.bias". \n'
        '\tUnexpected key(s) in state_dict: "heads.in.weight", "extra". \n'
        '\tWhile copying the parameter named "weight", expected torch.Tensor or Tensor-like object from '
        "checkpoint but received <class 'int'>\n"
        "\tsize mismatch for count: copying a param with shape torch.Size([]) from checkpoint, the shape in "
        "current model is torch.Size([2]).\n"
        "\tsize mismatch for heads.out.weight: copying a param with shape torch.Size([3, 7]) from "
        "checkpoint, the shape in current model is torch.Size([3, 8])."
    )


@pytest.mark.torch_parity
def test_the_error_is_that_of_pytorch_line_by_line(reference):
    ours = error_of(build(torch), wrong_state(torch)).split("\n")
    theirs = error_of(build(reference), wrong_state(reference)).split("\n")
    assert ours[:2] == theirs[:2]
    assert set(re.findall('"(.*?)"', ours[2])) == set(re.findall('"(.*?)"', theirs[2]))  # in another order
    assert ours[3:] == theirs[3:]


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "change",
    [
        lambda library, state: state.pop("bias"),
        lambda library, state: state.update(more=library.zeros(1)),
        lambda library, state: state.update({"more.deep": library.zeros(1)}),
        lambda library, state: state.update(bias=library.zeros(3)),
        lambda library, state: state.update(bias=[1.0]),
        lambda library, state: state.clear(),
    ],
)
def test_single_errors_are_those_of_pytorch(reference, change):
    messages = []
    for library in (torch, reference):
        net = library.nn.Linear(2, 2)
        state = net.state_dict()
        change(library, state)
        messages.append(error_of(net, state))
    assert messages[0] == messages[1]


def test_nothing_is_copied_if_something_is_wrong():
    net = build(torch)
    before = {name: value.numpy(force=True).copy() for name, value in net.state_dict().items()}
    for strict in (True, False):
        with pytest.raises(RuntimeError, match="size mismatch"):
            net.load_state_dict(wrong_state(torch), strict=strict)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(force=True), before[name])


def test_without_strict_names_may_differ_but_not_shapes():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
    answer = net.load_state_dict(
        {"0.bias": torch.full((2,), 5.0), "head.weight": torch.ones(1)}, strict=False
    )
    assert net[0].bias.tolist() == [5.0, 5.0]
    assert answer.missing_keys == ["0.weight", "1.weight"]
    assert answer.unexpected_keys == ["head.weight"]
    text = "_IncompatibleKeys(missing_keys=['0.weight', '1.weight'], unexpected_keys=['head.weight'])"
    assert repr(answer) == text
    with pytest.raises(RuntimeError, match=r"size mismatch for 0.bias"):
        net.load_state_dict({"0.bias": torch.zeros(3)}, strict=False)


def test_what_is_no_dict_is_an_error():
    with pytest.raises(TypeError, match=r"Expected state_dict to be dict-like, got <class 'list'>."):
        nn.Linear(1, 1).load_state_dict([])


def test_a_parameter_that_is_none_is_not_expected():
    with pytest.raises(RuntimeError, match="Unexpected key"):
        nn.Linear(1, 1, bias=False).load_state_dict(nn.Linear(1, 1).state_dict())


def test_save_and_load(tmp_path):
    net, other = build(torch), build(torch)
    torch.save(net.state_dict(), tmp_path / "net.pt")
    state = torch.load(tmp_path / "net.pt")
    assert list(state) == list(net.state_dict())
    other.load_state_dict(state)
    x = torch.randn(2, 1, 4, 4)
    assert other.eval()(x).tolist() == net.eval()(x).tolist()


def test_save_a_checkpoint_and_go_on(tmp_path):
    def trained(net, optimizer, steps):
        for step in range(steps):
            optimizer.zero_grad()
            (net(torch.full((4, 2), float(step))) ** 2).mean().backward()
            optimizer.step()

    net = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    trained(net, optimizer, 3)
    checkpoint = {"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    trained(net, optimizer, 3)
    resumed = nn.Linear(2, 1)
    other = torch.optim.Adam(resumed.parameters(), lr=0.1)
    loaded = torch.load(tmp_path / "checkpoint.pt")
    resumed.load_state_dict(loaded["model"])
    other.load_state_dict(loaded["optimizer"])
    trained(resumed, other, 3)
    assert resumed.weight.tolist() == net.weight.tolist()


def test_a_whole_model_can_be_saved(tmp_path):
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    torch.save(net, tmp_path / "net.pt")
    x = torch.randn(4, 2)
    assert torch.load(tmp_path / "net.pt", weights_only=False)(x).tolist() == net(x).tolist()


# ---- all or nothing ------------------------------------------------------------------------------------


def objects():
    tensor = torch.zeros(3)
    tensor.array = np.array([None] * 3)
    return tensor


WRONG_ENTRIES = {
    "shape": torch.zeros(4),
    "a shape that broadcasts": torch.zeros(1),
    "dimensions": torch.zeros(1, 3),
    "kind": [1.0, 2.0, 3.0],
    "none": None,
    "array": np.zeros(3),
    "objects": objects(),
}


@pytest.mark.host("says how arrays lie in memory")
@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("kind", WRONG_ENTRIES)
def test_one_wrong_entry_changes_nothing(kind, assign):
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = {name: torch.full_like(value, 7) for name, value in before.items()}
    state["2.bias"] = WRONG_ENTRIES[kind]
    with pytest.raises(RuntimeError, match=r"2\.bias"):
        net.load_state_dict(state, assign=assign)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.host("NumPy says what cannot be written to")
def test_a_read_only_parameter_changes_nothing():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].bias.array.flags.writeable = False
    before = net[0].weight.tolist()
    state = {name: torch.full_like(value, 7) for name, value in net.state_dict().items()}
    with pytest.raises(RuntimeError, match=r"1\.bias cannot be copied into: its memory is read-only"):
        net.load_state_dict(state)
    assert net[0].weight.tolist() == before
    net.load_state_dict(state, assign=True)
    assert net[1].bias.tolist() == [7, 7]


# ---- assign --------------------------------------------------------------------------------------------


def assigned(library):
    """Return what a model is like after other tensors were assigned to it."""
    net = library.nn.Sequential(library.nn.Linear(2, 2), library.nn.BatchNorm1d(2))
    net[0].bias.requires_grad_(False)
    state = {name: value.double() for name, value in net.state_dict().items()}
    state["0.weight"] = library.nn.Parameter(library.ones(2, 2), requires_grad=False)
    state["0.bias"] = library.ones(2, requires_grad=True)
    net.load_state_dict(state, assign=True)
    facts = [net[0].weight is state["0.weight"], net[1].running_mean is state["1.running_mean"]]
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        kind = "Parameter" if isinstance(tensor, library.nn.Parameter) else "Tensor"
        facts.append((name, str(tensor.dtype), tensor.requires_grad, kind, tensor.is_leaf))
    return facts


@pytest.mark.torch_parity
def test_assign_is_that_of_pytorch(reference):
    assert assigned(torch) == assigned(reference)


def test_assigned_tensors_share_memory():
    layer, weight = nn.Linear(2, 2, bias=False), torch.zeros(2, 2)
    old = layer.weight
    layer.load_state_dict({"weight": weight}, assign=True)
    assert layer.weight is not old
    assert shares_memory(layer.weight, weight)
    weight.fill_(3)
    assert layer(torch.ones(1, 2)).tolist() == [[6, 6]]


def test_assigning_integers_to_a_parameter():
    layer = nn.Linear(1, 1, bias=False)
    with pytest.raises(
        RuntimeError, match="only Tensors of floating point and complex dtype can require gradients"
    ):
        layer.load_state_dict({"weight": torch.tensor([[1]])}, assign=True)
    layer.weight.requires_grad_(False)
    layer.load_state_dict({"weight": torch.tensor([[1]])}, assign=True)
    assert layer.weight.dtype == torch.int64


# ---- versions ------------------------------------------------------------------------------------------


def versions_accepted(library, name):
    """Tell which versions of a state may lack the count of batches, and what the count is afterwards."""
    outcomes = []
    for version in (None, 1, 2, 3):
        layer = getattr(library.nn, name)(2, track_running_stats=True)
        layer.num_batches_tracked.fill_(5)
        state = layer.state_dict()
        del state["num_batches_tracked"]
        state._metadata = {"": {"version": version}} if version else {}
        try:
            layer.load_state_dict(state)
            outcomes.append(layer.num_batches_tracked.item())
        except RuntimeError as error:
            outcomes.append("Missing key" in str(error))
    return outcomes


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d", "InstanceNorm1d"])
def test_old_states_lack_the_count_of_batches(reference, name):
    assert versions_accepted(torch, name) == versions_accepted(reference, name) == [5, 5, True, True]


@pytest.mark.torch_parity
def test_the_versions_are_those_of_pytorch(reference):
    ours, theirs = build(torch).state_dict(), build(reference).state_dict()
    assert ours._metadata == theirs._metadata
    prefixed = build(torch).state_dict(prefix="a.b.")._metadata
    assert prefixed == build(reference).state_dict(prefix="a.b.")._metadata


def test_metadata_that_makes_no_sense_is_as_if_there_were_none():
    for metadata in (None, 3, [], {"": 3}, {"": {"version": "2"}}):
        state = nn.BatchNorm1d(2).state_dict()
        del state["num_batches_tracked"]
        state._metadata = metadata
        nn.BatchNorm1d(2).load_state_dict(state)


def test_a_number_from_old_files_fits_a_0d_tensor():
    net = nn.BatchNorm1d(2)
    net.load_state_dict(net.state_dict() | {"num_batches_tracked": torch.tensor([4])})
    assert net.num_batches_tracked.item() == 4
