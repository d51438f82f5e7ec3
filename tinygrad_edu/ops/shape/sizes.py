"""Sizes as arguments: given one by one or as a sequence, with a -1 that stands for what remains."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.arguments import as_ints
from tinygrad_edu.autograd.errors.explaining import explained


def sizes_of(name: str, args: tuple[Any, ...], argument: str = "size") -> tuple[int, ...]:
    """Return sizes given one by one or as one sequence."""
    if not args:
        raise TypeError(f"{name}() missing 1 required positional arguments: {argument!r}")
    if len(args) == 1 and isinstance(args[0], list | tuple):
        return as_ints(name, argument, args[0])
    return as_ints(name, argument, args)


def infer_size(name: str, shape: tuple[int, ...], total: int) -> tuple[int, ...]:
    """Return the shape with its -1 filled in.

    Raises
    ------
    RuntimeError
        If the number of elements does not fit.
    """
    whole = with_missing_size(name, shape, total) if min(shape, default=0) < 0 else shape
    if math.prod(whole) != total:
        raise explained(RuntimeError(f"{name}: shape '{list(shape)}' is invalid for input of size {total}"))
    return whole


def with_missing_size(name: str, shape: tuple[int, ...], total: int) -> tuple[int, ...]:
    """Return a shape with what remains of the elements in the place of its -1."""
    if min(shape) < -1:
        raise explained(RuntimeError(f"{name}: invalid shape dimension {min(shape)} in {list(shape)}"))
    if shape.count(-1) > 1:
        raise explained(RuntimeError(f"{name}: only one dimension can be inferred, got {list(shape)}"))
    known = -math.prod(shape)
    if known == 0:
        raise explained(
            RuntimeError(
                f"{name}: cannot reshape tensor of {total} elements into shape {list(shape)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
        )
    return tuple([total // known if size == -1 else size for size in shape])
