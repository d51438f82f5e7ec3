"""How many threads compute: one pool, Numba's, which sleeps while it waits.

Two pools fight. After a product of matrices OpenBLAS's threads go on spinning for a while, waiting for
more work, and so do Numba's after a parallel loop. On two cores a training step of a small CNN took 54 ms
or more with both and 28 ms with one; and on two busy cores 144 ms with threads that spin and 55 ms with
threads that sleep.

So on import of the package two things are set for the whole process: NumPy's BLAS is
limited to one thread, and ``OMP_WAIT_POLICY`` becomes ``passive`` unless it has a value already. The
environment variable ``TINYGRAD_EDU_SINGLE_BLAS_POOL=0`` leaves both alone.
"""

from __future__ import annotations

import functools
import os

from tinygrad_edu_kernels import parallel


@functools.cache
def use_one_pool() -> None:
    """Limit BLAS to one thread and let OpenMP's sleep, once, unless the environment says otherwise."""
    if os.environ.get("TINYGRAD_EDU_SINGLE_BLAS_POOL", "1") != "0":
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when Numba loads OpenMP, at the first loop
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")


def get_num_threads() -> int:
    """Return how many threads work on a large kernel.

    To begin with, that is the environment variable ``OMP_NUM_THREADS`` if it is set, else the number of cores.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.get_num_threads.html
    """
    return parallel.get_num_threads()


def set_num_threads(num: int) -> None:
    """Let ``num`` threads work on a large kernel, from now on and in the whole process.

    Parameters
    ----------
    num : int
        At least 1. More than there are cores is allowed and of no use.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_num_threads.html
    """
    if not isinstance(num, int) or isinstance(num, bool) or not 1 <= num <= parallel.MOST_THREADS:
        raise RuntimeError(f"set_num_threads: expected an int from 1 to {parallel.MOST_THREADS}, got {num!r}")
    parallel.set_num_threads(num)
