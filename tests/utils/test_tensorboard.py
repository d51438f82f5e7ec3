"""torch.utils.tensorboard writes files that TensorBoard's format says: read back by tensorboardX."""

from __future__ import annotations

import ast
import inspect
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.utils.tensorboard import SummaryWriter

tensorboardX = pytest.importorskip("tensorboardX")


def events(folder):
    """Yield the entries of a folder's files: a length, a checksum, the entry, a checksum."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("events*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            yield Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]


def summaries(folder):
    return [(event.step, value) for event in events(folder) for value in event.summary.value]


def test_what_a_training_writes(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        assert writer.log_dir == writer.get_logdir() == str(tmp_path)
        for step in range(3):
            writer.add_scalar("loss/train", torch.tensor(0.5 * step, requires_grad=True), step)
        writer.add_scalar("loss/test", 2.5, global_step=7)
        writer.add_histogram("weights", torch.nn.Parameter(torch.arange(10.0)), 1)
        writer.add_image("digit", torch.rand(1, 4, 5), 1)
        writer.add_image("array", np.zeros((4, 5, 3)), dataformats="HWC")
        writer.add_images("batch", torch.rand(2, 3, 4, 5), 1)
        writer.add_pr_curve("pr", torch.tensor([0, 1, 1]), torch.tensor([0.1, 0.6, 0.9]), 1)
        writer.add_text("note", "words")
    found = summaries(tmp_path)
    curve = [(step, value.simple_value) for step, value in found if value.tag == "loss/train"]
    assert curve == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert [(s, v.simple_value) for s, v in found if v.tag == "loss/test"] == [(7, 2.5)]
    (histogram,) = [value.histo for _, value in found if value.tag == "weights"]
    assert (histogram.min, histogram.max, histogram.num, histogram.sum) == (0, 9, 10, 45)
    sizes = {
        value.tag: (value.image.height, value.image.width) for _, value in found if value.HasField("image")
    }
    assert sizes == {"digit": (4, 5), "array": (4, 5), "batch": (4, 10)}
    assert {"pr", "note/text_summary"} <= {value.tag for _, value in found}


def test_several_curves_and_settings(tmp_path):
    writer = SummaryWriter(log_dir=str(tmp_path))
    writer.add_scalars("both", {"a": torch.tensor(1.0), "b": 2}, 3)
    writer.add_hparams({"lr": 0.1, "model": "mlp"}, {"accuracy": torch.tensor(0.5)})
    writer.close()
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} >= {"both"}


@pytest.mark.parametrize("name", ["add_graph", "add_embedding"])
def test_what_is_not_there(tmp_path, name):
    with SummaryWriter(tmp_path) as writer, pytest.raises(NotImplementedError, match=name):
        getattr(writer, name)(None)


def test_without_tensorboardx(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="python -m pip install tensorboardX"):
        SummaryWriter(tmp_path)


@pytest.mark.torch_parity
def test_the_arguments_are_those_of_pytorch():
    """Read from PyTorch's source, for importing it needs TensorBoard."""
    torch = pytest.importorskip("torch")
    source = Path(torch.__file__).parent / "utils" / "tensorboard" / "writer.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (theirs,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "SummaryWriter"]
    methods = {n.name: [a.arg for a in n.args.args] for n in theirs.body if isinstance(n, ast.FunctionDef)}
    for name, ours in vars(SummaryWriter).items():
        if name.startswith("add_") and name != "add_embedding":
            assert list(inspect.signature(ours).parameters) == methods[name], name
