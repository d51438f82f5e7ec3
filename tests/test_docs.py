"""The examples in README.md and docs/ run, and give what is printed there; listings are what stands in the files.

In a fenced block every line that begins with >>> is run, as in a docstring. The fence itself is no part of
what is expected, so no empty line is needed before it. The blocks of one file share their variables.

A block after ``<!-- code: PATH NAME -->`` is the text of a function or class, without its docstrings.
``python tests/test_docs.py`` writes the present text into the chapters, after a change of the code.
"""

from __future__ import annotations

import ast
import doctest
import itertools
import re
import textwrap
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


LISTING = re.compile(r"(<!-- code: (\S+) (\S+) -->\n```python\n)(.*?)(```)", re.DOTALL)


def listing(path: str, name: str) -> str:
    """Return the text of a function, class or method (``Class.method``) of a file, without its docstrings."""
    source = (ROOT / path).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        node = next(child for child in ast.iter_child_nodes(node) if getattr(child, "name", None) == part)
    left_out: set[int] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner):
            docstring = inner.body[0]
            left_out.update(range(docstring.lineno, docstring.end_lineno + 1))
            if not source.splitlines()[docstring.end_lineno].strip():
                left_out.add(docstring.end_lineno + 1)
    lines = [(i, line) for i, line in enumerate(source.splitlines(), 1) if i not in left_out]
    first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
    text = "\n".join([line for i, line in lines if first <= i <= node.end_lineno])
    return textwrap.dedent(text) + "\n"


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_listings_are_what_stands_in_the_files(path):
    for match in LISTING.finditer(path.read_text(encoding="utf-8")):
        assert match[4] == listing(match[2], match[3]), (
            f"{match[2]}: {match[3]}; run python tests/test_docs.py"
        )


def test_there_are_listings():
    assert (
        listing("tinygrad_edu/autograd/graph.py", "run_backward") in (ROOT / "docs/03_graph.md").read_text()
    )


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


def test_the_map_names_what_is_there():
    drawn = re.findall(
        r'class="(name|file)"[^>]*>([^<]+)<', (ROOT / "docs/images/map.svg").read_text(encoding="utf-8")
    )
    boxes = [(name, file) for (kind, name), (_, file) in itertools.pairwise(drawn) if kind == "name"]
    assert len(boxes) == 10
    for name, file in boxes:
        path = file.partition(":")[0]
        if path.startswith("tinygrad_edu/"):
            assert listing(path, name.partition("(")[0])


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def links(text):
    """Return the links of a page that lead to a file or a heading here, each with what comes after its #."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [link.partition("#")[::2] for link in found if not re.match(r"\w+:", link)]


def headings(text):
    """Return the headings of a page as GitHub calls them in links."""
    return {
        re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in re.findall(r"(?m)^#+ (.*)$", text)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for path, heading in links(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        if heading and target.suffix == ".md":
            assert heading in headings(target.read_text(encoding="utf-8")), f"{path}#{heading}"


def test_the_reader_of_links():
    text = "# A `b`, c\n[x](y.md#a-b-c) [z](https://a.b/c.md)\n```\n[no](w.md)\n```\n[here](#a-b-c)"
    assert links(text) == [("y.md", "a-b-c"), ("", "a-b-c")]
    assert headings(text) == {"a-b-c"}


def rooms_with_an_order():
    """Return the folders whose ``__init__.py`` says in which order their files are read."""
    files = [*(ROOT / "tinygrad_edu").rglob("__init__.py"), *(ROOT / "kernels").rglob("__init__.py")]
    return [
        path.parent
        for path in sorted(files)
        if re.search(r"\b(reading|this) order\b", path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("room", rooms_with_an_order(), ids=lambda room: room.name)
def test_a_reading_order_names_all_files_of_a_room(room):
    text = (room / "__init__.py").read_text(encoding="utf-8")
    files = {path.stem for path in room.glob("*.py")} - {"__init__"}
    assert files == files & set(re.findall(r"``(\w+)(?:\.py)?``", text))


if __name__ == "__main__":
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(LISTING.sub(lambda m: m[1] + listing(m[2], m[3]) + m[5], text), encoding="utf-8")
