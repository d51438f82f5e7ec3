"""The stand-in as a plugin of pytest, which is loaded before anything else.

python -m pytest -p tests.gpu.standin.plugin --device cuda tests/ops
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.gpu.standin.install import Simulation, install


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Take CuPy's place before the first conftest imports the package."""
    install()


def pytest_configure() -> None:
    """Have replay take the stand-in for a library, as it takes CuPy."""
    from tinygrad_edu.replay.guarding import watching

    watching.LIBRARIES += (str(Path(__file__).parent) + os.sep,)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(
        f"on the stand-in for CuPy, not on a card: {Simulation.calls} calls of kernels in Numba's simulator, "
        f"{Simulation.borrowed} of the same size or larger ones left to the kernels of the CPU"
    )
