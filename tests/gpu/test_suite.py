"""The suite once more, with every tensor on the GPU: on the stand-in for CuPy, and on a card where there is one.

Both run in a process of their own: which CuPy is imported, and whether Numba simulates, is decided at import.
By hand:

    python -m pytest -p tests.gpu.standin.plugin --device cuda tests/ops
    python -m pytest --device cuda tests/ops
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What makes no tensors of its own, or starts processes, is left out: docs, packaging, import rules, the kernels
# of the CPU, demos, and loading data, which is the host's work.
PARTS = [
    "tests/ops",
    "tests/nn",
    "tests/optim",
    "tests/autograd",
    "tests/distributions",
    "tests/func",
    "tests/replay",
    "tests/sparse",
    "tests/test_backend.py",
    "tests/test_cuda_availability.py",
    "tests/test_creation.py",
    "tests/test_dtypes.py",
    "tests/test_program_models.py",
    "tests/test_programs.py",
    "tests/test_random.py",
    "tests/test_sampling.py",
    "tests/serialization/test_serialization.py",
    "tests/test_tensor.py",
    "tests/test_tensor_indexing.py",
]
ON_DEVICE = ["tests/gpu/on_device"]
SECONDS = 1800


def run_suite(*options: str, parts: list[str]) -> str:
    """Run the parts in a process of its own, and return its last lines; fail if they do."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-m", "not torch_parity", *options, *parts]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_ADDOPTS": ""}
    environment.pop("NUMBA_ENABLE_CUDASIM", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    return done.stdout


def passed(output: str) -> int:
    """Return how many tests have passed."""
    found = re.search(r"(\d+) passed", output)
    return int(found[1]) if found else 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "least", "one_in"),
    [(["tests/ops"], 3000, 4), (PARTS[1:], 1500, 2)],
    ids=["operations", "rest"],
)
def test_on_the_standin(parts, least, one_in, request):
    """A sample of the tests; with --whole, all of them."""
    if request.config.getoption("--whole"):
        one_in = 1
    output = run_suite(
        "-p", "tests.gpu.standin.plugin", "--device", "cuda", f"--one-in={one_in}", parts=parts
    )
    print("\n".join(output.splitlines()[-12:]))
    assert passed(output) > least / one_in
    assert "on the stand-in for CuPy, not on a card" in output


def test_training_on_the_standin():
    """What is written for a GPU, all of it."""
    output = run_suite("-p", "tests.gpu.standin.plugin", "--device", "cuda", parts=ON_DEVICE)
    assert passed(output) > 50


@pytest.mark.gpu
def test_on_a_card():
    output = run_suite("--device", "cuda", parts=[*PARTS, *ON_DEVICE])
    print("\n".join(output.splitlines()[-12:]))
    assert passed(output) > 4500


def test_a_device_that_is_not_there_is_an_error():
    """Never a silent run on the CPU."""
    if __import__("tinygrad_edu").cuda.is_available():
        pytest.skip("there is a GPU")
    command = [sys.executable, "-m", "pytest", "--device", "cuda", "tests/test_random.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "--device cuda: CUDA is not available" in done.stderr
