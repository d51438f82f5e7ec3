"""Starting a CUDA kernel: the one launcher of all families.

Every kernel is written as a *grid-stride loop*, so that it is right for any number of blocks and threads:

    for element in range(cuda.grid(1), y.size, cuda.gridsize(1)):  # my number, the end, how many we are
        y[element] = ...

or, where the threads of a block work on a row together:

    for i in range(cuda.blockIdx.x, rows, cuda.gridDim.x):
        for j in range(cuda.threadIdx.x, row_size, cuda.blockDim.x):

A launch only queues the work on CuPy's current stream, behind what CuPy has queued there itself; the host does
not wait. Numba compiles a kernel when it is first launched, for the dtypes that it is then given.

Notes
-----
The launchers take their array functions from :func:`array_module_of`: CuPy's for an array of the GPU. Numba's
simulator (``NUMBA_ENABLE_CUDASIM=1``) runs the same kernels in plain Python, on NumPy arrays: slowly, but where
a debugger can stop in them.
"""

from __future__ import annotations

import functools
import sys
import warnings
from types import ModuleType
from typing import Any

import numpy as np
from numba import config, cuda

Array = Any

# Eight blocks of 256 threads fill a multiprocessor, on every card since 2016.
THREADS = 256

# Enough to fill the largest card a few times over; beyond that, a thread takes several elements.
MOST_BLOCKS = 4096


def array_module_of(array: Array) -> ModuleType:
    """Return numpy for a NumPy array, cupy for one of the GPU (whoever made that has imported CuPy)."""
    return np if isinstance(array, np.ndarray) else sys.modules["cupy"]


def launch(kernel: Any, count: int, *arguments: Any) -> None:
    """Queue a kernel in which every thread works on elements of its own.

    Parameters
    ----------
    kernel : function compiled by ``cuda.jit``
        With a grid-stride loop over ``count`` elements.
    count : int
        How many elements there are; for none, nothing is started.
    arguments : arrays, numbers and tuples of int
        What the kernel is called with. Numbers have the dtype in which the kernel is to compute.
    """
    if count > 0:
        start(kernel, grid_of_elements(count), arguments)


def launch_rows(kernel: Any, rows: int, row_size: int, *arguments: Any) -> None:
    """Queue a kernel in which the threads of a block work on one row together; see :func:`launch`."""
    if rows > 0 and row_size > 0:
        start(kernel, grid_of_rows(rows, row_size), arguments)


def grid_of_elements(count: int) -> tuple[int, int]:
    """Return (blocks, threads of a block) for so many elements.

    Examples
    --------
    >>> grid_of_elements(1000)
    (4, 256)
    """
    return min(-(-count // THREADS), MOST_BLOCKS), THREADS


def grid_of_rows(rows: int, row_size: int) -> tuple[int, int]:
    """Return (blocks, threads of a block): a power of two of threads, no more than the row has use for.

    Examples
    --------
    >>> grid_of_rows(64, 10), grid_of_rows(64, 1000)
    ((64, 32), (64, 256))
    """
    threads = 32  # a warp: so many run in step in any case
    while threads < min(row_size, THREADS):
        threads *= 2
    return min(rows, MOST_BLOCKS), threads


def start(kernel: Any, grid: tuple[int, int], arguments: tuple[Any, ...]) -> None:
    """Start a kernel on a grid, on CuPy's current stream."""
    if config.ENABLE_CUDASIM:
        kernel[grid](*arguments)
        return
    array = next(a for a in arguments if hasattr(a, "__cuda_array_interface__"))
    stream = array_module_of(array).cuda.get_current_stream()
    _configured(kernel, *grid, stream.ptr)(*[_for_numba(argument) for argument in arguments])


@functools.lru_cache(maxsize=1024)
def _configured(kernel: Any, blocks: int, threads: int, stream_pointer: int) -> Any:
    """Return what calls a kernel on a grid and a stream; the null stream is 0 for CuPy and for Numba."""
    stream = cuda.external_stream(stream_pointer) if stream_pointer else 0
    with warnings.catch_warnings():
        # Small arrays make small grids, which Numba takes for a mistake.
        warnings.filterwarnings("ignore", "Grid size .* under-utilization")
        return kernel[blocks, threads, stream]


def _for_numba(argument: Any) -> Any:
    """Return Numba's view of an array of the GPU; anything else as it is.

    Given CuPy's array itself, Numba would wait for CuPy's stream at every launch: it cannot know that the kernel
    is queued on that same stream.
    """
    if hasattr(argument, "__cuda_array_interface__"):
        return cuda.as_cuda_array(argument, sync=False)
    return argument
