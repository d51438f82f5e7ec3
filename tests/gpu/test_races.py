"""Rung 2 of the evidence: the races of every kernel are looked for, thread by thread."""

from __future__ import annotations

import pytest

from tests.gpu.simulator import needs_simulator, run_in_simulator


@needs_simulator
@pytest.mark.slow
def test_no_races():
    run_in_simulator("test_races.py")
