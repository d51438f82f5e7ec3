"""tinygrad_edu.threads: one pool of threads, and how many there are in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import tinygrad_edu as torch

COUNT_BLAS_THREADS = """
import numpy, threadpoolctl
import tinygrad_edu as torch
pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
# SciPy may have a copy of its own
numpys = [pool for pool in pools if "numpy.libs" in pool["filepath"]] or pools
print(max(pool["num_threads"] for pool in numpys))
"""


def blas_threads(**environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_BLAS_THREADS],
        env={
            **os.environ,
            "OPENBLAS_NUM_THREADS": "2",
            "PYTHONPATH": os.pathsep.join(sys.path),
            **environment,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_blas_gets_one_thread_on_import():
    assert blas_threads() == 1


@pytest.mark.skipif(os.cpu_count() == 1, reason="BLAS has one thread on one core in any case")
def test_blas_is_left_alone_on_demand():
    assert blas_threads(TINYGRAD_EDU_SINGLE_BLAS_POOL="0") == 2


def test_set_num_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("wrong", [0, -1, 10_000, 1.5, "2"])
def test_set_num_threads_checks_its_argument(wrong):
    with pytest.raises(RuntimeError, match=r"set_num_threads: expected an int from 1 to \d+, got"):
        torch.set_num_threads(wrong)
