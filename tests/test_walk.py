"""How far a learner walks who presses ``step`` in a debugger: every stop of pdb is counted.

A stop is a call, a line or a return, in whichever file. The numbers below are of Python 3.11; a change may lengthen
a walk by a tenth, more is to be thought about. They are counted in a process of their own, for what other tests left
behind, such as an object whose ``__del__`` the garbage collector runs on the way, is not part of the walk.
"""

from __future__ import annotations

import contextvars
import functools
import gc
import json
import linecache
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu.ops.elementwise.arithmetic import Mul

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [
    pytest.mark.host("stops in NumPy"),
    pytest.mark.skipif(sys.gettrace() is not None, reason="somebody else is tracing"),
]

# Rooms that nobody has to walk through on the way to a derivative.
ASIDE = ("/threads/", "/numpy/", "importlib", "cuda")


def walk(program: Callable[[], Any], is_there: Callable[[FrameType], bool]) -> list[CodeType]:
    """Return the code of every stop of a program, up to the first line that is the one looked for."""
    stops: list[CodeType] = []
    arrived = []

    def trace(frame, event, argument):
        if arrived:
            return None
        if event == "line" and is_there(frame):
            arrived.append(frame.f_lineno)
            return None
        if frame.f_code is not program.__code__:
            stops.append(frame.f_code)
        return trace

    before = sys.gettrace()
    gc.disable()
    context = contextvars.Context()  # in which nobody has changed what NumPy does on errors
    sys.settrace(trace)
    try:
        context.run(program)
    finally:
        sys.settrace(before)
        gc.enable()
    assert arrived, "the walk never came to its goal"
    return stops


def line_of(frame: FrameType) -> str:
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()


def is_product(frame: FrameType) -> bool:
    return frame.f_code is Mul.forward.__code__ and line_of(frame) == "return a * b"


def is_derivative(frame: FrameType) -> bool:
    return frame.f_code is Mul.backward.__code__


def is_multiplication_of_a_convolution(frame: FrameType) -> bool:
    return frame.f_code.co_name == "conv2d_forward" and line_of(frame).startswith("total += weight")


def weight():
    return torch.tensor([2.0], requires_grad=True)


def forward_walk():
    w = weight()

    def program():
        w * 3

    return walk(program, is_product)


def backward_walk():
    loss = (weight() * 3).sum()

    def program():
        loss.backward()

    return walk(program, is_derivative)


def convolution_walk():
    """Of one image with one filter, without a bias."""
    x, filters = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)

    def program():
        F.conv2d(x, filters)

    with torch.use_kernels("reference"):
        return walk(program, is_multiplication_of_a_convolution)


WALKS = {forward_walk: 57, backward_walk: 146, convolution_walk: 164}


@functools.cache
def walks() -> dict[str, list[tuple[str, str]]]:
    """Return the function and the file of every stop of every walk, as another process counts them."""
    done = run_python("-m", "tests.test_walk", "--json")
    assert done.stderr == ""
    return json.loads(done.stdout)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("walk_to", "known"), WALKS.items())
def test_a_walk_is_no_longer_than_it_was(walk_to, known):
    stops = walks()[walk_to.__name__]
    assert len(stops) <= 1.1 * known, Counter(name for name, file in stops)


@pytest.mark.parametrize("walk_to", WALKS)
def test_a_walk_leads_through_the_engine_alone(walk_to):
    """Not through threads, cards or NumPy's insides; what is about NumPy's warnings are four stops."""
    files = [file for name, file in walks()[walk_to.__name__]]
    assert [name for name in files if any(part in name for part in ASIDE)] == []
    assert sum(name.endswith("float_errors.py") for name in files) <= 4


def test_the_first_convolution_imports_nothing():
    """Entering ``use_kernels("reference")`` has loaded all that a step would walk through."""
    program = (
        "import sys, tinygrad_edu as torch\n"
        "x = torch.ones(1, 1, 3, 3)\n"
        "with torch.use_kernels('reference'):\n"
        "    before = set(sys.modules)\n"
        "    torch.nn.functional.conv2d(x, x)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = run_python("-c", program)
    assert (done.stdout, done.stderr) == ("[]\n", "")


if __name__ == "__main__":
    found = {walk_to.__name__: [(code.co_name, code.co_filename) for code in walk_to()] for walk_to in WALKS}
    if "--json" in sys.argv:
        print(json.dumps(found))
    else:
        print(*(f"{name}: {len(stops)} stops" for name, stops in found.items()), sep="\n")
