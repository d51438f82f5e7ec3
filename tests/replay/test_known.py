"""The lists of operations that replay knows name operations that exist."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from tinygrad_edu import ops
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.replay.lines.known import FILES, WITH_KERNELS

MODULES = [
    importlib.import_module(found.name) for found in pkgutil.walk_packages(ops.__path__, "tinygrad_edu.ops.")
]
OPERATIONS = {
    f"{value.__module__}.{value.__qualname__}".removeprefix("tinygrad_edu.")
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Op)
}


@pytest.mark.parametrize("entry", FILES)
def test_files(entry):
    assert [name for name in OPERATIONS if name == entry or name.startswith(f"{entry}.")]


@pytest.mark.parametrize("entry", WITH_KERNELS)
def test_operations_with_kernels(entry):
    module, _, name = entry.rpartition(".")
    assert entry in OPERATIONS or issubclass(
        getattr(importlib.import_module(f"tinygrad_edu.{module}"), name), Optimizer
    )
