"""Saving and loading: what comes back, whole files or none, and no code in them."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import sys
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.serialization.archives import archive, around, loaded, old_format, program, saved, tensor, text
from tinygrad_edu import serialization
from tinygrad_edu.serialization import LoadError, container


def round_trip(obj, **options):
    return loaded(saved(obj), **options)


@pytest.mark.parametrize(
    "x",
    [
        torch.tensor([1.5, float("nan"), float("inf")]),
        torch.tensor([1.5], dtype=torch.float16),
        torch.tensor([1 / 3], dtype=torch.float64),
        torch.tensor([True, False]),
        torch.tensor([1 + 2j]),
        torch.tensor([255], dtype=torch.uint8),
        torch.zeros(0, 3),
        torch.tensor(7),
        torch.arange(6).reshape(2, 3).T,
        torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1)[1:, :, ::2],
        torch.arange(5).flip(0),
        torch.tensor(np.arange(5)[::-1].copy())[3],
    ],
)
def test_tensors(x):
    got = round_trip(x)
    assert got.dtype == x.dtype
    assert got.shape == x.shape
    np.testing.assert_array_equal(got.numpy(force=True), x.numpy(force=True))
    assert got.stride() == x.stride() or x.numel() == 0 or min(x.stride()) < 0
    got.add_(1) if got.dtype != torch.bool else got.fill_(True)  # can be changed


CONTAINERS = {
    "model": OrderedDict(weight=3, lr=0.1, name="x", flag=True, nothing=None),
    "list": [1, (1, 2.5, 1j), (), [[]]],
    "numbers": [0, 255, 65536, -1, 2**31, -(2**63), 2**200, float("inf"), 1e-300],
    "set": {1, "a", (1, 2.5)},
    "frozenset": frozenset([1]),
    5: b"bytes\xff\x00",
    "bytearray": bytearray(b"\x00\xff"),
    "no bytes": [b"", bytearray()],
    "text": "\u00e4 \U0001f600 \ud800",
    "size": torch.Size([2]),
    "dtype": torch.float32,
    "devices": [torch.device("cpu"), torch.device("cuda", 1), torch.device("cuda")],
    "range": range(0, 9, 2),
    "slice": slice(None, 3),
    "counter": Counter("abca"),
    "defaultdict": defaultdict(list, a=[1]),
    "factory": defaultdict(set),
    "deque": deque([1, 2, 3], 3),
    "scalar": np.float64(3),
    (1, ("a", None)): 1.5,
}


@pytest.mark.parametrize("write", [saved, old_format])
@pytest.mark.parametrize("key", CONTAINERS)
def test_containers(key, write):
    obj = [key, CONTAINERS[key], CONTAINERS[key]]
    got = loaded(write(obj))
    assert got == obj
    assert type(got[1]) is type(obj[1])
    if isinstance(obj[1], list | dict):
        assert list(got[1]) == list(obj[1])
        assert got[1] is got[2]
        assert [type(one) for one in got[1]] == [type(one) for one in obj[1]]


@pytest.mark.parametrize("write", [saved, old_format])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(3),
        np.zeros((2, 0)),
        np.array(2.5),
        np.array([True]),
        np.arange(6).reshape(2, 3).T,
        np.arange(9)[::2],
    ],
)
def test_numpy_arrays(array, write):
    got = loaded(write([array, np.asfortranarray(array.reshape(-1, 1) * array.reshape(1, -1))]))
    np.testing.assert_array_equal(got[0], array)
    assert got[0].dtype == array.dtype
    assert got[0].flags.writeable
    assert got[1].shape == (array.size, array.size)


def test_a_list_that_is_in_itself():
    endless = [1]
    endless.append(endless)
    got = loaded(saved(endless))
    assert got[1] is got


def test_requires_grad_and_identity():
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    first, second = round_trip([x, x])
    assert first is second
    assert first.requires_grad
    assert first.grad is None
    computed = round_trip(x * 2)  # what computed it stays behind
    assert computed.is_leaf
    assert computed.requires_grad


@pytest.mark.host("says how arrays lie in memory")
def test_shared_memory_is_written_once_and_shared_again():
    weight = torch.zeros(100, 100)
    data = saved({"all": weight, "row": weight[3], "column": weight[:, 1], "again": weight.detach()})
    assert len(data) < 45_000
    got = loaded(data)
    got["row"].fill_(1)
    got["column"].fill_(2)
    assert got["all"].sum().item() == 100 + 2 * 100 - 1
    assert got["again"].tolist() == got["all"].tolist()
    once_more = loaded(saved(got))
    once_more["all"].fill_(5)
    assert once_more["column"].sum().item() == 500


@pytest.mark.host("NumPy's views")
def test_memory_of_two_dtypes():
    z = torch.tensor([1 + 2j])
    real = torch.from_numpy(z.numpy().real)
    assert round_trip(real).tolist() == [1]
    with pytest.raises(
        RuntimeError, match="to be of one dtype, got complex64 and float32. Hint: save a clone"
    ):
        saved([z, real])


def test_a_state_dict_is_no_longer_than_its_numbers():
    net = torch.nn.Sequential(torch.nn.Linear(50, 50), torch.nn.BatchNorm1d(50))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(4, 50)).sum().backward()
    optimizer.step()
    numbers = 4 * (50 * 50 + 50 * 3) * 3
    assert len(saved([net.state_dict(), optimizer.state_dict()])) < numbers + 20_000
    assert "_metadata" in vars(loaded(saved(net.state_dict())))


@pytest.mark.host("NumPy says what cannot be written to")
def test_an_expanded_tensor_stays_expanded():
    got = round_trip(torch.ones(2).expand(3, 2))
    assert got.tolist() == [[1, 1]] * 3
    with pytest.raises(RuntimeError):
        got.add_(1)


def test_attributes_of_ones_own():
    x, w = torch.ones(2), torch.nn.Parameter(torch.zeros(1))
    x.label, w.group = "x", {"lr": 0.5}
    got = round_trip([x, w, x])
    assert (got[0].label, got[1].group) == ("x", {"lr": 0.5})
    assert type(got[1]) is torch.nn.Parameter
    assert got[0] is got[2]


class Labelled(torch.Tensor):
    pass


def test_tensors_of_ones_own_class():
    x = torch.ones(2).as_subclass(Labelled) if hasattr(torch.Tensor, "as_subclass") else Labelled([1.0, 1.0])
    with pytest.raises(LoadError, match="Labelled"):
        round_trip(x)
    assert type(round_trip(x, weights_only=False)) is Labelled
    with serialization.safe_globals([Labelled]):
        assert type(round_trip(x)) is Labelled


def test_the_state_of_a_generator():
    generator = torch.Generator().manual_seed(3)
    torch.rand(5, generator=generator)
    state = round_trip(generator.get_state())
    expected = torch.rand(3, generator=generator)
    other = torch.Generator()
    other.set_state(state)
    assert torch.rand(3, generator=other).tolist() == expected.tolist()


def test_files(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        torch.save(torch.ones(2), path)
        assert torch.load(path).tolist() == [1, 1]
    with open(tmp_path / "c.pt", "wb") as file:
        torch.save(torch.ones(2), file)
    with open(tmp_path / "c.pt", "rb") as file:
        assert torch.load(file).tolist() == [1, 1]
    assert sorted(os.listdir(tmp_path)) == ["a.pt", "b.pt", "c.pt"]


class FailsToPickle:
    def __reduce__(self):
        raise ValueError("planted")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(2), path)
    with pytest.raises(ValueError, match="planted"):
        torch.save([torch.zeros(2), FailsToPickle()], path)
    assert torch.load(path).tolist() == [1, 1]
    assert os.listdir(tmp_path) == ["a.pt"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(2), path)

    def full_disk(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        torch.save(torch.zeros(2), path)
    assert torch.load(path).tolist() == [1, 1]
    assert os.listdir(tmp_path) == ["a.pt"]


@pytest.mark.parametrize("kept", [0, 1, 10, 0.3, 0.9, -1])
def test_truncated_files(tmp_path, kept):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(100), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(
        RuntimeError,
        match=r"a\.pt is not a file of tinygrad_edu\.save or torch\.save, or it is truncated or damaged",
    ):
        torch.load(path)


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(100), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match="damaged"):
        torch.load(path)


def test_other_files(tmp_path):
    (tmp_path / "text").write_text("not a zip")
    with pytest.raises(LoadError, match="got 9 bytes"):
        torch.load(tmp_path / "text")
    (tmp_path / "zip").write_bytes(archive({"other": b""}))
    with pytest.raises(LoadError, match=r"expected a zip archive with one data\.pkl"):
        torch.load(tmp_path / "zip")
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        torch.save(1, tmp_path / "no" / "folder")
    for wrong in (3, None):
        with pytest.raises(AttributeError, match="got (int|NoneType)"):
            torch.save(1, wrong)
        with pytest.raises(AttributeError, match="got (int|NoneType)"):
            torch.load(wrong)


class Pipe(io.RawIOBase):
    """A stream that cannot go back, and takes and gives little at once."""

    def __init__(self, data=b""):
        self.data, self.position = bytearray(data), 0

    def writable(self):
        return True

    def readable(self):
        return True

    def write(self, data):
        self.data += bytes(data[:100])
        return min(len(data), 100)

    def readinto(self, memory):
        part = self.data[self.position : self.position + min(len(memory), 100)]
        memory[: len(part)] = part
        self.position += len(part)
        return len(part)


def test_streams_that_cannot_go_back():
    pipe = Pipe()
    torch.save(torch.arange(1000), pipe)
    assert bytes(pipe.data) == saved(torch.arange(1000))
    assert torch.load(Pipe(pipe.data)).sum().item() == 499500


def test_a_file_that_begins_later():
    buffer = io.BytesIO(b"before")
    buffer.seek(6)
    torch.save(torch.ones(1), buffer)
    buffer.seek(6)
    assert torch.load(buffer).tolist() == [1]


def test_the_bytes_of_every_storage_are_aligned(tmp_path):
    data = saved([torch.ones(n) for n in (1, 3, 17)])
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for info in file.infolist():
            start = info.header_offset
            name_length, gap = (
                int.from_bytes(data[start + at : start + at + 2], "little") for at in (26, 28)
            )
            assert (start + 30 + name_length + gap) % 64 == 0


def test_large_entries_have_large_sizes(monkeypatch):
    """From 2 GiB on, sizes take eight bytes; here from 100 bytes on."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(container, "ZIP64_LIMIT", 100)
    data = saved([torch.arange(n) for n in (3, 100, 5)])
    assert [x.tolist() for x in loaded(data)] == [list(range(n)) for n in (3, 100, 5)]
    start = data.index(torch.arange(100).numpy(force=True).tobytes())
    assert start % 64 == 0
    if importlib.util.find_spec("torch") is not None:
        reference = importlib.import_module("torch")
        assert reference.load(io.BytesIO(data), map_location="cpu")[1].tolist() == list(range(100))


@pytest.mark.parametrize(
    ("kind", "dtype"), [("FloatStorage", "f4"), ("LongStorage", "i8"), ("BoolStorage", "?")]
)
def test_files_of_machines_with_the_other_order_of_bytes(kind, dtype):
    """PyTorch writes the order that its machine has; s390x has the other one."""
    numbers = np.array([1, 0, 1, 1], dtype)
    other = "big" if sys.byteorder == "little" else "little"
    entries = {
        "archive/data.pkl": program(tensor(kind=kind)),
        "archive/byteorder": other.encode(),
        "archive/data/0": numbers.byteswap().tobytes(),
    }
    assert loaded(archive(entries)).tolist() == numbers.tolist()


def test_the_same_object_makes_the_same_file():
    assert saved({"a": torch.ones(3)}) == saved({"a": torch.ones(3)})


def test_whole_models():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    data = saved(net)
    with pytest.raises(LoadError, match="weights_only=False"):
        loaded(data)
    other = loaded(data, weights_only=False)
    x = torch.ones(1, 2)
    assert other(x).tolist() == net(x).tolist()
    assert type(other[0].weight) is torch.nn.Parameter
    assert other[0].weight.requires_grad


# ---- what a file may name ------------------------------------------------------------------------


def calling(function, *args):
    """Return an object whose pickle calls the function."""

    class Evil:
        def __reduce__(self):
            return function, args

    return Evil()


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (os.system, ("echo planted",)),
        (eval, ("1 + 1",)),
        (getattr, (Path, "home")),
        (open, ("planted.txt", "w")),
        (np.load, ("planted.npy",)),
        (torch.load, ("planted.pt",)),
        (Path, ("x",)),
    ],
)
def test_nothing_else_is_called(function, args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LoadError, match="expected only tensors, numbers and containers, got"):
        round_trip(calling(function, *args))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("attribute", ["os.system", "save", "Path", "_load", "pickle.loads"])
def test_names_behind_a_dot_are_not_followed(attribute):
    """Pickle follows "os.system" within any module that imports os."""
    code = text("tinygrad_edu.serialization") + text(attribute) + pickle.STACK_GLOBAL
    with pytest.raises(LoadError, match="serialization"):
        loaded(around(b"\x80\x04" + code + b"."))


class Settings:
    def __init__(self, value):
        self.value = value


def test_classes_of_ones_own():
    with pytest.raises(LoadError, match="weights_only=False"):
        round_trip(Settings(3))
    assert round_trip(Settings(3), weights_only=False).value == 3


def test_safe_globals():
    with serialization.safe_globals([Settings]):
        assert round_trip(Settings(3)).value == 3
        assert serialization.get_safe_globals() == [Settings]
    with pytest.raises(LoadError):
        round_trip(Settings(3))
    serialization.add_safe_globals([(Settings, f"{Settings.__module__}.Settings")])
    assert round_trip(Settings(torch.ones(2))).value.tolist() == [1, 1]
    serialization.clear_safe_globals()
    assert serialization.get_safe_globals() == []


# ---- devices -------------------------------------------------------------------------------------


def saved_from_cuda(write=saved):
    """Return a file as it is saved where there is a GPU."""
    if write is saved:
        code = program(b"}", text("w"), tensor(numel=2, size=(2,), location="cuda:0"), b"s")
        return around(code, b"\x00\x00\x80?" * 2)
    with zipfile.ZipFile(io.BytesIO(old_format({"w": torch.ones(2, device="cpu")}, 3))) as file:
        content = file.read("tinygrad_edu/data.pkl")
    changed = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0", 1)
    assert changed != content
    return archive({"tinygrad_edu/data.pkl": changed})


@pytest.mark.parametrize("write", [saved, old_format])
@pytest.mark.parametrize(
    "map_location", ["cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda tensor, location: tensor]
)
def test_map_location(map_location, write):
    got = loaded(saved_from_cuda(write), map_location=map_location)
    assert got["w"].device == torch.device("cpu")
    assert got["w"].tolist() == [1, 1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_file_from_a_gpu_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"tensor of device cuda:0.*Hint: map_location='cpu'"):
        loaded(saved_from_cuda())
