"""tinygrad_edu.process_settings: what an import does to the whole process, and how to prevent it."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys

import pytest

from tinygrad_edu import process_settings

COUNT_BLAS_THREADS = """
import numpy, threadpoolctl
import tinygrad_edu as torch
pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
# SciPy may have a copy of its own
numpys = [pool for pool in pools if "numpy.libs" in pool["filepath"]] or pools
print(max(pool["num_threads"] for pool in numpys))
"""

# Each round makes 32 MiB and frees it: page faults of 4 KiB if the memory is given back in between.
COUNT_PAGE_FAULTS = """
import resource
import numpy
import tinygrad_edu as torch
numpy.ones(2**22).sum()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    numpy.ones(2**20).sum()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

has_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is not glibc's here")


def run(program: str, **environment: str) -> int:
    """Run a program in a process of its own; return the number that it prints."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TINYGRAD_EDU_", "MALLOC_", "GLIBC_TUNABLES"))
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **inherited,
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
    assert run(COUNT_BLAS_THREADS) == 1


@pytest.mark.skipif(os.cpu_count() == 1, reason="BLAS has one thread on one core in any case")
def test_blas_is_left_alone_on_demand():
    assert run(COUNT_BLAS_THREADS, TINYGRAD_EDU_SINGLE_BLAS_POOL="0") == 2


@has_glibc
def test_freed_memory_is_used_again():
    assert run(COUNT_PAGE_FAULTS) < 2000


@has_glibc
@pytest.mark.parametrize(
    "setting",
    [
        {"TINYGRAD_EDU_KEEP_FREED_MEMORY": "0"},
        {"MALLOC_MMAP_THRESHOLD_": "131072"},
        {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072"},
    ],
    ids=" ".join,
)
def test_malloc_is_left_alone_on_demand(setting):
    program = "from tinygrad_edu import process_settings; print(int(process_settings.keep_freed_memory()))"
    assert run(program, **setting) == 0
    assert run(program) == 1


def test_no_mallopt_elsewhere(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert process_settings.keep_freed_memory.__wrapped__() is False


# ---- whatever else the process does --------------------------------------------------------------------------

TRAIN_IN_THREADS = """
import threading
import numpy as np
from numba import njit, prange
import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F

@njit(parallel=True)
def double(x):
    y = np.empty_like(x)
    for i in prange(x.size):
        y[i] = 2 * x[i]
    return y

torch.set_num_threads(2)
x, weight = torch.ones(64, 16, 14, 14), torch.ones(32, 16, 3, 3)
expected = F.conv2d(x, weight).numpy()
results = []

def work():
    for _ in range(5):
        results.append(np.array_equal(F.conv2d(x, weight).numpy(), expected))

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
assert double(np.ones(1000)).sum() == 2000
for thread in threads:
    thread.join()
print(sum(results))
"""


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["workqueue", "omp", "tbb"])
def test_beside_numbas_own_threads(layer):
    """Our kernels do not use Numba's threads, so it does not matter which sort of them the user's own code has."""
    if layer == "tbb" and importlib.util.find_spec("tbb") is None:
        pytest.skip("the tbb wheel is not installed")
    if layer == "omp" and sys.platform == "darwin":
        pytest.skip("no OpenMP in Numba's wheels for macOS")
    assert run(TRAIN_IN_THREADS, NUMBA_THREADING_LAYER=layer) == 20
