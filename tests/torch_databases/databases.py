"""The three databases, and what is looked up in them."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_edu

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="PyTorch's databases need it (python -m pip install expecttest)")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch.testing._internal.common_methods_invocations as operators
    from torch.testing._internal.common_modules import ModuleErrorEnum, module_db
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

# The import above forbids to set any of PyTorch's flags from now on, which other tests do.
torch.backends.__allow_nonbracketed_mutation_flag = True

op_db = operators.op_db
# The files of the database: it is in parts.
DATABASES = (operators.__name__, "torch.testing._internal.opinfo.definitions")

__all__ = [
    "DTYPES",
    "SHARED_DTYPES",
    "is_of_the_database",
    "ModuleErrorEnum",
    "OptimizerErrorEnum",
    "entry_name",
    "look_up",
    "module_db",
    "on_our_engine",
    "op_db",
    "optim_db",
    "our_function",
    "our_method",
    "torch",
]

DTYPES = [name for name in dir(tinygrad_edu) if isinstance(getattr(tinygrad_edu, name), tinygrad_edu.dtype)]
SHARED_DTYPES = {getattr(torch, name): getattr(tinygrad_edu, name) for name in DTYPES}


NAMES_OF_ENTRIES = {"_segment_reduce": "segment_reduce"}


def entry_name(entry: Any) -> str:
    """Return ``norm``, ``norm[nuc]``, ``nn.Linear`` or ``optim.SGD``."""
    if hasattr(entry, "optim_cls"):
        return f"optim.{entry.optim_cls.__name__}"
    if hasattr(entry, "module_cls"):
        return entry.name
    return f"{entry.name}[{entry.variant_test_name}]" if entry.variant_test_name else entry.name


def look_up(root: Any, name: str) -> Any:
    """Return what a dotted name stands for, or None."""
    for part in name.split("."):
        root = getattr(root, part, None)
    return root


def is_of_the_database(function: Any) -> bool:
    """Tell whether it is a Python function written in the database, around one of PyTorch's."""
    return isinstance(function, types.FunctionType) and function.__module__.startswith(DATABASES)


def on_our_engine(function: types.FunctionType) -> Callable[..., Any]:
    """Return a function of the database with this package in place of ``torch``."""
    names = {**function.__globals__, "torch": tinygrad_edu, "F": tinygrad_edu.nn.functional}
    return types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )


def our_function(entry: Any) -> Callable[..., Any] | None:
    """Return what answers here to an entry of ``op_db``: a function, or a method if that is what PyTorch has."""
    if entry.name in NAMES_OF_ENTRIES:
        return look_up(tinygrad_edu, NAMES_OF_ENTRIES[entry.name])
    function = look_up(tinygrad_edu, entry.name)
    method = getattr(tinygrad_edu.Tensor, entry.name, None)
    if is_of_the_database(entry.op):
        return None if function is None and method is None else on_our_engine(entry.op)
    return function if look_up(torch, entry.name) is entry.op else method


def our_method(entry: Any, method: Any) -> Callable[..., Any] | None:
    """Return the method of this package's Tensor that answers to one of PyTorch's."""
    if is_of_the_database(method):
        return None if our_function(entry) is None else on_our_engine(method)
    return getattr(tinygrad_edu.Tensor, getattr(method, "__name__", ""), None)
