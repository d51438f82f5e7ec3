"""``njit`` for kernels, with a cache on disk that is a convenience: nothing that is wrong with it stops a program.

Numba keeps compiled kernels in files, and raises an error where they cannot be written or read: the disk is full or
read-only, there is no home directory, a file is damaged. Here the kernel is compiled without them instead, which takes
longer, and one line says so. Damaged files are replaced.

Numba also numbers the files without a lock, and writes the list of them before the machine code. After two processes
have saved at one moment, or one was killed in between, the list may name another kernel's code, or that of an earlier
version. So each file carries what it is for and a digest, and one that does not fit is no hit. No process waits for
another one.

What is used of Numba's cache is not part of what Numba promises; where it is missing, Numba's own cache is used.

References
----------
https://numba.readthedocs.io/en/stable/developer/caching.html
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numba

try:
    from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
except ImportError:  # pragma: no cover  # another version of Numba
    FunctionCache = IndexDataCacheFile = NullCache = None


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a kernel as ``numba.njit`` does; with ``cache=True`` it is kept on disk if that can be done.

    What Numba would compile for callers in C is left out: nobody calls it, and it takes a tenth of the time.
    """
    options.setdefault("no_cfunc_wrapper", True)
    if FunctionCache is None or not options.pop("cache", False):
        return numba.njit(**options)

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        dispatcher._cache = cache_of(function)
        return dispatcher

    return decorate


def inlined(function: Callable[..., Any]) -> Any:
    """Decorate a part of a kernel: it becomes a piece of every kernel that calls it, with the kernel's settings.

    A function that is compiled by itself is made ready to be called from Python, is optimised, and is optimised again
    in each kernel that it is put into. This one is compiled with the kernel, once, in half of the time.
    """
    return numba.njit(inline="always", error_model="numpy", nogil=True)(function)


def cache_of(function: Callable[..., Any]) -> Any:
    """Return the cache of a function; one that keeps nothing if no folder can be written to."""
    try:
        return KernelCache(function)
    except Exception as error:
        _Notice.give(error)
        return NullCache()


class SealedFiles(IndexDataCacheFile or object):  # type: ignore[misc]
    """Numba's files for one function; each says what it is for, and holds a digest of it all."""

    def save(self, key: Any, data: Any) -> None:
        """Write the compiled function of a signature."""
        content = self._dump((self._index_name, self._source_stamp, key, data))
        super().save(key, (hashlib.sha256(content).digest(), content))

    def load(self, key: Any) -> Any:
        """Return the compiled function of a signature; None if there is none, or another one in its place."""
        sealed = super().load(key)
        if sealed is None:
            return None
        digest, content = sealed
        if hashlib.sha256(content).digest() != digest:
            raise ValueError("a file is damaged")
        *purpose, data = pickle.loads(content)
        return data if purpose == [self._index_name, self._source_stamp, key] else None


class KernelCache(FunctionCache or object):  # type: ignore[misc]
    """Numba's cache of a function, whose failures mean that there is nothing in it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = SealedFiles(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled function of a signature, or None."""
        try:
            return super().load_overload(signature, target_context)
        except Exception as error:
            _Notice.give(error, self._cache_path)
            with contextlib.suppress(Exception):
                self.flush()  # an empty list of files, in place of one that may be damaged
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled function if that can be done."""
        try:
            super().save_overload(signature, compiled)
        except Exception as error:
            _Notice.give(error, self._cache_path)


class _Notice:
    """Says once in a process that the cache does not work."""

    given = False

    @classmethod
    def give(cls, error: Exception, folder: str = "any folder") -> None:
        """Write one line to the error output, the first time."""
        if cls.given or sys.stderr is None:
            return
        cls.given = True
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        print(
            f"tinygrad_edu: compiled kernels cannot be kept in or read from {folder} ({reason}); "
            "they are compiled anew, which takes some seconds",
            file=sys.stderr,
        )
