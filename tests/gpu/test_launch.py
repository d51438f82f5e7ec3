"""The launcher, up to where a card would be needed: kernel, stream and arrays are stand-ins here."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from tests.gpu.simulator import needs_simulator

pytestmark = needs_simulator


class DeviceArray:
    __cuda_array_interface__ = {"version": 3}


class Kernel:
    """Writes down how it is started; complains about small grids as Numba does."""

    def __init__(self):
        self.configurations, self.calls = [], []

    def __getitem__(self, configuration):
        warnings.warn(
            "Grid size 1 will likely result in GPU under-utilization due to low occupancy.", stacklevel=2
        )
        self.configurations.append(configuration)
        return self

    def __call__(self, *arguments):
        self.calls.append(arguments)


@pytest.fixture
def launcher(monkeypatch):
    from tinygrad_edu_kernels import cuda_launch

    stream = SimpleNamespace(ptr=0)
    cupy = SimpleNamespace(cuda=SimpleNamespace(get_current_stream=lambda: stream))
    numba_cuda = SimpleNamespace(
        external_stream=lambda pointer: f"stream {pointer}",
        as_cuda_array=lambda array, sync: ("view", array, sync),
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(cuda_launch, "cuda", numba_cuda)
    monkeypatch.setattr(cuda_launch.config, "ENABLE_CUDASIM", 0)
    return SimpleNamespace(launch=cuda_launch.launch, launch_rows=cuda_launch.launch_rows, stream=stream)


def test_arrays_become_views_that_wait_for_nothing(launcher):
    kernel, array = Kernel(), DeviceArray()
    launcher.launch(kernel, 1000, np.float32(2), array, (1, 2), True)
    assert kernel.calls == [(np.float32(2), ("view", array, False), (1, 2), True)]


@pytest.mark.parametrize(("pointer", "stream"), [(0, 0), (77, "stream 77")])
def test_cupys_current_stream(launcher, pointer, stream):
    kernel = Kernel()
    launcher.stream.ptr = pointer
    launcher.launch(kernel, 1000, DeviceArray())
    assert kernel.configurations == [(4, 256, stream)]


def test_the_stream_may_change(launcher):
    kernel = Kernel()
    for pointer in (7, 8, 7):
        launcher.stream.ptr = pointer
        launcher.launch(kernel, 1, DeviceArray())
    assert [stream for *_, stream in kernel.configurations] == ["stream 7", "stream 8"]
    assert len(kernel.calls) == 3


def test_nothing_is_started_for_nothing(launcher):
    kernel = Kernel()
    launcher.launch(kernel, 0, DeviceArray())
    launcher.launch_rows(kernel, 0, 5, DeviceArray())
    launcher.launch_rows(kernel, 5, 0, DeviceArray())
    assert kernel.calls == []


@pytest.mark.parametrize("count", [1, 255, 256, 257, 10**9])
def test_grid_of_elements(launcher, count):
    from tinygrad_edu_kernels.cuda_launch import MOST_BLOCKS, grid_of_elements

    blocks, threads = grid_of_elements(count)
    assert 1 <= blocks <= MOST_BLOCKS
    assert blocks == MOST_BLOCKS or (blocks - 1) * threads < count <= blocks * threads


@pytest.mark.parametrize("row_size", [1, 32, 33, 255, 256, 10**6])
def test_grid_of_rows(launcher, row_size):
    from tinygrad_edu_kernels.cuda_launch import MOST_BLOCKS, THREADS, grid_of_rows

    for rows in (1, 10**6):
        blocks, threads = grid_of_rows(rows, row_size)
        assert blocks == min(rows, MOST_BLOCKS)
        assert 32 <= threads <= THREADS
        assert threads & (threads - 1) == 0  # a power of two, for the sums halve it
        assert threads >= min(row_size, THREADS)
        assert threads == 32 or threads < 2 * row_size


def test_the_module_of_an_array(launcher):
    from tinygrad_edu_kernels.cuda_launch import array_module_of

    assert array_module_of(np.ones(2)) is np
    assert array_module_of(DeviceArray()) is sys.modules["cupy"]
