"""What the tests of the demos share."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

DEMOS = Path(__file__).resolve().parents[2] / "demos"


@pytest.fixture
def load(monkeypatch) -> Callable[[str], ModuleType]:
    """Return a function that loads a demo, whose shared files are found."""
    monkeypatch.syspath_prepend(str(DEMOS))

    def module(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location("demo", DEMOS / name)
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    return module
