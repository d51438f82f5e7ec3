"""Every tool of ``learn`` on odd programs: it works or says what it does not do, and leaves the engine as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn, nn
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.learn.__main__ import main
from tinygrad_edu.learn.tape import BackwardStep

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.host("tools for looking at the engine")


def sparse_times_dense():
    sparse = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2))
    dense = torch.ones(2, 3, requires_grad=True)
    torch.sparse.mm(sparse, dense).sum().backward()


def sparse_with_gradient():
    sparse = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2), requires_grad=True)
    torch.sparse.mm(sparse, torch.ones(2, 2)).sum().backward()


def sparse_gradient():
    nn.Embedding(6, 3, sparse=True)(torch.tensor([1, 2, 1])).sum().backward()


def two_outputs_and_one_used():
    parts = torch.ones(4, requires_grad=True).split(2)
    parts[0].sum().backward()


def no_elements():
    (torch.ones(0, 3, requires_grad=True) * 2).sum().backward()


def shared_layer():
    layer = nn.Linear(2, 2)
    layer(torch.tanh(layer(torch.ones(1, 2)))).sum().backward()


def breaks_off():
    (torch.ones(2, requires_grad=True) * 2).sum()
    raise KeyboardInterrupt


def backward_breaks_off():
    x = torch.ones(2, requires_grad=True) * 2
    x.register_hook(lambda grad: 1 // 0)
    x.sum().backward()


PROGRAMS = [
    sparse_times_dense,
    sparse_with_gradient,
    sparse_gradient,
    two_outputs_and_one_used,
    no_elements,
    shared_layer,
    breaks_off,
    backward_breaks_off,
]


def run_recorded(program):
    with learn.record() as tape:
        try:
            program()
        finally:
            recorded = tape
    assert recorded.page().startswith("<!doctype html>")
    assert learn.draw(recorded).svg
    assert all(learn.sentence(step) for step in [*recorded.forward, *recorded.backward])


def run_looked_at(program):
    with learn.explain(), learn.detect_anomaly():
        program()


@pytest.mark.parametrize("run", [run_recorded, run_looked_at])
@pytest.mark.parametrize("program", PROGRAMS)
def test_odd_programs(program, run):
    before = this_thread.mode.observers, torch.is_grad_enabled()
    try:
        run(program)
    except (KeyboardInterrupt, ZeroDivisionError):
        assert program in (breaks_off, backward_breaks_off)
    assert (this_thread.mode.observers, torch.is_grad_enabled()) == before


def test_sparse_tensors_and_leaves_have_names_and_pictures():
    with learn.record() as tape:
        sparse = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2), requires_grad=True)
        loss = torch.sparse.mm(sparse, torch.ones(2, 2)).sum()
        assert "sparse" in learn.draw(sparse).svg
        loss.backward()
    assert tape.leaves[0].name == "sparse.values()"
    leaf = torch.ones(3, requires_grad=True)
    assert "leaf" in learn.draw(leaf).svg
    with learn.explain():
        cut = (sparse * 2).detach()
    assert "detach() cut off from the graph, at " in learn.why_no_grad(cut)


def test_a_nan_in_a_sparse_gradient():
    weight = torch.ones(6, 3, requires_grad=True)
    rows = torch.nn.functional.embedding(torch.tensor([1]), weight, sparse=True)
    with learn.detect_anomaly(), pytest.raises(RuntimeError, match="EmbeddingBackward0' returned nan values"):
        rows.backward(torch.full((1, 3), float("nan")))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (
            lambda: learn.record(backward=0).__enter__(),
            ValueError,
            "record: expected backward to count from 1",
        ),
        (lambda: learn.record(max_bytes=-1).__enter__(), ValueError, "max_bytes to be 0 or more, got -1"),
        (lambda: learn.sentence(3), TypeError, "sentence: expected a step of a tape"),
        (lambda: learn.formula_of(3), TypeError, "formula_of: expected a node of a graph"),
        (
            lambda: learn.gradcheck_report(3, torch.ones(1)),
            TypeError,
            "gradcheck_report: expected a function",
        ),
        (lambda: learn.gradcheck_report(torch.exp, 3), TypeError, "gradcheck_report: expected a Tensor"),
        (
            lambda: learn.compare_with_torch(3, torch.ones(1)),
            TypeError,
            "compare_with_torch: expected a func",
        ),
        (
            lambda: learn.draw(torch.ones(1, requires_grad=True) * 2, 3),
            TypeError,
            "expected a Module as the mod",
        ),
        (
            lambda: learn.memory(torch.ones(1, requires_grad=True) * 2, 3),
            TypeError,
            "expected a Module as the m",
        ),
        (
            lambda: learn.watch(nn.Linear(1, 1), "adam"),
            TypeError,
            "argument 'optimizer' must be Optimizer, not s",
        ),
        (
            lambda: learn.watch(nn.Linear(1, 1), histograms_every=0),
            ValueError,
            "to be 1 or more, got 0 and 20",
        ),
        (lambda: learn.compare_with_torch(nn.Linear(1, 1), torch.ones(1)), TypeError, "engines, got Linear"),
        (lambda: learn.break_on(3), TypeError, "break_on: expected a name"),
        (lambda: learn.draw(torch.ones(1, requires_grad=True) * 2).save("x.png"), ValueError, "ends in .svg"),
        (
            lambda: learn.gradcheck_report(lambda x: {"x": x}, torch.ones(1).double().requires_grad_()),
            TypeError,
            "expected a function that returns a Tensor or a tuple of them, got dict",
        ),
    ],
)
def test_what_cannot_be_done_is_said(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_coarse_numbers_are_warned_of():
    with pytest.warns(UserWarning, match="expected float64 or complex128 inputs"):
        learn.gradcheck_report(lambda x: x * 2, torch.ones(1, requires_grad=True))


def test_the_formula_of_a_step():
    with learn.record() as tape:
        (torch.ones(2, requires_grad=True) * 2).sum().backward()
    mul = next(step for step in tape.forward if step.op == "Mul")
    back = next(step for step in tape.backward if step.name == "MulBackward0")
    assert isinstance(back, BackwardStep)
    assert learn.formula_of(mul) is learn.formula_of(back) is learn.formula_of("Mul")


def test_a_program_without_a_text():
    program = (
        "import tinygrad_edu as torch\n"
        "from tinygrad_edu import learn\n"
        "x = torch.ones(2)\n"
        "w = torch.ones(2, requires_grad=True)\n"
        "with learn.record() as tape:\n"
        "    loss = (w * x).sum()\n"
        "reasons = learn.why_no_grad(x), learn.why_no_grad(w), learn.why_no_grad(w, loss)\n"
    )
    names = {}
    exec(compile(program, "<nowhere>", "exec"), names)
    line = names["tape"].forward[0].lines[0]
    assert (line.number, line.source, line.start, line.end) == (6, "", -1, -1)
    for reason, words in zip(
        names["reasons"],
        ["Hint: requires_grad_() for", "why_no_grad(tensor, loss) tells", "the loss: call backward() first"],
        strict=True,
    ):
        assert words in reason


# ---- scripts that end otherwise ------------------------------------------------------------------------


BEGINNING = "import torch\nx = torch.ones(3, requires_grad=True)\ny = (x * 2).sum()\n"


def test_a_drawing_has_the_name_of_one(tmp_path, capsys):
    (tmp_path / "script.py").write_text(BEGINNING, encoding="utf-8")
    assert main(["draw", str(tmp_path / "script.py"), "-o", str(tmp_path / "picture.png")]) == 2
    assert "draw: expected a file name that ends in .svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tool", "script", "code", "words"),
    [
        (
            "step",
            BEGINNING + "import sys\nsys.exit('no more')",
            1,
            ["no more\n", "the script ran no backward;"],
        ),
        ("explain", BEGINNING + "import sys\nsys.exit('no more')", 1, ["no more\n"]),
        ("draw", BEGINNING + "raise SystemExit", 0, ["the script ran no backward;", "graph of 2 operations"]),
        ("explain", "x = (", 1, ["SyntaxError: '(' was never closed\n"]),
        ("step", "x = (", 1, ["SyntaxError", "ran no operation of this engine in its main thread"]),
    ],
)
def test_scripts_that_end_otherwise(tool, script, code, words, tmp_path):
    (tmp_path / "größe.py").write_text(script, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "tinygrad_edu.learn", tool, "größe.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert all(part in done.stderr for part in words)
    assert "frozen" not in done.stderr
