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


@functools.cache
def use_one_pool() -> None:
    """Limit BLAS to one thread and let OpenMP's sleep, once, unless the environment says otherwise."""
    if os.environ.get("TINYGRAD_EDU_SINGLE_BLAS_POOL", "1") != "0":
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when Numba loads OpenMP, at the first loop
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")


def get_num_threads() -> int:
    """Return how many threads parallel kernels use.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.get_num_threads.html
    """
    import numba

    return int(numba.get_num_threads())


def set_num_threads(num: int) -> None:
    """Let parallel kernels use ``num`` threads, from now on and in this thread.

    Parameters
    ----------
    num : int
        From 1 to the number of cores, or to the environment variable ``NUMBA_NUM_THREADS`` if that is set.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_num_threads.html
    """
    import numba

    most = numba.config.NUMBA_NUM_THREADS
    if not isinstance(num, int) or not 1 <= num <= most:
        raise RuntimeError(f"set_num_threads: expected an int from 1 to {most}, got {num!r}")
    numba.set_num_threads(num)
