"""Calling a compiled kernel from compiled code, by its address: how threads without Python get at it.

A kernel that threads share is an ordinary one, ``kernel(*arguments, first, last)``. Its arguments are written, as Numba
holds them in registers, into the *mailbox* of the threads (``mailbox.py``). With them goes the address of a small
function that knows their types, reads them again and calls the kernel with a part of the work.

The arrays are written without their owners: whoever shares the work keeps them until it is done, and a thread that
does not hold Python's lock must not be the one that gives back an array's memory.

Numba's cache does not see changes in this file: after one, delete the ``__pycache__`` beside it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tinygrad_edu_kernels.threads.numba_private import get_null_value, unpack_tuple

# Where things lie in a mailbox; the first two change often: a cache line for each.
LEFT, DONE, IN_USE, HELPERS, FUNCTION, CORE = 0, 8, 16, 17, 18, 19
PARTS, FAILED, KERNEL, COUNT, ARGUMENTS = 24, 25, 26, 27, 28
MOST_ARGUMENTS = 128  # words of 64 bits

INTEGER = ir.IntType(64)
PART = ir.FunctionType(ir.VoidType(), [INTEGER.as_pointer(), INTEGER])
"""The function that does a part: of the address of a mailbox and the number of the part."""


def native_address(kernel: Any, kinds: tuple[Any, ...]) -> int:
    """Return the address of what Numba makes of ``kernel(*arguments, first, last)`` for arguments of these types."""
    signature = (*kinds, types.int64, types.int64)
    kernel.compile(signature)
    compiled = kernel.overloads[signature]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


@intrinsic
def write_arguments(typing_context, mailbox, arguments):
    """Write a tuple of arguments into the mailbox; return the address of the function that does a part with them."""

    def generate(context, builder, signature, values):
        kinds = signature.args[1].types
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        items = [
            _without_owner(context, builder, kind, item)
            for kind, item in zip(kinds, unpack_tuple(builder, values[1], len(kinds)), strict=True)
        ]
        packed = context.make_tuple(builder, signature.args[1], items)
        size = context.get_abi_sizeof(packed.type)
        if size > 8 * MOST_ARGUMENTS:
            raise ValueError(f"expected arguments of up to {8 * MOST_ARGUMENTS} bytes, got {size}")
        place = builder.gep(data, [INTEGER(ARGUMENTS)])
        builder.store(packed, builder.bitcast(place, packed.type.as_pointer()), align=8)
        return builder.ptrtoint(_part_function(context, builder.module, kinds, packed.type), INTEGER)

    return types.int64(mailbox, arguments), generate


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return an array as one that nobody counts the users of; a number, or a tuple of them, as it is."""
    if not isinstance(kind, types.Array):
        for part in kind if isinstance(kind, types.BaseTuple) else (kind,):
            if not isinstance(part, types.Number | types.Boolean | types.NoneType):
                raise TypeError(f"expected arrays, numbers and tuples of numbers as arguments, got {kind}")
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = get_null_value(array.meminfo.type)
    array.parent = get_null_value(array.parent.type)
    return array._getvalue()


def _part_function(context: Any, module: Any, kinds: Any, arguments_type: Any) -> Any:
    """Add the function that does a part to the module, and return it.

    It calls ``kernel(*arguments, part * count // parts, (part + 1) * count // parts)``, with what the mailbox says, and
    notes in the mailbox if that fails.
    """
    function = ir.Function(module, PART, module.get_unique_name("do_part"))
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    mailbox, part = function.args

    def place(position: int) -> Any:
        return builder.gep(mailbox, [INTEGER(position)])

    parts, count = builder.load(place(PARTS)), builder.load(place(COUNT))
    bounds = [
        builder.sdiv(builder.mul(number, count), parts) for number in (part, builder.add(part, INTEGER(1)))
    ]
    packed = builder.load(builder.bitcast(place(ARGUMENTS), arguments_type.as_pointer()), align=8)
    arguments = unpack_tuple(builder, packed, len(kinds))
    kinds = [*kinds, types.int64, types.int64]
    kernel_type = context.call_conv.get_function_type(types.none, kinds).as_pointer()
    kernel = builder.inttoptr(builder.load(place(KERNEL)), kernel_type)
    status, _ = context.call_conv.call_function(builder, kernel, types.none, kinds, [*arguments, *bounds])
    with builder.if_then(status.is_error):
        builder.store(INTEGER(1), place(FAILED))
    builder.ret_void()
    return function
