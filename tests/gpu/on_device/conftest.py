"""These tests are about the GPU: they run with ``--device cuda`` only, on a card or on the stand-in for one."""

from __future__ import annotations

import sys

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--device") == "cuda":
        return
    for item in items:
        if "on_device" in item.path.parts:
            item.add_marker(
                pytest.mark.skip(reason="runs with --device cuda; tests/gpu/test_suite.py does it")
            )


@pytest.fixture
def standin():
    """What the stand-in counts; tests that ask for it are skipped on a real card."""
    if "tests.gpu.standin.install" not in sys.modules:
        pytest.skip("a real card does not count how often the host waits for it")
    from tests.gpu.standin.cards import Counter

    return Counter


@pytest.fixture
def simulate_everything(request, monkeypatch):
    """Run every kernel in the simulator, also if it has been there with the same shapes."""
    if "tests.gpu.standin.install" in sys.modules:
        from tests.gpu.standin.install import Simulation

        monkeypatch.setattr(Simulation, "everything", True)
