"""These tests run in Numba's CUDA simulator, which must be chosen before Numba is imported.

The tests of the folder above start them in a process of its own. By hand:

    NUMBA_ENABLE_CUDASIM=1 python -m pytest tests/gpu/in_simulator
"""

from __future__ import annotations

import os

import pytest

if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    from tests.gpu.turns import take_turns

    take_turns()
else:
    collect_ignore_glob = ["*"]

# One thread; few threads with several elements each; more threads than most arrays have elements.
GRIDS = [(1, 1), (2, 8), (3, 32)]


@pytest.fixture(params=GRIDS, ids=str)
def grid(request, monkeypatch):
    """(blocks, threads of a block) of every launch."""
    use_grid(monkeypatch, request.param)
    return request.param


def use_grid(monkeypatch, grid):
    """Let every launch use a grid."""
    from tinygrad_edu_kernels import cuda_launch

    monkeypatch.setattr(cuda_launch, "grid_of_elements", lambda count: grid)
    monkeypatch.setattr(cuda_launch, "grid_of_rows", lambda rows, row_size: grid)
