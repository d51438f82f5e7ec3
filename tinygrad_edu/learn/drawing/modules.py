"""Which module an operation belongs to, when only the names of the parameters are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_edu.autograd.tensor_base import TensorBase, array_of
from tinygrad_edu.learn.drawing.chart import FrameName, Group
from tinygrad_edu.nn.module import Module
from tinygrad_edu.type_names import type_name


def group_of_module(path: str) -> Group:
    """Return the modules round a module, from the model itself inwards.

    Examples
    --------
    >>> group_of_module("layer1.0.conv1")
    ('', 'layer1', 'layer1.0', 'layer1.0.conv1')
    """
    parts = path.split(".") if path else []
    return ("", *[".".join(parts[: n + 1]) for n in range(len(parts))])


def parameter_names(model: Any) -> dict[int, str]:
    """Return the names of a model's parameters by the identity of the tensor."""
    if model is None:
        return {}
    if not isinstance(model, Module):
        raise TypeError(f"expected a Module as the model, got {type_name(model)}")
    return {id(tensor): name for name, tensor in model.named_parameters()}


def variable_names(variables: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of variables that hold a Tensor, by the identity of the tensor and of its array."""
    names = {}
    for name, value in reversed(list(variables.items())):  # the first name counts
        if isinstance(value, TensorBase) and name.isidentifier() and not name.startswith("_"):
            names[id(value)] = names[id(array_of(value))] = name
    return names


def frame_names(model: Any) -> dict[str, FrameName]:
    """Return what a model's modules are called, by their path."""
    modules = [] if model is None else model.named_modules()
    return {path: FrameName(path.rpartition(".")[2], type(module).__name__) for path, module in modules}


def fill_in(owners: Sequence[Group | None]) -> list[Group]:
    """Give the operations that have no parameters (None) the modules that those before and after them have in common.

    Examples
    --------
    >>> fill_in([("", "block", "block.conv1"), None, ("", "block", "block.conv2"), None])
    [('', 'block', 'block.conv1'), ('', 'block'), ('', 'block', 'block.conv2'), ()]
    """
    following: list[Group] = [()] * len(owners)
    last: Group = ()
    for number in range(len(owners) - 1, -1, -1):
        last = owners[number] or last
        following[number] = last
    filled: list[Group] = []
    before: Group = ()
    for owner, after in zip(owners, following, strict=True):
        if owner is not None:
            before = owner
            filled.append(owner)
        else:
            filled.append(common_prefix(before, after))
    return filled


def common_prefix(a: Group, b: Group) -> Group:
    """Return what two groups begin with."""
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return a[:length]
