"""The mailbox of a team of threads: how work is shared by compiled code alone (see ``team.py``).

A *mailbox* is an array of integers:

    LEFT       how many parts of the work nobody has taken yet; whoever takes one counts it down, and who finds none
               may have counted it down below 0
    DONE       how many parts are finished
    IN_USE     how many threads want to use the mailbox for work of theirs; only the first one may
    HELPERS    how many helpers are wanted
    FUNCTION   the address of a compiled function that does a part; see ``native_call.py``
    CORE       on which core the thread runs whose work it is, or was last
    PARTS      how many parts there are
    FAILED     1 if a part of the work ended with an error
    KERNEL     the address of the kernel
    COUNT      of how many images, rows or elements the work is
    ARGUMENTS  those of the kernel

Arguments come in a *letter*: an array of the same shape, in which only they are filled in.

A helper first takes a part and then reads what is to be done. So it does not matter how late it is: what it reads
belongs to the work that it has got a part of, and stays there until that part is done. No signal, such as that of
Ctrl-C, is handled by Python while compiled code runs: work that was begun is finished.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.extending import intrinsic

from tinygrad_edu_kernels.kernel_cache import inlined, njit
from tinygrad_edu_kernels.threads.native_call import (
    ARGUMENTS,
    CORE,
    COUNT,
    DONE,
    FAILED,
    FUNCTION,
    HELPERS,
    IN_USE,
    INTEGER,
    KERNEL,
    LEFT,
    MOST_ARGUMENTS,
    PART,
    PARTS,
    native_address,
    write_arguments,
)
from tinygrad_edu_kernels.threads.numba_private import (
    ExternalFunction,
    compute_fingerprint,
    get_or_insert_function,
)

Array = Any

TAKEN_NANOSECONDS = 50_000  # away for longer than this: another program has used the core
FAILURE = "a kernel that threads share failed, most likely for want of memory; with one thread it says why"

SIZE = ARGUMENTS + MOST_ARGUMENTS
LOOKS = 50  # before the core is offered to others
CLOCK_MONOTONIC = 1

# Functions of the C library, on Linux.
_sched_yield = ExternalFunction("sched_yield", types.int32())
_sched_getcpu = ExternalFunction("sched_getcpu", types.int32())
_clock_gettime = ExternalFunction("clock_gettime", types.int32(types.int32, types.intp))


def new_mailbox() -> Array:
    """Return a mailbox in which there is no work."""
    memory = np.zeros(SIZE + 8, np.int64)
    first = -memory.ctypes.data % 64 // 8  # from the beginning of a cache line on
    return memory[first : first + SIZE]


# ---- functions made of LLVM instructions ---------------------------------------------------------------------


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


@intrinsic
def atomic_load(typing_context, mailbox, position):
    """Read mailbox[position], which others may be writing."""

    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_address(context, builder, signature, arguments), "seq_cst", 8)

    return types.int64(mailbox, types.intp), generate


@intrinsic
def atomic_store(typing_context, mailbox, position, value):
    """Write mailbox[position], after everything that was written before."""

    def generate(context, builder, signature, arguments):
        address = _address(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], address, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(mailbox, types.intp, types.int64), generate


@intrinsic
def atomic_add(typing_context, mailbox, position, value):
    """Add to mailbox[position] and return what it was before, so that nobody else gets the same answer."""

    def generate(context, builder, signature, arguments):
        address = _address(context, builder, signature, arguments)
        return builder.atomic_rmw("add", address, arguments[2], "seq_cst")

    return types.int64(mailbox, types.intp, types.int64), generate


@intrinsic
def pause(typing_context):
    """Tell an x86 processor that this is a loop that waits: the other thread of the same core gets on faster."""

    def generate(context, builder, signature, arguments):
        if platform.machine().lower() in ("x86_64", "amd64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call_part(typing_context, mailbox, part):
    """Call the function in the mailbox for one part."""

    def generate(context, builder, signature, arguments):
        mail, part = arguments
        data = context.make_array(signature.args[0])(context, builder, mail).data
        address = builder.load(builder.gep(data, [INTEGER(FUNCTION)]))
        builder.call(builder.inttoptr(address, PART.as_pointer()), [data, part])
        return context.get_dummy_value()

    return types.void(mailbox, types.int64), generate


# ---- sharing the work ------------------------------------------------------------------------------------------


@inlined
def do_parts(mailbox):
    """Take parts, one after the other, until none is left."""
    while atomic_load(mailbox, LEFT) > 0:
        part = atomic_add(mailbox, LEFT, -1) - 1
        if part < 0:
            break  # another thread was quicker
        call_part(mailbox, part)
        atomic_add(mailbox, DONE, 1)


@njit(cache=True, nogil=True)
def share(mailbox, letter, kernel, function, count, parts):
    """Have all parts of range(count) done by this thread and by the helpers that are awake; return when they are.

    A part is ``kernel(*arguments, first, last)``. The kernel is given by its address; its arguments lie in the letter,
    with ``function``, where ``write`` has put them. If the mailbox is in use already, this thread does all parts
    itself, and the letter is its mailbox.
    """
    is_free = atomic_add(mailbox, IN_USE, 1) == 0
    box = mailbox if is_free else letter
    if is_free:
        for i in range(ARGUMENTS, letter.size):
            mailbox[i] = letter[i]
    else:
        atomic_add(mailbox, IN_USE, -1)
    box[KERNEL], box[FUNCTION], box[COUNT], box[PARTS] = kernel, function, count, parts
    box[CORE], box[FAILED] = _sched_getcpu(), 0
    atomic_store(box, DONE, 0)
    atomic_store(box, LEFT, parts)  # from now on others take parts
    do_parts(box)
    looks = 0
    while atomic_load(box, DONE) < parts:
        pause()
        looks += 1
        if looks % LOOKS == 0:
            _sched_yield()
    failed = box[FAILED]
    if is_free:
        atomic_add(mailbox, IN_USE, -1)
    if failed:
        raise MemoryError(FAILURE)


@njit(cache=True)
def write(letter, arguments):
    """Write the arguments into the letter; return the address of the function that does a part with them.

    This alone is compiled once more for every type of arguments.
    """
    return write_arguments(letter, arguments)


Native = tuple[int, Callable[..., int], Callable[..., None]]

_known: dict[tuple[Any, bytes], Native] = {}


def native(kernel: Any, arguments: tuple[Any, ...]) -> Native:
    """Return the address of ``kernel(*arguments, first, last)``, and ``write`` and ``share`` for such arguments.

    What Numba compiled is called directly: it need not look at the types of the arguments again.
    """
    key = kernel, compute_fingerprint(arguments)  # the types as bytes; numba.typeof takes 30 microseconds
    known = _known.get(key)
    if known is None:
        integers = types.int64[::1]
        address = native_address(kernel, tuple(map(typeof, arguments)))
        known = (
            address,
            _compiled(write, integers, typeof(arguments)),
            _compiled(share, *2 * [integers], *4 * [types.int64]),
        )
        _known[key] = known
    return known


def _compiled(function: Any, *signature: Any) -> Any:
    """Compile a function for these types, and return what Python can call."""
    function.compile(signature)
    return function.overloads[signature].entry_point


def post(mailbox: Array, count: int, parts: int, kernel: Any, arguments: tuple[Any, ...]) -> None:
    """Call ``kernel(*arguments, first, last)`` for so many parts of range(count), as ``share`` does."""
    address, write_these, share_these = native(kernel, arguments)
    letter = np.empty(SIZE, np.int64)  # a new one: a signal handler may write one in the middle of this
    share_these(mailbox, letter, address, write_these(letter, arguments), count, parts)


@njit(cache=True, nogil=True)
def help_out(mailbox, number, clock, patience):
    """Do parts whenever there are some, as helper ``number``; return when there were none for a while.

    Also return when another program wanted the core, when so many helpers are not wanted any more, and, with True,
    when this thread is on the core of the thread whose work it is.
    """
    idle_since = before = _nanoseconds(clock)
    while number < mailbox[HELPERS]:
        for _ in range(LOOKS):
            if atomic_load(mailbox, LEFT) > 0:
                do_parts(mailbox)
                idle_since = before = _nanoseconds(clock)
            pause()
        if _sched_getcpu() == mailbox[CORE]:
            return True
        _sched_yield()
        now = _nanoseconds(clock)
        if now - before > TAKEN_NANOSECONDS or now - idle_since > patience:
            break
        before = now
    return False


@inlined
def _nanoseconds(clock):
    """Return the time; ``clock`` (2,) is where the system writes seconds and nanoseconds."""
    _clock_gettime(CLOCK_MONOTONIC, clock.ctypes.data)
    return clock[0] * 1_000_000_000 + clock[1]
