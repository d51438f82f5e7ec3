"""The text of a kernel on each rung: the function that the engine calls, and what it needs of its own family."""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

RUNGS = ("reference", "cpu", "cuda")


@cache
def folder_of(family: str) -> Path:
    """Return the folder of a family; nothing is imported, so that CUDA's kernels can be read without a card."""
    spec = find_spec(f"tinygrad_edu_kernels.{family}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def functions_of(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Return the text of each function of a file, and the names that occur in it."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            source = "\n".join(lines[first - 1 : node.end_lineno])
            found[node.name] = source, frozenset(names_in(node))
    return found


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names in a function: "helper", and "direct.conv2d_forward" for those of another file."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            yield f"{inner.value.id}.{inner.attr}"


def public_functions(family: str) -> list[str]:
    """Return the kernels of a family, in the order of the reference."""
    folder = folder_of(family)
    fast = functions_of(folder / "cpu.py")
    return [
        name for name in functions_of(folder / "reference.py") if not name.startswith("_") and name in fast
    ]


def source_of(family: str, rung: str, name: str) -> str:
    """Return the text of a kernel on a rung, and of the functions of the family that it leads to; empty without one."""
    folder = folder_of(family)
    wanted, texts, seen = [(rung, name)], [], set()
    while wanted:
        file, function = wanted.pop(0)
        path = folder / f"{file}.py"
        if (file, function) in seen or not path.exists() or function not in functions_of(path):
            continue
        seen.add((file, function))
        text, names = functions_of(path)[function]
        texts.append(text if file == rung else f"# {file}.py\n{text}")
        for other in functions_of(path):
            if other in names:
                wanted.append((file, other))
        for other in sorted(names):
            module, dot, attribute = other.partition(".")
            if dot:
                wanted.append((module, attribute))
    return "\n\n\n".join(texts)


def highlighted(source: str) -> str:
    """Return Python's text as HTML, with classes for keywords, comments, strings and numbers."""
    lines = source.splitlines(keepends=True)
    parts, row, column = [], 1, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = kind_of(token)
        if kind is None:
            continue
        parts.append(escape(between(lines, (row, column), token.start)))
        parts.append(f'<span class="{kind}">{escape(token.string)}</span>')
        row, column = token.end
    return "".join([*parts, escape(between(lines, (row, column), (len(lines) + 1, 0)))])


def kind_of(token: tokenize.TokenInfo) -> str | None:
    """Return the class of a token; None for what is not coloured."""
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "keyword"
    kinds = {tokenize.COMMENT: "comment", tokenize.STRING: "string", tokenize.NUMBER: "number"}
    return kinds.get(token.type)


def between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the text from one place to another; rows are counted from 1."""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    first = lines[start[0] - 1][start[1] :] if start[0] <= len(lines) else ""
    middle = "".join(lines[start[0] : end[0] - 1])
    last = lines[end[0] - 1][: end[1]] if end[0] <= len(lines) else ""
    return first + middle + last
