"""The examples in README.md and docs/ run, and give what is printed there.

In a fenced block every line that begins with >>> is run, as in a docstring. The fence itself is no part of
what is expected, so no empty line is needed before it. The blocks of one file share their variables.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^ *(```|~~~).*$", re.MULTILINE)


def example_files() -> list[str]:
    """Return the Markdown files that hold examples, named from the root."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.exists() and ">>> " in path.read_text(encoding="utf-8")
    ]


def run_examples(text: str, name: str) -> str:
    """Run the examples in a text and return the report of those that fail."""
    test = doctest.DocTestParser().get_doctest(FENCE.sub("", text), {"__name__": "__main__"}, name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False).run(test, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("name", example_files())
def test_examples(name):
    report = run_examples((ROOT / name).read_text(encoding="utf-8"), name)
    assert not report, report


def test_a_wrong_example_is_found():
    text = "# Title\n\n```python\n>>> x = 2\n>>> x + 1\n3\n```\n\nMore.\n\n```pycon\n>>> x\n4\n```\n"
    report = run_examples(text, "chapter.md")
    assert report.count("Failed example") == 1
    assert 'File "chapter.md", line 12' in report
    assert not run_examples(text.replace("4\n", "2\n"), "chapter.md")


def test_nothing_is_left_to_be_filled_in():
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        assert "@@" not in path.read_text(encoding="utf-8"), path.name
