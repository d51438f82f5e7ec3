"""Short tracebacks: which frames are shown, and that everything is put back."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import traceback
from types import SimpleNamespace

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn, nn
from tinygrad_edu.learn import tracebacks

pytestmark = pytest.mark.host("frames do not depend on the device")


@pytest.fixture(autouse=True)
def _as_before():
    before = sys.excepthook
    yield
    assert sys.excepthook is before


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Linear(3, 2))

    def forward(self, x):
        return self.body(x)


def frames_of(program):
    with pytest.raises(Exception) as caught, learn.short_tracebacks():  # noqa: PT011
        program()
    return [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:], caught.value


def test_the_users_frames_and_the_operation():
    frames, error = frames_of(lambda: Net()(torch.ones(1, 4)))
    assert frames == ["<lambda>", "forward", "linear"]
    whole = [frame.name for frame in traceback.extract_tb(error.__dict__["full_traceback"])]
    assert len(whole) > 8
    assert whole.count("__call__") == 3


def test_an_error_in_backward():
    def program():
        x = torch.ones(2, requires_grad=True)
        y = x.exp()
        y += 1
        y.sum().backward()

    frames, _ = frames_of(program)
    assert frames[:1] == ["program"]
    assert len(frames) == 2


def test_an_error_of_the_users_own_keeps_its_frames():
    class Own(nn.Module):
        def forward(self, x):
            return x["missing"]

    def program():
        nn.Sequential(Own())({})

    frames, error = frames_of(program)
    assert frames == ["program", "forward"]
    assert isinstance(error, KeyError)


def test_an_error_that_has_nothing_to_do_with_the_engine():
    _, error = frames_of(lambda: int("x"))
    assert "full_traceback" not in error.__dict__


SCRIPT = """
import tinygrad_edu as torch
from tinygrad_edu import learn

learn.short_tracebacks()

def model(x):
    return torch.nn.Sequential(torch.nn.Linear(3, 2))(x)

model(torch.ones(1, 4))
"""


def run_script(tmp_path, text):
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(text).lstrip())
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    return done.stderr.splitlines()


def test_a_script(tmp_path):
    lines = run_script(tmp_path, SCRIPT)
    assert [line.partition(", in ")[2] for line in lines if line.startswith("  File")] == [
        "<module>",
        "model",
        "linear",
    ]
    assert "in layer '0' (Linear) of Sequential" in lines
    assert lines[-1].startswith("(4 frames of the engine are folded. learn.full_traceback() shows them")


def test_a_script_that_switches_it_off(tmp_path):
    lines = run_script(
        tmp_path, SCRIPT.replace("model(torch.ones", "learn.short_tracebacks(False)\nmodel(torch.ones")
    )
    assert len([line for line in lines if line.startswith("  File")]) == 7
    assert "folded" not in lines[-1]


def test_the_hook_leaves_other_errors_to_the_one_before(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: seen.append(args))
    with learn.short_tracebacks():
        try:
            int("x")
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    assert len(seen) == 1


def test_nested_and_on_and_off():
    assert not tracebacks.are_short()
    with learn.short_tracebacks():
        assert tracebacks.are_short()
        with learn.short_tracebacks(False):
            assert not tracebacks.are_short()
        assert tracebacks.are_short()
        learn.short_tracebacks()
    assert not tracebacks.are_short()
    learn.short_tracebacks()
    assert tracebacks.are_short()
    learn.short_tracebacks(False)


def test_full_traceback(capsys, monkeypatch):
    _, error = frames_of(lambda: Net()(torch.ones(1, 4)))
    learn.full_traceback(error)
    assert capsys.readouterr().err.count("in __call__") == 3
    monkeypatch.setattr(sys, "last_value", error, raising=False)
    learn.full_traceback()
    assert capsys.readouterr().err.count("in __call__") == 3
    monkeypatch.delattr(sys, "last_value")
    with pytest.raises(ValueError, match="expected an error"):
        learn.full_traceback()


class Shell:
    """As much of IPython's shell as is used."""

    def __init__(self):
        self.custom, self.shown = None, []

    def set_custom_exc(self, kinds, handler):
        self.custom = kinds, handler

    def showtraceback(self, error, tb_offset=None):
        self.shown.append([frame.name for frame in traceback.extract_tb(error[2])])


def test_a_shell_of_ipython(monkeypatch, capsys):
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with learn.short_tracebacks():
        kinds, handler = shell.custom
        assert kinds == (Exception,)
        try:
            Net()(torch.ones(1, 4))
        except RuntimeError as error:
            handler(shell, type(error), error, error.__traceback__)
    assert shell.shown == [["test_a_shell_of_ipython", "forward", "linear"]]
    assert "frames of the engine are folded" in capsys.readouterr().err
    assert shell.custom == ((), None)


def test_the_real_ipython():
    pytest.importorskip("IPython")
    program = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(colors='NoColor')\n"
        "shell.run_cell('import tinygrad_edu as torch; from tinygrad_edu import learn')\n"
        "shell.run_cell('learn.short_tracebacks()')\n"
        "shell.run_cell('torch.nn.Linear(3, 2)(torch.ones(1, 4))')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "in linear(" in done.stdout
    assert "__call__" not in done.stdout
    assert "frames of the engine are folded" in done.stderr
