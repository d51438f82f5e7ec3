"""The parity report: what it finds, what it says, and how it ends."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.learn import parity
from tinygrad_edu.learn.__main__ import main
from tinygrad_edu.learn.parity_compare import (
    TOLERANCES,
    Engine,
    NoSuchEngine,
    array_difference,
    compare,
    difference,
    time_calls,
)
from tinygrad_edu.learn.parity_output import as_markdown, as_table
from tinygrad_edu.learn.parity_recipe import Recipe, op, real

CPU = Engine("cpu")


@pytest.fixture
def no_cuda(monkeypatch):
    """A machine without a card, also where there is one."""
    from tinygrad_edu import backend

    def cupy():
        raise RuntimeError("CUDA is not available: no card in this test")

    monkeypatch.setattr(backend, "cupy", cupy)


class Moving:
    """A function that gives something else at every call: two engines that disagree."""

    def __init__(self, step: float) -> None:
        self.step, self.calls = step, 0

    def __call__(self, x):
        self.calls += 1
        return x * (1 + self.step * self.calls)


def raises(x):
    raise ValueError("it does not work\nsecond line")


def moving(step: float) -> Recipe:
    return op("moving", (real(3),), (real(3),), function=Moving(step))


def test_a_device_equals_itself():
    recipes = parity.chosen_recipes(
        ["matmul", "conv2d", "max", "softmax", "dropout", "nn.BatchNorm2d", "optim.Adam"]
    )
    report = parity.make_report(recipes, [CPU, CPU], quick=True)
    assert len(report.rows) == len(recipes) * 2
    for row in report.rows:
        assert row.verdict == "PASS"
        for error in (row.forward, row.backward):
            assert error is None or (error.absolute, error.relative) == (0, 0)
    assert {row.name for row in report.rows if row.backward is None} == {"optim.Adam"}


def test_reference_kernels_against_compiled_ones():
    recipes = parity.chosen_recipes(["conv2d", "max_pool2d", "cross_entropy", "optim.Adam"])
    report = parity.make_report(recipes, [Engine("cpu-reference"), CPU])
    assert {(row.size, row.verdict) for row in report.rows} == {
        ("small", "PASS")
    }  # larger ones would take hours
    assert any(row.forward.absolute > 0 for row in report.rows)  # so other kernels have run


@pytest.mark.parametrize(("step", "verdict"), [(1e-8, "PASS"), (1e-3, "FAIL")])
def test_the_tolerance_decides(step, verdict):
    row = compare(moving(step), "small", torch.float32, [CPU, CPU], 0)
    assert row.verdict == verdict
    assert row.tolerance == TOLERANCES[torch.float32] == 1e-5
    if verdict == "FAIL":
        assert row.forward.relative == pytest.approx(1e-3, rel=0.01)
        assert row.message == "forward: array 0: out of tolerance"


def test_an_error_of_the_gradient_alone(monkeypatch):
    class Wrong(torch.autograd.Function):
        calls = 0

        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            Wrong.calls += 1
            return grad * (2 + Wrong.calls)

    row = compare(op("wrong", (real(3),), (), function=Wrong.apply), "small", torch.float64, [CPU, CPU], 0)
    assert (row.verdict, row.forward.relative) == ("FAIL", 0)
    assert row.message == "backward: array 0: out of tolerance"


def test_an_operation_that_raises_is_a_row():
    recipes = [op("raises", (real(3),), (real(3),), function=raises), moving(0)]
    report = parity.make_report(recipes, [CPU, CPU], quick=True)
    assert [row.verdict for row in report.rows] == ["ERROR", "ERROR", "PASS", "PASS"]
    assert report.rows[0].message == "ValueError: it does not work"
    assert len(report.failures) == 2


def test_ctrl_c_leaves_what_there_is(monkeypatch, tmp_path, capsys):
    real_compare, calls = parity.compare, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real_compare(*args)

    monkeypatch.setattr(parity, "compare", interrupted)
    code = main(["parity", "--device", "cpu", "--quick", "--ops", "exp", "log", "--out", str(tmp_path)])
    assert code == 130
    assert "PARTIAL: interrupted after 3 of 4 rows." in capsys.readouterr().out
    assert "PARTIAL" in (tmp_path / "parity.md").read_text()
    assert json.loads((tmp_path / "parity.json").read_text())["partial"] is True


def test_files(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    code = main(["parity", "--device", "cpu", "--ops", "mv", "nn.Linear", "--out", str(tmp_path / "new")])
    assert code == 0
    printed = capsys.readouterr().out
    assert "cpu against cpu: 8 of 8 rows PASS, 0 FAIL, 0 ERROR." in printed
    content = json.loads((tmp_path / "new" / "parity.json").read_text())
    assert [row["size"] for row in content["rows"][:4]] == ["small", "small", "typical", "typical"]
    assert all(row["speedup"] > 0 for row in content["rows"])
    assert (tmp_path / "new" / "parity.md").read_text().count("| PASS |") == 8
    assert (tmp_path / "new" / "parity.png").read_bytes().startswith(b"\x89PNG")


def test_a_failure_is_the_exit_code(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(parity, "RECIPES", [moving(0.5), op("raises", (real(3),), (), function=raises)])
    assert main(["parity", "--device", "cpu", "--quick", "--out", str(tmp_path)]) == 1
    assert "FAIL: moving, small, float32: forward: array 0" in capsys.readouterr().err
    assert "- ERROR: raises, small, float64: ValueError" in (tmp_path / "parity.md").read_text()


def test_no_matplotlib_is_no_failure(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["parity", "--device", "cpu", "--quick", "--ops", "exp", "--out", str(tmp_path)]) == 0
    assert "no picture" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parity.json", "parity.md"]


@pytest.mark.usefixtures("no_cuda")
def test_a_device_that_is_not_there(tmp_path, capsys):
    assert main(["parity", "--device", "gpu", "--out", str(tmp_path / "new")]) == 2
    assert capsys.readouterr().err == "parity: CUDA is not available: no card in this test\n"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "tpu"], "parity: device: expected one of cpu, cuda, cuda:<index>, gpu, got 'tpu'"),
        (
            ["--device", "cpu", "--ops", "exq"],
            "parity: --ops: there is no 'exq'; there are CNN, training step",
        ),
    ],
)
def test_what_there_is_not(options, message, capsys):
    assert main(["parity", *options]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_engine_names():
    assert (Engine("cpu-reference").kernels, CPU.kernels) == ("reference", "fast")
    with pytest.raises(NoSuchEngine):
        Engine("cpu-fast")


def array(*numbers, dtype=np.float64):
    return np.array(numbers, dtype)


@pytest.mark.parametrize(
    ("result", "expected", "absolute", "relative", "message"),
    [
        (array(1, 2), array(1, 2), 0, 0, ""),
        (array(1, 2.5), array(1, 2), 0.5, 0.25, ""),  # of the largest number, not of its own
        (array(0.5, 2), array(1, 2), 0.5, 0.25, ""),
        (array(0.5), array(0), 0.5, 0.5, ""),
        (array(np.nan, np.inf, 1), array(np.nan, np.inf, 1), 0, 0, ""),
        (array(np.nan, 1), array(1, 1), np.inf, np.inf, "NaN or infinity"),
        (array(1, 1), array(np.nan, 1), np.inf, np.inf, "NaN or infinity"),
        (array(-np.inf), array(np.inf), np.inf, np.inf, "NaN or infinity"),
        (array(1, 2), array(1), np.inf, np.inf, "shape (2,) instead of (1,)"),
        (array(1, dtype="f4"), array(1), np.inf, np.inf, "float32 instead of float64"),
        (array(1, 5, dtype=int), array(1, 2, dtype=int), 3, np.inf, "1 of 2 whole numbers differ"),
        (array(1, 0, dtype=bool), array(1, 0, dtype=bool), 0, 0, ""),
        (array(), array(), 0, 0, ""),
    ],
)
def test_errors_of_an_array(result, expected, absolute, relative, message):
    error = array_difference(result, expected)
    assert (error.absolute, error.relative) == (absolute, relative)
    assert error.message.startswith(message)
    assert bool(error.message) == bool(message)


def test_errors_of_several_arrays():
    error = difference([array(1, 2), array(100.0)], [array(1, 2.5), array(101.0)])
    assert (error.absolute, error.relative) == (1, 0.2)
    assert error.message.startswith("array 0")
    assert difference([array(1)], []).relative == np.inf


def test_a_result_on_the_wrong_device_is_an_error(monkeypatch):
    class Elsewhere(Engine):
        def __init__(self):
            super().__init__("cpu")

        def check(self):
            self.device = torch.device("cuda", 0)

    engine = Elsewhere()
    from tinygrad_edu.learn import parity_compare

    engine.check()
    with pytest.raises(RuntimeError, match="expected a result on cuda:0, got one on cpu"):
        parity_compare.check_device([torch.ones(1)], engine)


def test_every_sample_waits_for_the_device():
    class Queue(Engine):
        waits = calls = 0

        def synchronize(self):
            self.waits += 1

        def call(self):
            self.calls += 1

    queue = Queue("cpu")
    assert time_calls(queue.call, queue, 0.001) > 0
    assert queue.calls >= 2 + 1 + 3  # two to warm up, one to guess, three samples
    assert queue.waits >= 2 * 4  # before and after each


def test_no_times_on_request():
    row = compare(moving(0), "small", torch.float32, [CPU, CPU], 0)
    assert row.total_seconds == (0, 0)
    assert row.speedup is None


def test_the_table_is_aligned():
    report = parity.make_report(
        parity.chosen_recipes(["exp", "binary_cross_entropy"]), [CPU, CPU], quick=True
    )
    lines = as_table(report).splitlines()[:5]
    places = {line.index(word) for line, word in zip(lines, ["size", *["small"] * 4], strict=True)}
    assert len(places) == 1
    assert "1e-5 for float32" in as_markdown(report)
