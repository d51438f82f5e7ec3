"""One pool of threads: BLAS calls made from inside a kernel run on one thread each."""

from __future__ import annotations

import functools
import os
from pathlib import PurePath
from typing import Any

SWITCH = "TINYGRAD_EDU_SINGLE_BLAS_POOL"


@functools.cache
def _kernel_blas() -> list[Any]:
    """Return the thread controls of the BLAS library that ``np.dot`` calls inside a Numba function.

    Numba borrows SciPy's BLAS. A SciPy wheel brings its own copy, in the folder ``scipy.libs`` (Linux,
    Windows) or ``scipy/.dylibs`` (macOS), apart from the one that NumPy uses. Where the two share one library
    (conda, most Linux distributions) that one is returned. The list is empty when the switch is off, and for
    libraries that threadpoolctl does not know (Apple's Accelerate).
    """
    if os.environ.get(SWITCH, "1") == "0":
        return []
    import scipy.linalg.cython_blas  # noqa: F401  (loads the library that is looked for below)
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    own_copy = [library for library in libraries if _belongs_to_scipy(library.filepath)]
    return own_copy or libraries


def _belongs_to_scipy(filepath: str) -> bool:
    """Say whether a library lies in SciPy's own folder (NumPy's copy has scipy in its file name, too)."""
    folder = PurePath(filepath).parent
    return folder.name == "scipy.libs" or folder.parts[-2:] == ("scipy", ".dylibs")


@functools.cache
def use_single_blas_thread() -> None:
    """Give the BLAS of compiled kernels one thread, once and for the whole process.

    A kernel calls BLAS from each thread of our pool. If every call then started threads of its own, two pools
    would fight for the same cores and the kernel would be several times slower. The environment variable
    ``TINYGRAD_EDU_SINGLE_BLAS_POOL=0``, read once, turns it off.
    """
    for library in _kernel_blas():
        library.set_num_threads(1)


@functools.cache
def small_product_limit() -> int:
    """Return up to how many multiply-adds a matrix product of the kernels' BLAS counts as small; 0 for none.

    With AVX-512, OpenBLAS multiplies matrices of up to 100 * 100 * 100 without rearranging them first, which
    makes a product cut into small ones a tenth faster. For other processors it would only rearrange again and
    again.
    """
    avx_512 = {"SkylakeX", "Cooperlake", "SapphireRapids"}
    libraries = _kernel_blas()
    return 1_000_000 if libraries and getattr(libraries[0], "architecture", None) in avx_512 else 0
