"""What ``tinygrad_edu.learn`` says it has is there: what type checkers see, and what is imported when it is used."""

from __future__ import annotations

import ast
from pathlib import Path

from tinygrad_edu import learn


def test_what_type_checkers_see_can_be_used():
    tree = ast.parse(Path(learn.__file__).read_text(encoding="utf-8"))
    names = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tinygrad_edu.learn")
        for alias in node.names
    }
    assert {"draw", "memory", "kernels", "record"} <= names == set(learn._FILES)
    assert all(getattr(learn, name).__name__ for name in names)
