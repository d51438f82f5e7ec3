"""What the team of threads uses of Numba that Numba does not promise to keep: all of it is imported here.

Numba can compile a kernel, and call it from Python. It has no way that is promised to call one from a thread without
Python, by its address, and with arguments of any types. For that the team needs:

``compute_fingerprint``
    The types of some arguments as bytes: what Numba itself looks up which compiled function fits them.
    ``numba.typeof`` tells the same and takes 30 microseconds, which is too long before every kernel.
``get_null_value``, ``get_or_insert_function``, ``unpack_tuple``
    A null pointer, a declaration, and the items of a tuple, when functions are put together from LLVM instructions.
``ExternalFunction``
    A function of the C library, for compiled code to call.

Some things are used without being imported: of a compiled function ``overloads``, ``stats.cache_path``, ``library``,
``fndesc`` and ``entry_point``; and within an ``intrinsic`` (which is public) what Numba hands in, the ``context`` with
``make_array``, ``make_tuple``, ``get_abi_sizeof``, ``get_dummy_value`` and ``call_conv``. ``team.check`` uses all of
them once, before the team's first work.

Where a Numba lacks one of them, ``sharing.py`` says so and the pool does the work.
"""

from __future__ import annotations

from numba._dispatcher import compute_fingerprint
from numba.core.cgutils import get_null_value, get_or_insert_function, unpack_tuple
from numba.core.types import ExternalFunction

__all__ = [
    "ExternalFunction",
    "compute_fingerprint",
    "get_null_value",
    "get_or_insert_function",
    "unpack_tuple",
]
