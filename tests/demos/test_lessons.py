"""The lessons: each runs to its end, so its answers are right; PyTorch agrees with what they say."""

from __future__ import annotations

import re
import runpy
import warnings
from pathlib import Path

import pytest

import tinygrad_edu

LESSONS = sorted((Path(__file__).resolve().parents[2] / "demos" / "lessons").glob("[0-9]*.py"))
NAMES = [path.stem for path in LESSONS]
MEASURES_NUMPY = "12_a_memory_budget"  # with tracemalloc, which knows nothing of PyTorch's memory


@pytest.fixture(autouse=True)
def a_folder_of_its_own(tmp_path, monkeypatch):
    """Let pictures be drawn into a folder of the test, and without a window."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")


def test_numbers_follow_each_other():
    assert [int(name.partition("_")[0]) for name in NAMES] == list(range(1, len(NAMES) + 1))


@pytest.mark.host("a lesson's own tensors are on the CPU")
@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_a_lesson(lesson, capsys):
    state = tinygrad_edu.get_rng_state()
    try:
        runpy.run_path(str(lesson), run_name="__main__")
    finally:
        tinygrad_edu.set_rng_state(state)
    assert capsys.readouterr().out


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_what_a_lesson_is_made_of(lesson):
    """Cells in turns of text and code, a title with its number, and answers that are checked."""
    text = lesson.read_text(encoding="utf-8")
    number = int(lesson.stem.partition("_")[0])
    assert text.startswith(f"# %% [markdown]\n# # Lesson {number}: ")
    assert text.count("\n# ## Try\n") == 1
    assert "assert " in text.partition("\n# ## Try\n")[2]


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    "lesson", [path for path in LESSONS if path.stem != MEASURES_NUMPY], ids=lambda p: p.stem
)
def test_a_lesson_on_pytorch(lesson, tmp_path):
    pytest.importorskip("torch")
    source = lesson.read_text(encoding="utf-8")
    source = re.sub(r"^(import|from) tinygrad_edu\b", r"\1 torch", source, flags=re.MULTILINE)
    program = tmp_path / "lesson.py"
    program.write_text(source, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runpy.run_path(str(program), run_name="__main__")
