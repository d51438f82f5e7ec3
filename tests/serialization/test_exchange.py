"""Files go both ways: PyTorch reads ours and we read PyTorch's, both with ``weights_only=True``."""

from __future__ import annotations

import io
from collections import Counter, OrderedDict

import numpy as np
import pytest

import tinygrad_edu
from tests.exchange import library_array
from tests.serialization.archives import loaded, saved
from tinygrad_edu.dtypes import ALL_DTYPES
from tinygrad_edu.serialization import LoadError

pytestmark = [pytest.mark.torch_parity, pytest.mark.host("files of the CPU")]


@pytest.fixture(scope="module")
def reference():
    """PyTorch, to compare with."""
    return pytest.importorskip("torch")


@pytest.fixture(params=["ours is read there", "theirs is read here"])
def sent(request, reference):
    """How a program's object is made in one engine and read in the other: returns it and the reader's library."""

    def send(make):
        if request.param == "ours is read there":
            data = saved(make(tinygrad_edu))
            return reference.load(io.BytesIO(data), weights_only=True), reference
        return loaded(saved(make(reference), reference.save)), tinygrad_edu

    return send


def as_numpy(tensor):
    return library_array(tensor)


VIEWS = {
    "whole": lambda x: x,
    "0-d": lambda x: x[1, 2],
    "empty": lambda x: x[:0],
    "transposed": lambda x: x.T,
    "steps": lambda x: x[1:, ::2],
    "expanded": lambda x: x[:1].expand(3, 4),
    "flat": lambda x: x.reshape(-1)[5:],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [d.name for d in ALL_DTYPES])
def test_every_dtype_and_view(sent, dtype, view):
    numbers = np.arange(12).reshape(3, 4) % 5

    def make(library):
        return VIEWS[view](library.tensor(numbers.tolist(), dtype=getattr(library, dtype)))

    got, library = sent(make)
    expected = make(library)
    assert got.dtype == expected.dtype
    assert got.stride() == expected.stride() or got.numel() == 0
    np.testing.assert_array_equal(as_numpy(got), as_numpy(expected))


def test_shared_memory_is_shared(sent):
    def make(library):
        weight = library.zeros(3, 4)
        return {"weight": weight, "row": weight[1], "transposed": weight.T, "same": weight}

    got, _ = sent(make)
    got["row"][2] = 5
    assert got["weight"].sum().item() == got["transposed"].sum().item() == 5
    assert got["same"] is got["weight"]


def test_parameters_and_flags(sent):
    def make(library):
        parameter = library.nn.Parameter(library.ones(2))
        frozen = library.nn.Parameter(library.ones(2), requires_grad=False)
        named = library.ones(1)
        named.label = "x"
        learned = library.ones(1, requires_grad=True)
        return [parameter, frozen, learned, learned * 2, parameter.detach(), named]

    (parameter, frozen, learned, computed, detached, named), library = sent(make)
    assert type(parameter) is type(frozen) is library.nn.Parameter
    flags = [x.requires_grad for x in (parameter, frozen, learned, computed, detached)]
    assert flags == [True, False, True, True, False]
    assert computed.is_leaf
    assert named.label == "x"
    parameter.data.fill_(7)
    assert detached.tolist() == [7, 7]


def test_containers(sent):
    def make(library):
        return {
            "ordered": OrderedDict(b=1, a=[1.5, (None, True)]),
            "size": library.ones(2, 3).shape,
            "dtype": library.float16,
            "device": library.device("cuda:1"),
            "complex": 1 + 2j,
            "large": -(2**100),
            "bytes": [b"\x00\xff", bytearray(b"ab"), bytearray()],
            "set": {1, "a"},
            "counter": Counter("aab"),
            3: "\u00e4",
        }

    got, library = sent(make)
    assert got == make(library)
    assert type(got["size"]) is library.Size


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"lr": 0.1, "amsgrad": True},
    "AdamW": {"lr": 0.1},
    "RMSprop": {"lr": 0.1, "momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 0.1},
    "Adadelta": {"lr": 0.5},
    "Adamax": {"lr": 0.1},
    "NAdam": {"lr": 0.1},
    "RAdam": {"lr": 0.1},
    "Rprop": {"lr": 0.1},
    "ASGD": {"lr": 0.1, "t0": 1},
    "Adafactor": {"lr": 0.1},
}


def training(library, name):
    """Return a net and its optimizer after two steps, the same in both engines."""
    net = library.nn.Sequential(
        library.nn.Linear(3, 4, bias=False), library.nn.BatchNorm1d(4), library.nn.Linear(4, 1)
    )
    net.double()  # so that what is noise in one engine is none in the other
    for number, parameter in enumerate(net.parameters()):
        start = library.arange(parameter.numel(), dtype=library.float64).reshape(parameter.shape)
        parameter.data = start * 0.1 - 0.2 * number
    optimizer = getattr(library.optim, name)(net.parameters(), **OPTIMIZERS[name])
    for _ in range(2):
        step(library, net, optimizer)
    return net, optimizer


def step(library, net, optimizer):
    x = library.arange(15, dtype=library.float64).reshape(5, 3) * 0.3
    optimizer.zero_grad()
    (net(x * x - 1) ** 2).mean().backward()
    optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_goes_on_in_the_other_engine(sent, name):
    def make(library):
        net, optimizer = training(library, name)
        scheduler = library.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
        states = {
            "net": net.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
        }
        return {**states, "random": library.get_rng_state()}

    state, library = sent(make)
    expected_net, expected_optimizer = training(library, name)
    net, optimizer = training(library, name)
    for parameter in net.parameters():
        parameter.data.fill_(0)
    net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    for one_net, one_optimizer in ((net, optimizer), (expected_net, expected_optimizer)):
        step(library, one_net, one_optimizer)
    for got, expected in zip(net.state_dict().values(), expected_net.state_dict().values(), strict=True):
        np.testing.assert_allclose(as_numpy(got), as_numpy(expected), rtol=1e-6, atol=1e-9)
    assert state["net"]._metadata == expected_net.state_dict()._metadata
    assert state["scheduler"]["milestones"] == Counter([1, 2])


def test_what_pytorch_only_notes_down(reference):
    z = reference.tensor([1 + 2j, 3 - 1j])
    for noted in (z.conj(), z.conj().imag):  # the second is marked as a negative
        assert loaded(saved(noted, reference.save)).tolist() == noted.tolist()


@pytest.mark.parametrize("dtype", ["uint16", "float8_e5m2"])
def test_a_dtype_that_is_missing_is_named(reference, dtype):
    objects = [reference.zeros(2, dtype=getattr(reference, dtype)), [getattr(reference, dtype)]]
    for obj in objects:
        with pytest.raises(LoadError, match=f"got one of {dtype}, a dtype that does not exist here"):
            loaded(saved(obj, reference.save))


def test_settings_go_both_ways(reference):
    """What stands beside the tensors in a checkpoint."""
    settings = {
        "dtype": tinygrad_edu.bfloat16,
        "other": tinygrad_edu.float16,
        "version": tinygrad_edu.__version__,
    }
    expected = {
        "dtype": reference.bfloat16,
        "other": reference.float16,
        "version": str(tinygrad_edu.__version__),
    }
    data = saved(settings, tinygrad_edu.save)
    assert loaded(data) == settings
    assert reference.load(io.BytesIO(data)) == expected
    settings["version"] = expected["version"] = "1"
    assert loaded(saved(expected, reference.save)) == settings


@pytest.mark.parametrize("what", ["nested", "model", "old"])
def test_what_cannot_be_read_says_so(reference, what):
    if what == "nested":
        data = saved(
            reference.nested.nested_tensor([reference.ones(2)], layout=reference.jagged), reference.save
        )
    elif what == "model":
        data = saved(reference.nn.Linear(1, 1), reference.save)
    else:
        buffer = io.BytesIO()
        reference.save(reference.ones(1), buffer, _use_new_zipfile_serialization=False)
        data = buffer.getvalue()
    with pytest.raises(LoadError, match="^load: "):
        loaded(data)
    with pytest.raises(LoadError, match="^load: "):
        loaded(data, weights_only=False)


def test_files_on_disk(reference, tmp_path):
    reference.save({"w": reference.ones(2)}, tmp_path / "theirs.pt")
    assert tinygrad_edu.load(tmp_path / "theirs.pt")["w"].tolist() == [1, 1]
    tinygrad_edu.save({"w": tinygrad_edu.ones(2)}, tmp_path / "ours.pt")
    for mmap in (False, True):
        assert reference.load(tmp_path / "ours.pt", mmap=mmap)["w"].tolist() == [1, 1]
