"""Right calls of every public name, as expressions: from the table of operations, and those that were written."""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tests.fuzz.namespace import namespace
from tests.fuzz.written_calls import WRITTEN
from tests.ops.op_table import TABLE
from tests.ops.samples import SAME, Entry, Input, Sample

SAMPLES_OF_A_NAME = 4


class CannotBeWritten(Exception):
    """An argument that has no expression."""


def written(value: Any, first: str = "") -> str:
    """Return an expression for an argument in a table; ``first`` is that of the first input."""
    if isinstance(value, Input):
        return written_input(value)
    if value is SAME:
        return first
    if isinstance(value, np.ndarray):
        return f"torch.tensor({value.tolist()})".replace("nan", "math.nan").replace("inf", "math.inf")
    if isinstance(value, list | tuple):
        inside = ", ".join(written(item, first) for item in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "math.inf" if value > 0 else "-math.inf"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    raise CannotBeWritten(value)


def written_input(value: Input) -> str:
    sizes = ", ".join(map(str, value.shape))
    if value.kind == "bool":
        return f"bools({sizes})"
    usual = (0, 3) if value.kind == "int" else (-2.0, 2.0)
    bounds = [] if (value.low, value.high) == usual else [f"low={value.low}", f"high={value.high}"]
    inside = ", ".join([*([sizes] if sizes else []), *bounds])
    return f"{'ints' if value.kind == 'int' else 'real'}({inside})"


def written_call(function: str, sample: Sample, method: bool = False) -> str:
    """Return the call of a sample; of a method, the first argument is the Tensor it belongs to."""
    args = list(sample.args)
    first = written(args[0]) if args else ""
    if method and not isinstance(args[0], Input):
        raise CannotBeWritten(args[0])
    parts = [written(a, first) for a in args[1 if method else 0 :]]
    parts += [f"{key}={written(value, first)}" for key, value in sample.options.items()]
    return f"{first}.{function}({', '.join(parts)})" if method else f"{function}({', '.join(parts)})"


def public_functions() -> Iterator[tuple[str, str, bool]]:
    """Yield (name in a call, name in the table, is a method) of functions and methods."""
    for place, module in (("torch", torch), ("F", torch.nn.functional)):
        for name in sorted(vars(module)):
            found = getattr(module, name)
            if not name.startswith("_") and callable(found) and not isinstance(found, type):
                yield f"{place}.{name}", getattr(found, "__name__", name).rstrip("_"), False
    for name in sorted(dir(torch.Tensor)):
        found = getattr(torch.Tensor, name)
        if not name.startswith("_") and callable(found):
            yield name, getattr(found, "__name__", name).rstrip("_"), True


def from_the_table() -> Iterator[str]:
    entries: dict[str, Entry] = {entry.name: entry for entry in TABLE if entry.call is None}
    aliases = {
        **{"abs": "absolute", "swapaxes": "transpose", "swapdims": "transpose", "concat": "cat"},
        **{"ravel": "neg", "positive": "neg"},
    }
    for call, name, is_method in public_functions():
        entry = entries.get(name) or entries.get(aliases.get(name, ""))
        if entry is None:
            continue
        calls = []
        for sample in entry.samples:
            try:
                calls.append(written_call(call, sample, is_method))
            except CannotBeWritten:
                continue
        yield from calls[:SAMPLES_OF_A_NAME]


def called(expression: str) -> str:
    """Return the name that a call is of: ``torch.exp``, ``Tensor.exp``, ``nn.Linear``, ``nn.Linear()`` if it is called.

    A wrapper such as ``list(...)`` does not count.
    """
    node: Any = ast.parse(expression, mode="eval").body
    if isinstance(node.func, ast.Name) and node.func.id == "list":
        node = node.args[0]
    if isinstance(node.func, ast.Call):
        return ast.unparse(node.func.func) + "()"
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        owner = ast.unparse(node.func.value.func)
        is_tensor = "." not in owner or not isinstance(node.func.value.func, ast.Attribute)
        return f"{'Tensor' if is_tensor or owner.startswith('param') else owner}.{node.func.attr}"
    return ast.unparse(node.func)


@functools.cache
def right_calls() -> dict[str, list[str]]:
    """Return the calls of each name; samples that don't suit an in-place method are left out."""
    calls: dict[str, list[str]] = {}
    for expression in [*filter(returns, from_the_table()), *WRITTEN]:
        calls.setdefault(called(expression), []).append(expression)
    return {name: list(dict.fromkeys(found)) for name, found in calls.items()}


def returns(expression: str) -> bool:
    """Tell whether a call goes well here."""
    try:
        with warnings.catch_warnings(action="ignore"):
            eval(expression, namespace(torch))
    except (RuntimeError, TypeError, IndexError, NotImplementedError):
        return False
    return True


def function_of(name: str) -> Any:
    """Return the function, class or method that a name of a call stands for, or None."""
    if name.startswith("Tensor."):
        return getattr(torch.Tensor, name.removeprefix("Tensor."), None)
    try:
        return eval(name.removesuffix("()"), namespace(torch))
    except (AttributeError, NameError):
        return None
