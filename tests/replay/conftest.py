"""On the stand-in for CuPy, a list and the program must use the same rung of a kernel: they are compared bit by bit."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def one_rung(monkeypatch):
    if "tests.gpu.standin.install" in sys.modules:
        from tests.gpu.standin.install import Simulation

        monkeypatch.setattr(Simulation, "most_repetitions", 0)
