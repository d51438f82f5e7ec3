"""tinygrad_edu.threads: how many threads compute."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch


def test_set_num_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("wrong", [0, -1, 10_000, 1.5, "2", True])
def test_set_num_threads_checks_its_argument(wrong):
    with pytest.raises(RuntimeError, match=r"set_num_threads: expected an int from 1 to \d+, got"):
        torch.set_num_threads(wrong)
