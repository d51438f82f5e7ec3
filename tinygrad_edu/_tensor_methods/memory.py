"""The memory that a tensor's numbers are in: where it begins, how long it is, whose it is.

References
----------
https://docs.pytorch.org/docs/stable/storage.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.backend import Array, array_module


def address_of(array: Array) -> int:
    """Return where an array begins in the memory of its device."""
    return int(array.ctypes.data if hasattr(array, "ctypes") else array.data.ptr)


def owner_of(array: Any) -> Array:
    """Return the array that was made first of all that see this memory."""
    owner, base = array, array.base
    while base is not None:
        if getattr(base, "strides", None) is not None and hasattr(base, "size"):  # not a memoryview
            owner = base
        base = getattr(base, "base", None)  # also of what NumPy puts between a view by strides and its array
    return owner


def memory_behind(array: Array) -> int:
    """Return how many elements there is memory for, from the first one of an array to the end."""
    owner = owner_of(array)
    if not owner.size:
        return 0
    end = address_of(owner) + sum((n - 1) * step for n, step in zip(owner.shape, owner.strides, strict=True))
    return max((end + owner.itemsize - address_of(array)) // array.itemsize, 0)


def resized(array: Array, shape: tuple[int, ...]) -> Array:
    """Return the memory of an array in another shape, row after row; a new array if it is too small for that."""
    needed, there = 1, memory_behind(array)
    for size in shape:
        needed *= size
    row = array_module(array).lib.stride_tricks.as_strided(array, (there,), (array.itemsize,))
    if needed > there:
        larger = array_module(array).empty(needed, array.dtype)
        larger[:there] = row
        row = larger
    return row[:needed].reshape(shape)
