"""Programs of well-known kinds run with only the imports changed, and compute what PyTorch computes.

The programs are written for PyTorch. Each prints its losses and leaves them in a list ``losses``. They are run here
with the imports changed, and with PyTorch as they are; the first weights and the data are NumPy's in both. One
file is one program; the folder says of what kind.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import re
import runpy
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu

FOLDER = Path(__file__).parent
PROGRAMS = {path.stem: path for path in sorted(FOLDER.glob("*/*.py")) if path.parent.name != "nanogpt"}
COMMANDS = {  # of the program with several files: what is run, one after the other
    "nanogpt": [
        "train.py config_tiny.py",
        "train.py config_tiny.py --init_from=resume --max_iters=10",
        "sample.py",
    ],
    "nanogpt_cropped": [
        "train.py config_tiny.py",
        "train.py config_tiny.py --init_from=weights --block_size=6",
        "train.py config_tiny.py --recompute=True --bias=True",
    ],
}


def with_changed_imports(source: str, package: str) -> str:
    """Return a program whose imports are of another package; nothing else of it is touched."""
    source = re.sub(r"^( *)import torch$", rf"\1import {package} as torch", source, flags=re.MULTILINE)
    return re.sub(r"^( *)(import|from) torch\b", rf"\1\2 {package}", source, flags=re.MULTILINE)


def test_only_imports_are_changed():
    rest = "import torchvision\ntorch.ones(2)  # import torch\n"
    source = "import torch\nimport torch.nn as nn\n    from torch.utils import data\n" + rest
    expected = "import other as torch\nimport other.nn as nn\n    from other.utils import data\n" + rest
    assert with_changed_imports(source, "other") == expected


@contextlib.contextmanager
def in_float64(torch: Any) -> Iterator[None]:
    """Let new tensors be of float64 and, as long as a program says nothing else, on the CPU; undo what it sets."""
    before, device = torch.get_default_dtype(), torch.get_default_device()
    precision = torch.get_float32_matmul_precision()
    torch.set_default_dtype(torch.float64)
    torch.set_default_device(None)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        torch.set_default_device(None if device.type == "cpu" else device)
        torch.set_float32_matmul_precision(precision)


def run(command: str, package: str, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Run a program of the current folder, and return its losses."""
    file, *arguments = command.split()
    if package == "torch" and file == "train.py":
        arguments.append("--compile=False")  # which takes half a minute, and changes nothing
    monkeypatch.setattr(sys, "argv", [file, *arguments])
    sys.modules.pop("model", None)  # of another package
    with in_float64(importlib.import_module(package)), warnings.catch_warnings():
        if package == "torch":
            warnings.simplefilter("ignore")
        warnings.filterwarnings("ignore", "torch.compile: ")
        warnings.simplefilter("ignore", ResourceWarning)  # exec(open(file).read())
        losses = runpy.run_path(file, run_name="__main__")["losses"]
    assert losses
    assert all(math.isfinite(loss) for loss in losses)
    return losses


def losses_of(name: str, package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """Copy a program with its imports changed, run all its commands there, and return the losses of each."""
    files = sorted((FOLDER / "nanogpt").glob("*.py")) if name in COMMANDS else [PROGRAMS[name]]
    for file in files:
        (folder / file.name).write_text(with_changed_imports(file.read_text("utf-8"), package), "utf-8")
    for split, length in {"train": 400, "val": 100}.items():
        (np.arange(length) ** 2 % 20).astype(np.uint16).tofile(folder / f"{split}.bin")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)
    commands = COMMANDS.get(name, [f"{name}.py"])
    return [run(command, package, monkeypatch) for command in commands]


def new_folder(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


@pytest.mark.parametrize("name", [*PROGRAMS, *COMMANDS])
def test_it_runs(name, tmp_path, monkeypatch):
    for losses in losses_of(name, "tinygrad_edu", new_folder(tmp_path / "ours"), monkeypatch):
        assert len(losses) >= 5
    assert tinygrad_edu.get_default_dtype() is tinygrad_edu.float32
    assert tinygrad_edu.get_float32_matmul_precision() == "highest"
    assert not tinygrad_edu.backends.cuda.matmul.allow_tf32


def flags_can_be_set(torch):
    """Return a block in which PyTorch's flags can be set: its own test modules, once imported, forbid it."""
    return getattr(torch.backends, "__allow_nonbracketed_mutation")()


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", [*PROGRAMS, *COMMANDS])
def test_it_computes_what_pytorch_computes(name, tmp_path, monkeypatch):
    ours = losses_of(name, "tinygrad_edu", new_folder(tmp_path / "ours"), monkeypatch)
    with flags_can_be_set(pytest.importorskip("torch")):
        theirs = losses_of(name, "torch", new_folder(tmp_path / "theirs"), monkeypatch)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6)
