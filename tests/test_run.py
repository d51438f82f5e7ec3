"""``python -m tinygrad_edu.run``: a script that imports torch is run as Python would run it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
import torch
from helper import ANSWER
assert torch.__name__ == "tinygrad_edu" and sys.modules["__main__"].ANSWER == ANSWER == 42
print(sys.argv[1:], __name__, __package__, torch.ones(2).sum().item())
"""
WORKERS = """
import multiprocessing
import torch
from torch.utils.data import DataLoader, Dataset


class Squares(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return torch.tensor(i * i)


def answer(queue):
    import torch

    queue.put(torch.__name__)


if __name__ == "__main__":
    print([batch.tolist() for batch in DataLoader(Squares(), batch_size=2, num_workers=2)])
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=answer, args=(queue,))
        process.start()
        print(queue.get())
        process.join()
"""
FAILS = """
def fail():
    raise ValueError("no")

fail()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "helper.py").write_text("ANSWER = 42\n", encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "workers.py").write_text(WORKERS, encoding="utf-8")
    (tmp_path / "fails.py").write_text(FAILS, encoding="utf-8")
    (tmp_path / "bad.py").write_text("x = (\n", encoding="utf-8")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "part.py").write_text(WORKERS, encoding="utf-8")
    (tmp_path / "package" / "__main__.py").write_text(
        "from .part import Squares\nprint(__package__, Squares.__module__)\n", encoding="utf-8"
    )
    return tmp_path


def python(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )


def run(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "tinygrad_edu.run", *arguments)


def test_a_script_from_another_folder(folder):
    (folder / "elsewhere").mkdir()
    done = run(folder / "elsewhere", "../script.py", "-m", "--lr=1")
    assert (done.stdout, done.stderr) == ("['-m', '--lr=1'] __main__ None 2.0\n", "")


def test_a_module(folder):
    done = run(folder, "-m", "script", "x")
    assert (done.stdout, done.stderr) == ("['x'] __main__ None 2.0\n", "")
    done = run(folder, "-m", "package")
    assert (done.stdout, done.stderr) == ("package package.part\n", "")


@pytest.mark.parametrize("arguments", [["workers.py"], ["-m", "package.part"]])
def test_workers_and_children_know_torch(folder, arguments):
    done = run(folder, *arguments)
    assert done.stderr == ""
    first, *others = done.stdout.splitlines()
    assert first == "[[0, 1], [4, 9]]"
    assert set(others) == {"tinygrad_edu"}


@pytest.mark.parametrize(
    "arguments",
    [["fails.py"], ["bad.py"], ["leaves.py"], ["no_such_file.py"], ["-m", "no_such_module"]],
    ids=" ".join,
)
def test_errors_and_status_are_those_of_python(folder, arguments):
    ours, theirs = run(folder, *arguments), python(folder, *arguments)
    assert ours.returncode == theirs.returncode != 0
    assert ours.stderr == theirs.stderr


@pytest.mark.parametrize("arguments", [[], ["-m"], ["--help"]])
def test_usage(folder, arguments):
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m tinygrad_edu.run script.py")
