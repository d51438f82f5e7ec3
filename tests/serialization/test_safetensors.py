"""The safetensors format, through the library of that name; compared with its part for PyTorch."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.exchange import library_array
from tinygrad_edu import safetensors
from tinygrad_edu.safetensors import DTYPES, load_file, save_file
from tinygrad_edu.serialization import LoadError


def tensors(library):
    numbers = np.arange(6).reshape(2, 3) % 4
    made = {d.name: library.tensor(numbers.tolist(), dtype=getattr(library, d.name)) for d in DTYPES.values()}
    return made | {"scalar": library.tensor(2.5), "empty": library.zeros(0, 3)}


def check_same(got, expected):
    assert got.keys() == expected.keys()
    for name, tensor in got.items():
        assert str(tensor.dtype) == str(expected[name].dtype)
        assert tuple(tensor.shape) == tuple(expected[name].shape)
        np.testing.assert_array_equal(library_array(tensor), library_array(expected[name]))


def test_round_trip(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(tensors(torch), path, metadata={"format": "pt"})
    loaded = load_file(path)
    check_same(loaded, tensors(torch))
    loaded["float32"].add_(1)  # can be changed
    assert os.listdir(tmp_path) == ["model.safetensors"]
    check_same(load_file(str(path), device="cpu"), tensors(torch))


@pytest.mark.torch_parity
def test_both_ways(tmp_path):
    reference = pytest.importorskip("torch")
    theirs = pytest.importorskip("safetensors.torch")
    save_file(tensors(torch), tmp_path / "ours")
    check_same(theirs.load_file(tmp_path / "ours"), tensors(torch))
    theirs.save_file(tensors(reference), tmp_path / "theirs")
    check_same(load_file(tmp_path / "theirs"), tensors(torch))
    net = torch.nn.BatchNorm1d(3)
    save_file(net.state_dict(), tmp_path / "net")
    reference.nn.BatchNorm1d(3).load_state_dict(theirs.load_file(tmp_path / "net"))


@pytest.mark.torch_parity
def test_a_dtype_that_is_missing_is_named(tmp_path):
    reference = pytest.importorskip("torch")
    theirs = pytest.importorskip("safetensors.torch")
    theirs.save_file({"w": reference.ones(2, dtype=reference.uint16)}, tmp_path / "a")
    with pytest.raises(LoadError, match="got U16 as 'w'"):
        load_file(tmp_path / "a")


WEIGHT = torch.zeros(4, 4)
WRONG = {
    "no tensor": ({"a": 3}, ValueError, "got 'a': int"),
    "no name": ({3: WEIGHT}, ValueError, "got 3: Tensor"),
    "no dict": ([WEIGHT], ValueError, "got list"),
    "not contiguous": ({"a": WEIGHT.T}, ValueError, r"Hint: save a\.contiguous"),
    "the same": ({"a": WEIGHT, "b": WEIGHT}, RuntimeError, "got 'a' and 'b'"),
    "overlapping": ({"a": WEIGHT, "b": WEIGHT[2]}, RuntimeError, "got 'a' and 'b'"),
    "dtype": ({"a": WEIGHT.to(torch.complex128)}, ValueError, "complex128 as 'a'"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_written(kind, tmp_path):
    given, error, message = WRONG[kind]
    with pytest.raises(error, match=message):
        save_file(given, tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_rows_of_one_matrix_are_no_overlap():
    got = safetensors.load(safetensors.save({"a": WEIGHT[0], "b": WEIGHT[1]}))
    assert sorted(got) == ["a", "b"]


def test_damaged_files(tmp_path):
    data = safetensors.save({"w": torch.ones(3)})
    for length in range(len(data)):
        with pytest.raises(LoadError, match="is no safetensors file, or it is damaged"):
            safetensors.load(data[:length])
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "missing")
    with pytest.raises(LoadError, match="not a file of"):
        torch.load(__file__)


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_edu\[safetensors\]'"):
        safetensors.save({})
