"""The programs of docs/20_when_it_goes_wrong.md print what stands there, and its exercises have these answers.

``python tests/learn/test_when_it_goes_wrong.py`` writes what they print now into the chapter, and its picture.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn
from tinygrad_edu.learn.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "docs" / "20_when_it_goes_wrong.md"
SCRIPT = re.compile(r"<!-- script: (\w+) -->\n```python\n(.*?)```", re.DOTALL)
PRINTED = r"(<!-- prints: {name} -->\n```\n)(.*?)(```)"

pytestmark = pytest.mark.host("tracebacks do not depend on the device")


def scripts():
    return dict(SCRIPT.findall(CHAPTER.read_text(encoding="utf-8")))


def printed_by(script, folder):
    """Run a program as train.py and return what it prints, with paths from the root of the repository."""
    (Path(folder) / "train.py").write_text(script, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    text = (done.stdout + done.stderr).replace(f"{ROOT}/", "").replace(f"{folder}/", "")
    return text.rstrip("\n") + "\n"


def without_source(text):
    """Leave out line numbers of the engine, and the lines of source, which versions of Python show differently."""
    text = re.sub(r'(File "tinygrad_edu\S+", line )\d+', r"\1", text)
    return re.sub(r"^    .*\n", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", scripts())
def test_what_the_programs_print(name, tmp_path):
    shown = re.search(PRINTED.format(name=name), CHAPTER.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert without_source(shown[2]) == without_source(printed_by(scripts()[name], tmp_path))


def test_there_are_programs():
    assert list(scripts()) == ["shapes", "short", "cut", "inplace", "broadcast", "log", "where"]


# ---- the exercises -----------------------------------------------------------------------------------


def answer(number):
    answers = CHAPTER.read_text(encoding="utf-8").partition("Answers</summary>")[2].partition("</details>")[0]
    return re.search(rf"^{number}\. (.*?)(?=^\d\. |\Z)", answers, re.DOTALL | re.MULTILINE)[1]


def test_the_first_exercise(tmp_path):
    mended = scripts()["shapes"].replace("self.fc(h)", "print(h.flatten(1).shape) or self.fc(h.flatten(1))")
    assert printed_by(mended, tmp_path) == "torch.Size([8, 2704])\n"
    assert answer(1).startswith("[8, 2704]")
    wider = mended.replace("kernel_size=3", "kernel_size=5").replace("4 * 26 * 26", "4 * 24 * 24")
    assert "4 * 24 * 24" in answer(1)
    assert printed_by(wider, tmp_path) == "torch.Size([8, 2304])\n"


def test_the_second_exercise():
    x = torch.tensor([4.0, 0.0], requires_grad=True)
    with learn.detect_anomaly():
        root = torch.sqrt(torch.where(x > 0, x, 1.0))
        torch.where(x > 0, root, x).sum().backward()
    assert x.grad.tolist() == [0.25, 1.0]
    assert answer(2).startswith("[0.25, 1]")


def planted(forward, backward):
    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * backward(*ctx.saved_tensors)

    return Planted.apply


def test_the_third_exercise():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (pair,) = learn.gradcheck_report(planted(lambda x: x**2, lambda x: x), x).pairs
    assert f'"{pair.guess}"' in answer(3)
    assert learn.gradcheck_report(planted(lambda x: x**3, lambda x: 3 * x**2), x).ok


# ---- the same from the command line ------------------------------------------------------------------


def run_tool(tmp_path, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    command = [sys.executable, "-m", "tinygrad_edu.learn", "explain", *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_a_script_without_a_change(tmp_path):
    (tmp_path / "train.py").write_text(
        "import sys, torch\n"
        "x = torch.ones(3, requires_grad=True)\n"
        "print(sys.argv[1:])\n"
        "loss = (torch.log(x - 1) if len(sys.argv) > 1 else x).detach().sum()\n"
        "loss.backward()\n"
    )
    done = run_tool(tmp_path, "train.py")
    assert done.returncode == 1
    assert done.stdout == "[]\n"
    assert (
        "loss was computed from numbers that detach() cut off from the graph, at train.py:4." in done.stderr
    )
    assert done.stderr.count("  File ") == 2
    done = run_tool(tmp_path, "train.py", "--anomaly", "--full-tracebacks", "--", "log")
    assert done.stdout == "['log']\n"
    assert "Hint: log(0) is -inf." in done.stderr
    assert done.stderr.count("  File ") > 4


def test_no_script(capsys, tmp_path):
    assert main(["explain", str(tmp_path / "none.py")]) == 2
    assert "expected a Python file" in capsys.readouterr().err


def picture():
    """Draw the picture of the chapter."""

    class AddBias(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, bias):
            return x + bias

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output, grad_output[0]

    x = torch.zeros(2, 3, dtype=torch.float64)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    learn.gradcheck_report(AddBias.apply, (x, bias)).plot(ROOT / "docs" / "images" / "gradcheck.png")


if __name__ == "__main__":
    page = CHAPTER.read_text(encoding="utf-8")
    for name, script in scripts().items():
        with tempfile.TemporaryDirectory() as folder:
            text = printed_by(script, folder)
        pattern = re.compile(PRINTED.format(name=name), re.DOTALL)
        page = pattern.sub(lambda match, text=text: match[1] + text + match[3], page)
    CHAPTER.write_text(page, encoding="utf-8")
    picture()
