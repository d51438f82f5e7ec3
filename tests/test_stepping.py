"""The walk of docs/10_stepping.md, done again under pdb: what the chapter shows is what a reader sees.

``python tests/test_stepping.py`` writes the present output into the chapter, after a change of the code.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = ROOT / "docs" / "10_stepping.md"
PROGRAM = "demos/01_step_through.py"

# What is typed, by the blocks of the chapter.
WALK = {
    "start": ["from tinygrad_edu.ops.nn.conv import Conv2d", "b Conv2d.backward", "c"],
    "frames": ["w"],
    "arrays": ["p grad_output.shape", "n", "p x.shape, weight.shape", "p self.needs_input_grad"],
    "kernel": [
        "from tinygrad_edu_kernels.convolution import reference",
        "b reference.conv2d_grad_weight",
        "c",
        *["n"] * 5,
        "l",
    ],
}


def walk() -> dict[str, str]:
    """Do the walk and return what the terminal shows, block by block."""
    answers = debug([command for block in WALK.values() for command in block])
    blocks, position = {}, 0
    for name, commands in WALK.items():
        lines = [f"(Pdb) {c}\n{answers[position + i]}" for i, c in enumerate(commands)]
        blocks[name] = without_pdb_frames("".join(lines)).rstrip("\n")
        position += len(commands)
    return blocks


def debug(typed: list[str]) -> list[str]:
    """Run the program under pdb and return what it answers to each command."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pdb", PROGRAM],
        input="\n".join([*typed, "q", ""]),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout.replace(f"{ROOT}/", "").split("(Pdb) ")[1:]


def without_pdb_frames(text: str) -> str:
    """Leave out the frames of the debugger itself, which differ between Python versions."""
    text = re.sub(r"^  \S*(?:bdb|pdb)\.py\(\d+\).*\n->.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^  <string>\(1\)<module>\(\)(?:->None)?\n", "", text, flags=re.MULTILINE)


def shown(name: str) -> str:
    """Return a block of the chapter."""
    match = re.search(
        rf"<!-- walk: {name} -->\n```\n(.*?)\n```", CHAPTER.read_text(encoding="utf-8"), re.DOTALL
    )
    assert match is not None, f"no block <!-- walk: {name} --> in {CHAPTER.name}"
    return match[1]


def without_line_numbers(text: str) -> str:
    text = re.sub(r"\.py(\(|:)\d+\)?", r".py", text)
    return re.sub(r"^\s*\d+ +B?(->)?\s*", "", text, flags=re.MULTILINE)  # newer versions mark breakpoints: B


def test_the_chapter_shows_the_real_walk():
    for name, text in walk().items():
        assert without_line_numbers(shown(name)) == without_line_numbers(text), name


def test_at_most_five_frames_lead_to_the_derivative():
    frames = re.findall(r"^[> ] \S*tinygrad_edu\S*\(\d+\)(\w+)", walk()["frames"], flags=re.MULTILINE)
    assert frames[-1] == "backward"
    assert len(frames) <= 5, frames


def test_the_first_exercise_can_be_done():
    """The three breakpoints are where the chapter says, and are hit in this order."""
    page = CHAPTER.read_text(encoding="utf-8")
    exercise = page[page.index("## What to try") :].partition("\n- Walk")[0]
    places = dict(re.findall(r"`(\w+)\.backward`\s+\(?(?:in )?`ops/([\w/]+)\.py`", exercise))
    typed = [f"from tinygrad_edu.ops.{file.replace('/', '.')} import {name}" for name, file in places.items()]
    answers = debug([*typed, *[f"b {name}.backward" for name in places], "c", "c", "c"])
    hit = re.findall(
        r"^> tinygrad_edu/ops/([\w/]+)\.py\(\d+\)backward\(\)", "".join(answers), flags=re.MULTILINE
    )
    assert len(places) == 3
    assert hit == [places[name] for name in ("SoftmaxCrossEntropy", "Linear", "Relu")]


if __name__ == "__main__":
    page = CHAPTER.read_text(encoding="utf-8")
    for name, text in walk().items():
        page = re.sub(
            rf"(<!-- walk: {name} -->\n```\n).*?(\n```)",
            lambda match, text=text: match[1] + text + match[2],
            page,
            flags=re.DOTALL,
        )
    CHAPTER.write_text(page, encoding="utf-8")
