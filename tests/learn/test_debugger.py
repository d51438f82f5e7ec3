"""Stopping by name, and stepping past the engine's argument checks: driven through pdb, as somebody would type it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn
from tinygrad_edu.learn.__main__ import main
from tinygrad_edu.learn.breakpoints import PASSED_BY, places
from tinygrad_edu.learn.debugger_config import passed_paths

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.host("stops in NumPy"),
    pytest.mark.skipif(sys.gettrace() is not None, reason="somebody else is tracing"),
]

PROGRAM = """\
import tinygrad_edu as torch
w = torch.tensor([2.0], requires_grad=True)
loss = (w * 3).sum()
loss.backward()
"""


def run(folder, program, typed, *options):
    """Run a program in a folder, with pdb if ``options`` say so, and return what the terminal shows."""
    (folder / "program.py").write_text(program)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
        "COLUMNS": "200",
        "HOME": str(folder),
    }
    done = subprocess.run(
        [sys.executable, *options, "program.py"],
        input="\n".join([*typed, "q", ""]),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout.replace(f"{ROOT}/", "") + done.stderr


def debug(folder, typed, program=PROGRAM):
    return run(folder, program, typed, "-m", "pdb")


STOP = re.compile(r"(?:^|\(Pdb\) )> (\S+)\(\d+\)(\w+|<module>)\(\)", re.MULTILINE)


# ---- break_on ------------------------------------------------------------------------------------------------


def test_a_breakpoint_typed_at_the_prompt(tmp_path):
    shown = debug(tmp_path, ["n", "from tinygrad_edu import learn", 'learn.break_on("Mul.backward")', "c"])
    assert "tinygrad_edu/ops/elementwise/arithmetic.py:" in shown
    assert STOP.findall(shown)[-1] == ("tinygrad_edu/ops/elementwise/arithmetic.py", "backward")


def test_a_breakpoint_in_a_program_without_a_debugger(tmp_path):
    program = PROGRAM.replace(
        "loss.b", "from tinygrad_edu import learn\nlearn.break_on('Mul.backward')\nloss.b"
    )
    shown = run(tmp_path, program, ["p grad_output", "w", "c"])
    (stop,) = STOP.findall(shown)[:1]
    assert stop == ("tinygrad_edu/ops/elementwise/arithmetic.py", "backward")
    assert "array([1.], dtype=float32)" in shown
    assert "program.py(6)<module>()" in shown


def test_an_unknown_name_at_the_prompt(tmp_path):
    shown = debug(tmp_path, ["n", "from tinygrad_edu import learn", 'learn.break_on("Mull.backward")'])
    assert (
        "*** ValueError: break_on: no class or function is called 'Mull.backward'. Did you mean Mul.backward?"
        in shown
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Linear.backward", ["Linear.backward"]),
        ("nn.Linear.forward", ["Linear.forward"]),
        ("ops.Conv2d.forward", ["Conv2d.forward"]),
        ("SoftmaxCrossEntropy", ["SoftmaxCrossEntropy.backward", "SoftmaxCrossEntropy.forward"]),
        ("conv2d_grad_weight", ["conv2d_grad_weight"]),
        ("convolution.reference.conv2d_forward", ["conv2d_forward"]),
        ("gelu", ["gelu"]),
        ("SGD.update_parameter", ["SGD.update_parameter"]),
        ("unbroadcast", ["unbroadcast"]),
        ("run_backward", ["run_backward"]),
    ],
)
def test_names(name, expected):
    assert sorted({function.__qualname__ for function, _ in places(name)}) == expected


def test_qualifiers_choose():
    (one,) = places("nn.Linear.forward")
    assert one[0].__module__ == "tinygrad_edu.nn.linear"
    assert {f.__module__ for f, _ in places("Linear.forward")} >= {
        "tinygrad_edu.nn.linear",
        "tinygrad_edu.ops.linalg.matmul",
    }


def test_an_inherited_method_stops_for_its_class_alone(tmp_path):
    ((function, only_for),) = places("ReshapeCopy.backward")
    assert (function.__qualname__, only_for) == ("Reshape.backward", "ReshapeCopy")
    program = (
        "import tinygrad_edu as torch\n"
        "from tinygrad_edu import learn\n"
        "x = torch.ones(2, 3, requires_grad=True)\n"
        "loss = (x.reshape(6).sum() + x.t().reshape(6).sum())\n"
        "learn.break_on('ReshapeCopy.backward')\n"
        "loss.backward()\n"
    )
    shown = run(tmp_path, program, ["p 'here', type(self).__name__", "c"])
    assert shown.count("('here', 'ReshapeCopy')") == 1
    assert len(STOP.findall(shown)) == 1


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("Linaer.backward", "Linear.backward"),
        ("Conv2.backward", "Conv2d.backward"),
        ("softmax_crossentropy_forward", "softmax_cross_entropy_forward"),
    ],
)
def test_suggestions(name, suggested):
    with pytest.raises(ValueError, match=re.escape(f"is called {name!r}. Did you mean ") + f".*{suggested}"):
        learn.break_on(name)
    assert sys.gettrace() is None


def test_nothing_is_called_nearly_so():
    with pytest.raises(ValueError, match=r"no class or function is called 'qqqqqqq'\.$"):
        learn.break_on("qqqqqqq")


# ---- the files -----------------------------------------------------------------------------------------------


def stops_on_the_way(folder):
    """Press step from ``w * 3`` to the product, and return the files of all stops."""
    shown = debug(folder, ["n", "n", *["s"] * 90])
    stops = []
    for path, function in STOP.findall(shown)[3:]:
        stops.append(path)
        if path.endswith("arithmetic.py") and function == "forward":
            break
    else:
        pytest.fail("the walk never came to Mul.forward")
    return stops


def test_a_pdbrc_shortens_the_walk(tmp_path):
    before = stops_on_the_way(tmp_path)
    assert main(["debugger-config", "--folder", str(tmp_path)]) == 0
    after = stops_on_the_way(tmp_path)
    assert len(after) < 0.45 * len(before), (len(before), len(after))
    passed = [path for path in passed_paths() if any(stop.endswith(path) for stop in before)]
    assert passed
    assert not [path for path in passed_paths() if any(stop.endswith(path) for stop in after)]


def test_the_aliases(tmp_path):
    main(["debugger-config", "--pdb", "--folder", str(tmp_path)])
    shown = debug(tmp_path, ["on Mul.backward", "c", "shapes"])
    assert "(Pdb) tinygrad_edu/ops/elementwise/arithmetic.py:" in shown
    assert "{'grad_output': (1,)}" in shown
    assert "tinygrad_edu" not in (tmp_path / "program.py").read_text().replace(
        "import tinygrad_edu as torch", ""
    )


@pytest.mark.parametrize(("option", "name"), [("--pdb", ".pdbrc"), ("--vscode", ".vscode/launch.json")])
def test_a_file_that_is_there_is_left_alone(tmp_path, option, name, capsys):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    assert main(["debugger-config", option, "--folder", str(tmp_path)]) == 1
    assert path.read_text() == "mine"
    said = capsys.readouterr().err
    assert "is there already, and was left as it is. It would have got:" in said
    assert main(["debugger-config", option, "--folder", str(tmp_path), "--force"]) == 0
    assert path.read_text().strip() in said


def test_launch_json(tmp_path):
    main(["debugger-config", "--vscode", "--folder", str(tmp_path)])
    (configuration,) = json.loads((tmp_path / ".vscode" / "launch.json").read_text())["configurations"]
    assert (configuration["type"], configuration["justMyCode"]) == ("debugpy", False)
    for rule in configuration["rules"]:
        assert (ROOT / rule["path"].removeprefix("**/")).exists(), rule
        assert rule["include"] is False


def test_what_is_passed_by_is_there():
    for name in PASSED_BY:
        if name.startswith("tinygrad_edu."):
            assert (ROOT / f"{name.replace('.', '/')}.py").exists(), name


# ---- use_kernels("reference") --------------------------------------------------------------------------------

LATE = """
import sys, tinygrad_edu as torch
x, fft = torch.rand(2, 3, requires_grad=True), torch.fft
{trace}
with torch.use_kernels("reference"):
    before = set(sys.modules)
    torch.lgamma(x).sum().backward()
    fft.rfft(x).abs().sum().backward()
    torch.linalg.lu_factor(torch.eye(3))
    torch.nn.functional.gelu(x).sum().backward()
new = sorted(set(sys.modules) - before)
print(len(new), [name for name in new if name.count(".") < 2][:5])
"""


@pytest.mark.parametrize(
    ("trace", "nothing"),
    [("import pdb; sys.settrace(lambda *args: None)", True), ("", False)],
    ids=["in a debugger", "without one"],
)
def test_in_a_debugger_scipy_is_loaded_when_the_kernels_are_chosen(tmp_path, trace, nothing):
    """And without one it is not: a program that wants no special functions does not wait for it."""
    shown = run(tmp_path, LATE.format(trace=trace), [])
    assert shown.startswith("0 []") == nothing, shown


def test_without_a_debugger_use_kernels_costs_nothing_more():
    assert sys.gettrace() is None
    with torch.use_kernels("reference"):
        pass
