"""What importing the package sets for the whole process, and how to leave it alone.

**BLAS gets one thread.** Kernels have threads of their own (``tinygrad_edu_kernels/threads``). NumPy's BLAS
would keep a pool besides, whose threads go on spinning for a while after every product of matrices, waiting for
more work; on two cores a training step of a small CNN took 54 ms or more with both pools and 28 ms with one.
Large products are cut into parts for our own threads instead. ``TINYGRAD_EDU_SINGLE_BLAS_POOL=0`` in the
environment leaves BLAS as it is.

**Freed memory stays with the process** (Linux with glibc only). A training step makes and frees the same large
arrays over and over. By default glibc gives each of them back to the kernel, which hands out fresh pages that
must be zeroed, one page fault for every 4 KiB: half the time of a training step of the CNN. Three settings of
``mallopt`` make it keep them. The peak of the memory stays the same, but what was freed after a peak remains
with the process. ``TINYGRAD_EDU_KEEP_FREED_MEMORY=0`` leaves malloc as it is; so does any setting of your own
(``MALLOC_TRIM_THRESHOLD_`` and its like, or ``glibc.malloc`` in ``GLIBC_TUNABLES``).

Both are done once, when ``tinygrad_edu`` is imported, and your own NumPy code in the same process is run with
them, too.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform

# The numbers of the parameters in <malloc.h>, and what they are set to.
M_TRIM_THRESHOLD, KEEP_UP_TO = -1, 2**31 - 1  # bytes at the end of the heap that are not given back
M_TOP_PAD, GROW_BY = -2, 64 * 2**20  # bytes by which the heap grows beyond what is asked for
M_MMAP_THRESHOLD, MAPPED_FROM = -3, 2**30  # bytes from which a block gets pages of its own
# Before version 2.36 or so, glibc takes no larger threshold than this.
OLDEST_MAPPED_FROM = 32 * 2**20

OWN_MALLOC_SETTINGS = (
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_MMAP_MAX_",
)


@functools.cache
def limit_blas_to_one_thread() -> None:
    """Give NumPy's BLAS one thread, unless the environment says otherwise."""
    if os.environ.get("TINYGRAD_EDU_SINGLE_BLAS_POOL", "1") != "0":
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")


@functools.cache
def keep_freed_memory() -> bool:
    """Let malloc keep freed memory for the next arrays, unless the environment says otherwise.

    Returns
    -------
    bool
        Whether it will: False where malloc is not glibc's, or somebody else has decided.
    """
    if os.environ.get("TINYGRAD_EDU_KEEP_FREED_MEMORY", "1") == "0" or _user_has_set_malloc():
        return False
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mapped = mallopt(M_MMAP_THRESHOLD, MAPPED_FROM) or mallopt(M_MMAP_THRESHOLD, OLDEST_MAPPED_FROM)
    return bool(mapped and mallopt(M_TRIM_THRESHOLD, KEEP_UP_TO) and mallopt(M_TOP_PAD, GROW_BY))


def _user_has_set_malloc() -> bool:
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return "glibc.malloc." in tunables or any(name in os.environ for name in OWN_MALLOC_SETTINGS)
