"""Saving and loading: whole files or none, and no code in them."""

from __future__ import annotations

import io
import os
import pickle
import stat
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import serialization


def round_trip(obj, **options):
    buffer = io.BytesIO()
    torch.save(obj, buffer)
    buffer.seek(0)
    return torch.load(buffer, **options)


@pytest.mark.parametrize(
    "tensor",
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
        torch.ones(2).expand(3, 2),
    ],
)
def test_tensors(tensor):
    loaded = round_trip(tensor)
    assert loaded.dtype == tensor.dtype
    assert loaded.shape == tensor.shape
    np.testing.assert_array_equal(loaded.numpy(force=True), tensor.numpy(force=True))
    loaded.add_(1) if loaded.dtype != torch.bool else loaded.fill_(True)  # can be changed


def test_containers():
    state = OrderedDict(weight=torch.ones(2), step=3, lr=0.1, name="x", flag=True, nothing=None)
    obj = {
        "model": state,
        "list": [torch.zeros(1), (1, 2.5, 1j)],
        "set": {1, 2},
        5: b"bytes",
        "size": torch.Size([2]),
    }
    loaded = round_trip(obj)
    assert list(loaded["model"]) == list(state)
    assert loaded["model"]["weight"].tolist() == [1, 1]
    assert loaded["list"][1] == (1, 2.5, 1j)
    assert loaded["set"] == {1, 2}
    assert loaded[5] == b"bytes"
    assert loaded["size"] == torch.Size([2])
    assert isinstance(loaded["model"], OrderedDict)
    assert round_trip([torch.float32, torch.device("cpu"), np.float64(3), np.arange(3)])[:3] == [
        torch.float32,
        torch.device("cpu"),
        3,
    ]


def test_requires_grad_and_identity():
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    first, second = round_trip([x, x])
    assert first is second
    assert first.requires_grad
    assert first.grad is None
    with pytest.raises(RuntimeError, match="use detach"):
        round_trip(x * 2)


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


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    torch.save(1, tmp_path / "a.pt")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a.pt")]
    assert modes[0] == modes[1]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.pt").write_bytes(b"old")
    try:
        (tmp_path / "link.pt").symlink_to(tmp_path / "real.pt")
    except OSError:
        pytest.skip("no symbolic links here")
    torch.save(torch.ones(1), tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink()
    assert torch.load(tmp_path / "real.pt").tolist() == [1]


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
        RuntimeError, match=r"a\.pt is not a file of tinygrad_edu\.save, or it is truncated or damaged"
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
    with pytest.raises(RuntimeError, match="got 9 bytes"):
        torch.load(tmp_path / "text")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(RuntimeError, match="expected a zip archive with tinygrad_edu/data"):
        torch.load(tmp_path / "zip")
    with zipfile.ZipFile(tmp_path / "torch", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(RuntimeError, match="written by PyTorch itself"):
        torch.load(tmp_path / "torch")
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        torch.save(1, tmp_path / "no" / "folder")


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
    with pytest.raises(pickle.UnpicklingError, match="expected only tensors, numbers and containers, got"):
        round_trip(calling(function, *args))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["os.system", "save", "Path", "_Unpickler", "pickle.loads"])
def test_names_behind_a_dot_are_not_followed(name):
    """Pickle follows "os.system" within any module that imports os."""
    module = b"tinygrad_edu.serialization"
    code = b"\x80\x04" + b"\x8c" + bytes([len(module)]) + module
    code += b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(serialization.CONTENT, code)
    buffer.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="serialization"):
        torch.load(buffer)


class Settings:
    def __init__(self, value):
        self.value = value


def test_classes_of_ones_own():
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False"):
        round_trip(Settings(3))
    assert round_trip(Settings(3), weights_only=False).value == 3


def test_safe_globals(monkeypatch):
    monkeypatch.setattr(serialization, "SAFE_GLOBALS", set(serialization.SAFE_GLOBALS))
    serialization.add_safe_globals([Settings])
    assert round_trip(Settings(3)).value == 3


# ---- devices -------------------------------------------------------------------------------------


def saved_from_cuda():
    """Return a file as it is saved where there is a GPU."""
    buffer = io.BytesIO()
    torch.save({"w": torch.ones(2, device="cpu")}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        content = archive.read(serialization.CONTENT)
    changed = content.replace(b"\x8c\x03cpu", b"\x8c\x06cuda:0", 1)
    assert changed != content
    frame = content[3:11]  # the length of the pickle's only frame, which is three bytes longer now
    changed = changed.replace(frame, (int.from_bytes(frame, "little") + 3).to_bytes(8, "little"), 1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(serialization.CONTENT, changed)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize(
    "map_location", ["cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda tensor, location: tensor]
)
def test_map_location(map_location):
    loaded = torch.load(saved_from_cuda(), map_location=map_location)
    assert loaded["w"].device == torch.device("cpu")
    assert loaded["w"].tolist() == [1, 1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_file_from_a_gpu_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"tensor of device cuda:0.*Hint: map_location='cpu'"):
        torch.load(saved_from_cuda())
