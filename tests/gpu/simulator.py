"""Starts tests in Numba's simulator, which has to be chosen before Numba is imported."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


needs_simulator = pytest.mark.skipif(
    importlib.util.find_spec("numba.cuda") is None,
    reason="this Numba has no CUDA simulator (python -m pip install numba-cuda)",
)


def run_in_simulator(file: str) -> None:
    """Run a file of ``in_simulator`` in a process of its own; if a test in it fails, show what it says."""
    path = f"tests/gpu/in_simulator/{file}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path],
        cwd=ROOT,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
