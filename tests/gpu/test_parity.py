"""The parity report between the CPU and the stand-in for CuPy, and the launches that the roofline counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.learn.roofline import launches
from tinygrad_edu.learn.roofline_work import training_step

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from tests.gpu.standin.install import Simulation, install
install()
Simulation.everything = True  # every call of a CUDA kernel, and not only the first of each kind
from tinygrad_edu.learn.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def report(folder: Path, *options: str) -> tuple[int, dict]:
    done = run(
        "-c", PROGRAM, "parity", "--device", "gpu", "--quick", "--no-picture", "--out", str(folder), *options
    )
    assert (folder / "parity.json").exists(), done.stderr
    return done.returncode, json.loads((folder / "parity.json").read_text())


def test_some_operations(tmp_path):
    names = ["add", "matmul", "conv2d", "cross_entropy", "sort", "optim.Adam"]
    code, content = report(tmp_path, "--ops", *names)
    assert (code, len(content["rows"])) == (0, 2 * len(names))
    assert content["device"].startswith("cuda:0 (")


@pytest.mark.slow
def test_everything(tmp_path):
    code, content = report(tmp_path)
    assert [row for row in content["rows"] if row["verdict"] != "PASS"] == []
    assert (code, len(content["rows"])) == (0, content["expected_rows"])


def test_a_card_that_is_not_there():
    done = run("-c", PROGRAM, "parity", "--device", "cuda:7")
    assert (done.returncode, done.stderr) == (2, "parity: device: expected cuda:0 to cuda:1, got cuda:7\n")


def test_the_launches_of_a_training_step():
    """What the roofline counts by hand is what a step asks of Numba, CuPy and cuBLAS."""
    done = run("-m", "tests.gpu.standin.launches")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) == launches(training_step(2))
