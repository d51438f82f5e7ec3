"""Every rung of a family has the same functions with the same arguments. Read from the source: no card needed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "kernels" / "tinygrad_edu_kernels"
RUNGS = sorted(path for path in FOLDER.glob("*/*.py") if path.stem in ("cpu", "cuda"))


def public_functions(path):
    """Return name -> signature, as it is written, of what a file lets others call."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.returns is not None and not node.name.startswith("_")
    }


@pytest.mark.parametrize("path", RUNGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_functions_and_arguments_are_those_of_the_reference(path):
    rung, reference = public_functions(path), public_functions(path.with_name("reference.py"))
    shared = rung.keys() & reference.keys()
    assert shared
    assert {name: rung[name] for name in shared} == {name: reference[name] for name in shared}


@pytest.mark.parametrize(
    "path", [path for path in RUNGS if path.stem == "cuda"], ids=lambda path: path.parent.name
)
def test_the_gpu_has_what_the_cpu_has(path):
    on_the_cpu, reference = (public_functions(path.with_name(f"{rung}.py")) for rung in ("cpu", "reference"))
    assert public_functions(path).keys() == on_the_cpu.keys() & reference.keys()


def test_there_is_something_to_read():
    assert len(RUNGS) > 5
