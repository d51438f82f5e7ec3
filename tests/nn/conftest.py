"""What the tests of nn share."""

from __future__ import annotations

import pytest

import tinygrad_edu


@pytest.fixture
def reference():
    """PyTorch, to compare with."""
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _seed():
    tinygrad_edu.manual_seed(0)
