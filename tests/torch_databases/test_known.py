"""The list of known differences is well-formed, and stands in the documentation."""

from __future__ import annotations

import re
from types import SimpleNamespace

from tests.torch_databases import known


def test_the_page_is_up_to_date():
    assert known.BEGIN in known.PAGE.read_text(encoding="utf-8")
    assert known.PAGE.read_text(encoding="utf-8") == known.page(), (
        "run python -m tests.torch_databases --write-docs"
    )


def test_every_line_has_a_reason_and_is_about_something():
    for line in known.KNOWN:
        assert line.reason.endswith(".")
        assert line.entries
        assert re.compile(line.pattern)


def test_what_is_not_explained_is_left(monkeypatch):
    report = SimpleNamespace(
        name="add", differences=["float32 sample 1: shape [1]", "float32 sample 2: dtype"]
    )
    monkeypatch.setattr(known, "KNOWN", [known.Known("For a test.", ": shape", ("add",))])
    assert known.unexplained(report) == ["float32 sample 2: dtype"]
    assert (
        known.unexplained(SimpleNamespace(name="sub", differences=report.differences)) == report.differences
    )
