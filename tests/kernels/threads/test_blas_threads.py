"""BLAS calls from inside kernels get one thread each, and nobody else notices."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu_kernels.threads import blas_threads

KERNELS = Path(blas_threads.__file__).parents[2]


def count_threads():
    return [library.get_num_threads() for library in blas_threads._kernel_blas()]


def test_one_thread():
    blas_threads.use_single_blas_thread()
    assert count_threads() == [1] * len(count_threads())


@pytest.mark.parametrize(
    ("filepath", "expected"),
    [
        ("/venv/site-packages/scipy.libs/libscipy_openblas-1234.so", True),
        ("/venv/site-packages/scipy/.dylibs/libscipy_openblas.dylib", True),
        ("/venv/site-packages/numpy.libs/libscipy_openblas64_-1234.so", False),
        ("/home/scipy/site-packages/numpy.libs/libscipy_openblas64_-1234.so", False),
        ("/opt/conda/lib/libopenblas.so.0", False),
    ],
)
def test_whose_copy(filepath, expected):
    assert blas_threads._belongs_to_scipy(filepath) is expected


@pytest.mark.parametrize(("value", "found"), [("0", "False"), ("1", "True")])
def test_switch(value, found):
    """The switch is read once, so each value gets a process of its own."""
    code = "from tinygrad_edu_kernels.threads import blas_threads as b; print(bool(b._kernel_blas()))"
    environment = {**os.environ, blas_threads.SWITCH: value, "PYTHONPATH": str(KERNELS)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    if value == "1" and not blas_threads._kernel_blas():
        pytest.skip("threadpoolctl does not know this BLAS library")
    assert result.stdout.strip() == found
