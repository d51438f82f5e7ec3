"""Writes a page of the site for every public module: its names, which Sphinx fills with their docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
import types
from pathlib import Path
from typing import Any

# Title, module, and whether the module is one that has PyTorch's names.
PAGES = {
    "torch": "tinygrad_edu",
    "torch.Tensor": "tinygrad_edu.Tensor",
    "torch.autograd": "tinygrad_edu.autograd",
    "torch.nn": "tinygrad_edu.nn",
    "torch.nn.functional": "tinygrad_edu.nn.functional",
    "torch.nn.init": "tinygrad_edu.nn.init",
    "torch.nn.utils": "tinygrad_edu.nn.utils",
    "torch.optim": "tinygrad_edu.optim",
    "torch.optim.lr_scheduler": "tinygrad_edu.optim.lr_scheduler",
    "torch.utils.data": "tinygrad_edu.utils.data",
    "torch.linalg": "tinygrad_edu.linalg",
    "torch.fft": "tinygrad_edu.fft",
    "torch.special": "tinygrad_edu.special",
    "torch.sparse": "tinygrad_edu.sparse",
    "torch.distributions": "tinygrad_edu.distributions",
    "torch.func": "tinygrad_edu.func",
    "torch.amp": "tinygrad_edu.amp",
    "torch.profiler": "tinygrad_edu.profiler",
    "nn.graph": "tinygrad_edu.nn.graph",
    "learn": "tinygrad_edu.learn",
    "vision.datasets": "tinygrad_edu.vision.datasets",
    "vision.transforms": "tinygrad_edu.vision.transforms",
    "vision.models": "tinygrad_edu.vision.models",
}
INDEX = (
    "# Reference\n\nWhat has PyTorch's name does what its namesake does.\n\n```{{toctree}}\n{entries}\n```\n"
)


def find(path: str) -> Any:
    """Return a module, or a class in one, by its path."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        owner, _, name = path.rpartition(".")
        return getattr(importlib.import_module(owner), name)


def public_names(owner: Any) -> list[str]:
    """Return the names of functions and classes of this package that a module or class offers."""
    names = []
    for name in sorted(dir(owner), key=str.lower):
        value = getattr(owner, name, None)
        is_ours = (getattr(value, "__module__", None) or "").startswith("tinygrad_edu")
        if not name.startswith("_") and is_ours and (inspect.isroutine(value) or inspect.isclass(value)):
            names.append(name)
    return names


def entry(owner: Any, path: str, name: str, places: dict[Any, str]) -> str:
    """Return the lines that have Sphinx write about one name; a class is described on one page, its place."""
    value = getattr(owner, name)
    if inspect.isclass(value) and value in places:
        return f".. class:: {name}\n   :no-index:\n\n   Described on the page :doc:`{places[value]}`.\n"
    if inspect.isclass(value):
        return f".. autoclass:: {path}.{name}\n   :members:\n"
    kind = "autofunction" if isinstance(owner, types.ModuleType) else "automethod"
    return f".. {kind}:: {path}.{name}\n"


def write_pages(folder: Path) -> None:
    """Write the pages into a folder, and the index of them."""
    folder.mkdir(exist_ok=True)
    places: dict[Any, str] = {find("tinygrad_edu.Tensor"): "torch.Tensor"}
    for title, path in reversed(PAGES.items()):  # torch comes last: a class is described where it is at home
        owner = find(path)
        lines = [title, "=" * len(title), "", f".. currentmodule:: {path}", ""]
        for name in public_names(owner):
            lines.append(entry(owner, path, name, places))
            if inspect.isclass(getattr(owner, name)):
                places.setdefault(getattr(owner, name), title)
        write_if_new(folder / f"{title}.rst", "\n".join(lines))
    write_if_new(folder / "index.md", INDEX.format(entries="\n".join(PAGES)))


def write_if_new(path: Path, text: str) -> None:
    """Write a file, unless it says just this already: Sphinx reads anew what was written."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


LITERAL_OR_URL = re.compile(r"(``.+?``|`[^`]+`_*|https?://\S+[^\s.,;:)])")


def plain(line: str) -> str:
    """Return a line of a docstring in which ``*``, ``|`` and a last ``_`` stand for themselves.

    Docstrings are read in an editor or a debugger, and their formulas are written for that: ``a * b``, ``|x|``.
    """
    line = re.sub(r"^(\s*)([A-Za-z]\. )", r"\1\\\2", line)  # "G. Hinton" begins no list
    parts = LITERAL_OR_URL.split(line)
    for i, part in enumerate(parts):
        if part.startswith("http"):
            parts[i] = f"`{part} <{part}>`__"
        elif i % 2 == 0:
            parts[i] = re.sub(r"([*|]|_(?=\W|$))", r"\\\1", part)
    return "".join(parts)


def make_plain(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Let Sphinx see a docstring as it is meant to be read; examples, directives and literal blocks are left alone.

    The entries under "References", of which a long one goes on indented, become a list.
    """
    section, in_example, block = "", False, None
    for i, line in enumerate(lines):
        text = line.lstrip()
        indentation = len(line) - len(text)
        if text and not text.strip("-") and i:
            section = lines[i - 1].strip()
        in_example = text.startswith(">>>") or (in_example and bool(text))
        if block is not None and text and indentation <= block:
            block = None
        if block is None and (text.startswith(".. ") or line.endswith("::")):
            block = indentation
        elif block is None and not in_example:
            lines[i] = plain(line)
            if section == "References" and text.strip("-") and not is_heading(lines, i):
                lines[i] = f"{'  ' if indentation else '* '}{lines[i].lstrip()}"


def is_heading(lines: list[str], i: int) -> bool:
    """Tell whether a line is underlined."""
    return i + 1 < len(lines) and bool(lines[i + 1].strip()) and not lines[i + 1].strip("- ")
