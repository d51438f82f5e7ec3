"""Writes pages of the stepper for the site: the programs of the lessons and demos, as ``learn step`` shows them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# The page's name, the program, and what it is called with.
PROGRAMS = {
    "neuron": ("A neuron", "demos/neuron.py", []),
    "scalar_graph": ("Lesson 1: a graph of five numbers", "demos/lessons/01_scalar_graph.py", []),
    "training_step": ("One training step of a small convolutional network", "demos/01_step_through.py", []),
    "mnist": ("The convolutional network of MNIST", "demos/train_mnist.py", ["--quick"]),
}
INDEX = """# Watch a backward

Four programs in [the stepper](../17_stepper.md). The arrow keys go from step to step; a click on a number pins it.

{entries}
"""


def write_pages(root: Path, pages: Path, static: Path) -> None:
    """Write the stepper's pages into ``static``, and into ``pages`` one that leads to them."""
    pages.mkdir(exist_ok=True)
    (static / "stepper").mkdir(parents=True, exist_ok=True)
    entries = []
    for name, (title, program, arguments) in PROGRAMS.items():
        record(root, program, arguments, static / "stepper" / f"{name}.html")
        entries.append(f'- <a href="../stepper/{name}.html">{title}</a>: `{program}`')
    (pages / "index.md").write_text(INDEX.format(entries="\n".join(entries)), encoding="utf-8")


def record(root: Path, program: str, arguments: list[str], page: Path) -> None:
    """Run the command that writes a page; raise with what it printed if it fails."""
    command = [sys.executable, "-m", "tinygrad_edu.learn", "step", str(root / program), "-o", str(page), "--"]
    paths = os.pathsep.join([str(root), str(root / "kernels"), str((root / program).parent)])
    done = subprocess.run(
        [*command, *arguments],
        cwd=page.parent,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"expected a page of {program}, got: {done.stdout}{done.stderr}")
