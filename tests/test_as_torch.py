"""``import tinygrad_edu.as_torch``: torch is this engine, in a process of its own for every test."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(program: str) -> None:
    """Run a program; a failed assertion in it fails the test."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_modules_are_the_same_objects():
    run(
        """
        import tinygrad_edu.as_torch
        import torch, torch.nn.functional as F, torch.optim.lr_scheduler as schedulers, torch.nn.utils.rnn
        import torchvision, torchvision.transforms.functional
        from torch import nn, optim
        from torch.nn import Linear, functional
        from torch.utils import data
        from torch.utils.data.dataset import Dataset
        from torchvision import datasets, transforms
        import tinygrad_edu, tinygrad_edu.vision
        import sys

        assert torch is tinygrad_edu and torch.nn is nn is tinygrad_edu.nn
        assert F is functional is torch.nn.functional is tinygrad_edu.nn.functional
        assert optim is tinygrad_edu.optim and schedulers is optim.lr_scheduler
        assert torch.utils.data is data is tinygrad_edu.utils.data and Dataset is data.Dataset
        assert torchvision is tinygrad_edu.vision and transforms is torchvision.transforms
        assert (Linear.__module__, torch.__name__) == ("tinygrad_edu.nn.linear", "tinygrad_edu")
        for name, module in list(sys.modules.items()):
            if name.startswith("tinygrad_edu"):  # nothing is written on our modules
                spec = module.__spec__
                assert spec.name == name == module.__name__, (name, spec)
                assert hasattr(module, "__path__") == (spec.submodule_search_locations is not None)
        """
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import torch.fx", "No module named 'torch.fx': PyTorch has it, this engine does not (yet)"),
        ("import torch.fx.passes.backends", "No module named 'torch.fx': PyTorch has it"),
        ("from torch.distributed.fsdp import x", "No module named 'torch.distributed.fsdp'"),
        ("from torch import vmapp", "cannot import name 'vmapp' from 'tinygrad_edu'"),
        ("from torch import fx", "cannot import name 'fx': PyTorch has it"),
        ("import torch.nonsense", "No module named 'torch.nonsense'"),
        ("import torchvision.nonsense", "No module named 'torchvision.nonsense'"),
    ],
)
def test_what_is_missing(statement, message):
    run(
        f"""
        import tinygrad_edu.as_torch
        try:
            {statement}
        except ImportError as error:
            assert str(error).startswith({message!r}), error
        else:
            raise AssertionError
        """
    )


def test_where_torch_has_been_imported_it_is_refused():
    run(
        """
        import sys, types
        sys.modules["torch"] = types.ModuleType("torch")
        try:
            import tinygrad_edu.as_torch
        except ImportError as error:
            assert "the real torch has been imported in this process already" in str(error)
        else:
            raise AssertionError
        assert not any(type(finder).__name__ == "TorchFinder" for finder in sys.meta_path)
        """
    )


def test_it_can_be_undone_and_done_again():
    run(
        """
        import sys
        from tinygrad_edu import as_torch
        finders = len(sys.meta_path)
        as_torch.install()  # a second time is no mistake
        assert len(sys.meta_path) == finders
        import torch, torch.nn as nn
        as_torch.uninstall()
        assert len(sys.meta_path) == finders - 1
        assert not [name for name in sys.modules if name.partition(".")[0] == "torch"]
        assert torch.nn is nn
        as_torch.install()
        import torch as again
        assert again is torch
        """
    )


def test_nothing_else_changes_what_torch_means():
    run(
        """
        import sys
        finders = list(sys.meta_path)
        import tinygrad_edu.run, tinygrad_edu.port.__main__, tinygrad_edu.warmup, tinygrad_edu.learn
        tinygrad_edu.port.check("import torch, torch.nn")
        assert sys.meta_path == finders and "torch" not in sys.modules
        """
    )


@pytest.mark.torch_parity
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_pytorch_itself_can_be_had_afterwards():
    program = (
        "from tinygrad_edu import as_torch; import torch as ours; as_torch.uninstall(); import torch; "
        "assert torch.__name__ == 'torch' and ours.__name__ == 'tinygrad_edu'"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)
