"""The demos with a number: each runs, quickly and without a network, and prints what it promises."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMOS = ROOT / "demos"

# File, arguments beside --quick, patterns that must be found in what it prints, files that it leaves.
RUNS: list[tuple[str, list[str], list[str], list[str]]] = []


def run(folder: Path, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a demo in a folder of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels"), str(DEMOS)])
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(("name", "arguments", "patterns", "files"), RUNS, ids=lambda value: str(value)[:24])
def test_a_quick_run(tmp_path, name, arguments, patterns, files):
    done = run(tmp_path, DEMOS / name, "--quick", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    for pattern in patterns:
        assert re.search(pattern, done.stdout, re.MULTILINE), f"{pattern}\nis not in\n{done.stdout}"
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def test_every_numbered_demo_is_run():
    tested_elsewhere = {"01_step_through.py", "02_profile.py"}
    assert {path.name for path in DEMOS.glob("[0-9]*.py")} - tested_elsewhere == {name for name, *_ in RUNS}


# ---- the texts ---------------------------------------------------------------------------------------------


@pytest.fixture
def texts(tmp_path, monkeypatch) -> ModuleType:
    """Return demos/texts.py, which saves to a folder of the test and loads from one, too."""
    spec = importlib.util.spec_from_file_location("texts", DEMOS / "texts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    there = tmp_path / "there.txt"
    there.write_bytes(b"emma\n")
    source = there.as_uri(), hashlib.sha256(b"emma\n").hexdigest()
    monkeypatch.setattr(module, "FOLDER", tmp_path / "data" / "text")
    monkeypatch.setattr(module, "SOURCES", {"names.txt": source, "shakespeare.txt": source})
    return module


def test_a_text_is_downloaded_once(texts, tmp_path):
    assert texts.find_text("names.txt") == ("emma\n", str(tmp_path / "data" / "text" / "names.txt"))
    assert [path.name for path in texts.FOLDER.iterdir()] == ["names.txt"]
    (tmp_path / "there.txt").unlink()
    assert texts.find_text("names.txt")[0] == "emma\n"


@pytest.mark.parametrize("name", ["names.txt", "shakespeare.txt"])
def test_without_a_network_there_is_a_small_text(texts, tmp_path, name):
    (tmp_path / "there.txt").unlink()
    text, source = texts.find_text(name)
    assert len(text) > 4_000
    assert "\n" not in source
    assert source.startswith("the small text that comes with the demos, for file://")
    assert not texts.FOLDER.exists()


def test_another_file_is_not_taken(texts, tmp_path):
    (tmp_path / "there.txt").write_text("<html>please log in</html>")
    assert "what arrived is another file" in texts.find_text("names.txt")[1]
    assert not texts.FOLDER.exists()


def test_a_quick_run_needs_no_network(texts):
    text, source = texts.find_text("names.txt", quick=True)
    assert (len(text.split()), source) == (636, "the small text that comes with the demos")
    assert not texts.FOLDER.exists()


def test_a_given_file(texts, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("olga\n")
    assert texts.find_text("names.txt", file) == ("olga\n", str(file))
    assert texts.find_text("names.txt", file, quick=True)[0] == "olga\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "got .*mine.txt"), (b"\xff\xfe", "in UTF-8"), (b" \n", "expected some text")],
    ids=["missing", "bytes", "empty"],
)
def test_a_file_that_cannot_be_read(texts, tmp_path, content, message):
    file = tmp_path / "mine.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit, match=message):
        texts.find_text("names.txt", file)
