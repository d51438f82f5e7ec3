"""The texts beside the graph: the user's files, and the engine's ``forward`` and ``backward`` of an operation."""

from __future__ import annotations

import inspect
import linecache
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_edu.learn.formulas import formula_of
from tinygrad_edu.learn.tape import ForwardStep

PACKAGE = Path(__file__).parents[2]
LONGEST_FILE = 4000
"""Lines of a user's file that are shown at most."""


def text_of(file: str) -> str:
    """Return the text of a file of the user; of a notebook's cell, too."""
    return "".join(linecache.getlines(file)[:LONGEST_FILE])


def name_of(file: str) -> str:
    """Return the name of a file of the user; a notebook's cell has a text, but no file."""
    is_cell = not Path(file).exists() and bool(linecache.getlines(file))
    return "a notebook's cell" if is_cell else Path(file).name


def describe(step: ForwardStep) -> dict[str, Any]:
    """Return what can be read about an operation: its formula, its arguments, the text of its two methods."""
    entry: dict[str, Any] = {"name": step.op, "arguments": []}
    if step.op_class is None:
        return entry
    entry["arguments"] = arguments_of(step.op_class)
    entry |= formulas(step.op_class, entry["arguments"])
    for name in ("forward", "backward"):
        method = method_text(step.op_class, name)
        if method is not None:
            entry[name] = method
    return entry


def arguments_of(op_class: Any) -> list[str]:
    """Return what the forward of an operation calls its inputs; a last "*arrays" is for all that follow."""
    names: list[str] = []
    for name, parameter in inspect.signature(op_class.forward).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return [*names, f"*{name}"]
        if parameter.kind is not parameter.KEYWORD_ONLY and name not in ("self", "ctx"):
            names.append(name)
    return names


def formulas(op_class: Any, arguments: list[str]) -> dict[str, Any]:
    """Return the formula as MathML, and for each input its local derivative and the gradient that it gets."""
    formula = formula_of(op_class)
    if not formula.expression:
        return {"doc": formula.said.split("\n\n")[0]}
    return {
        "formula": formula.expression_markup,
        "local": by_input(formula.local_markup, arguments),
        "gradient": by_input(formula.gradient_markup, arguments),
        "remark": formula.note,
    }


def by_input(markup: Mapping[str, str], arguments: list[str]) -> dict[str, str]:
    """Return formulas by the number of their input, which their key names: "x[i]" is about x."""
    numbers = {name.lstrip("*"): str(number) for number, name in enumerate(arguments)}
    return {
        numbers[key.partition("[")[0]]: text
        for key, text in markup.items()
        if key.partition("[")[0] in numbers
    }


def method_text(op_class: type, name: str) -> dict[str, Any] | None:
    """Return where a method stands, and its text; None if it cannot be read."""
    method = inspect.unwrap(getattr(op_class, name))
    try:
        lines, first = inspect.getsourcelines(method)
        file = inspect.getsourcefile(method) or ""
    except (OSError, TypeError):
        return None
    return {"file": shown_path(file), "line": first, "text": textwrap.dedent("".join(lines))}


def shown_path(file: str) -> str:
    """Return the path of a file of the package from the package on; of another one, its name."""
    path = Path(file)
    return path.relative_to(PACKAGE.parent).as_posix() if path.is_relative_to(PACKAGE) else path.name
