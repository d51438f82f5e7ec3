"""On a card: CUDA graphs lead to the same loss, and how much time they save is printed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.gpu.test_suite import ROOT


@pytest.mark.gpu
def test_graphs_on_a_card(capsys):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    command = [sys.executable, "-m", "tests.gpu.graph_speed"]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    with capsys.disabled():
        print("\n" + done.stdout)
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.count("CUDA graphs") == 2
