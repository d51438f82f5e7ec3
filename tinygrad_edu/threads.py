"""How many threads compute; who they are, see the folder ``threads`` of ``tinygrad_edu_kernels``."""

from __future__ import annotations

from tinygrad_edu_kernels import threads


def get_num_threads() -> int:
    """Return how many threads work on a large kernel.

    To begin with, that is the environment variable ``OMP_NUM_THREADS`` if it is set, else the number of cores.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.get_num_threads.html
    """
    return threads.get_num_threads()


def set_num_threads(num: int) -> None:
    """Let ``num`` threads work on a large kernel, from now on and in the whole process.

    Parameters
    ----------
    num : int
        At least 1; at most four for each core, or 64. More than there are cores is of no use.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_num_threads.html
    """
    if not isinstance(num, int) or isinstance(num, bool) or not 1 <= num <= threads.MOST_THREADS:
        raise RuntimeError(f"set_num_threads: expected an int from 1 to {threads.MOST_THREADS}, got {num!r}")
    threads.set_num_threads(num)
