"""Keep glibc from giving large blocks back to the system after every step.

A block above a threshold is asked of the system and given back each time, and its pages are written with zeros
before they are handed out again. In a step that makes tens of MiB of temporary arrays this takes a good part of
the time, for every engine alike. tinygrad_edu keeps the blocks; so PyTorch is also measured with its setting.
"""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h: (name, parameter, values to try). The values are C ints. They are those of
# tinygrad_edu/process_settings.py, which cannot be imported here: that would import the engine.
SETTINGS = (
    ("M_MMAP_THRESHOLD", -3, (1 << 30, 32 << 20)),  # before version 2.36 or so, glibc takes 32 MiB at most
    ("M_TRIM_THRESHOLD", -1, (2**31 - 1,)),
    ("M_TOP_PAD", -2, (64 << 20,)),
)


def keep_large_blocks() -> None:
    """Set it for this process; to be called before the engine is imported.

    Raises
    ------
    RuntimeError
        If the C library is not glibc or refuses a value.
    """
    if platform.libc_ver()[0] != "glibc":
        raise RuntimeError(
            f"--same-malloc: expected glibc, got {platform.libc_ver()[0] or platform.system()}"
        )
    libc = ctypes.CDLL(None)
    for name, parameter, values in SETTINGS:
        if not any(libc.mallopt(parameter, value) for value in values):
            raise RuntimeError(f"--same-malloc: glibc refused {name} = {values}")
