"""tinygrad_edu.threads: how many threads compute."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import tinygrad_edu as torch
from tinygrad_edu_kernels.threads import parallel


def test_set_num_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("wrong", [0, -1, 10_000, 10**6, 2**70, 1.5, "2", True, None])
def test_set_num_threads_checks_its_argument(wrong):
    with pytest.raises(RuntimeError, match=r"set_num_threads: expected an int from 1 to \d+, got"):
        torch.set_num_threads(wrong)


@pytest.mark.parametrize(
    ("value", "threads"),
    [
        ("1", 1),
        ("3", 3),
        (" 3 ", 3),
        ("3,2", 3),
        ("99999", parallel.MOST_THREADS),
        ("9" * 30, parallel.MOST_THREADS),
        *[(nonsense, parallel.usable_cores()) for nonsense in ("", "0", "-3", "1.5", "many", "\u00b2")],
    ],
)
def test_the_environment_says_how_many_threads(value, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert parallel._initial_threads() == threads


@pytest.mark.slow
@pytest.mark.host("threads of the CPU")
def test_a_program_with_far_too_many_threads_comes_to_its_end():
    program = (
        "import tinygrad_edu as torch; x = torch.ones(512, 512, requires_grad=True); "
        "[(x @ x).relu().sum().backward() for _ in range(3)]; print(x.grad[0, 0].item())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "99999"}
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stdout == "3072.0\n"
