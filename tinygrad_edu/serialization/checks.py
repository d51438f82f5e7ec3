"""What the interpreter checks of the objects it makes: keys, depth, cost, and that they are values."""

from __future__ import annotations

import inspect
from collections import defaultdict, deque
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import device
from tinygrad_edu.serialization.container import LoadError
from tinygrad_edu.serialization.storage import ForeignDtype, Storage, StorageKind, refuse_dtype
from tinygrad_edu.size import Size

MAX_DEPTH = 1000  # levels of containers in containers; nobody can write more with pickle
MAX_KEY_PARTS = 100
KEY_TYPES = (str, bytes, bool, float, type(None), dtypes.dtype, device)
SIZED = (str, bytes, bytearray, list, tuple, dict, set, frozenset, deque)


def expect(is_right: bool, what: str) -> None:
    """Raise for a file that says something it cannot mean."""
    if not is_right:
        raise LoadError(f"load: {what} is damaged")


def check_value(obj: Any) -> None:
    """Raise for what only stands for something while a file is read, and is no value."""
    if isinstance(obj, ForeignDtype):
        raise refuse_dtype(obj.name)
    if isinstance(obj, StorageKind | Storage | type) or inspect.isroutine(obj):
        raise LoadError("load: expected a value, got a function, a class or a bare storage")


def check_key(key: Any) -> None:
    """Raise unless an object can be a key of a dict, or in a set, at little cost.

    A tuple of tuples of tuples takes three bytes a level in a file. Python hashes it without looking how deep it goes:
    a million levels end the process, and thirty levels of pairs, each twice the one below, take a minute.
    """
    parts, seen = [key], 0
    while parts:
        part = parts.pop()
        seen += 1
        if type(part) in (tuple, frozenset, Size):
            parts.extend(part if len(part) <= MAX_KEY_PARTS else [None] * MAX_KEY_PARTS)
        elif type(part) is int:
            expect(part.bit_length() <= 64, "a key")  # larger ones can be chosen so that all hashes are equal
        else:
            expect(isinstance(part, KEY_TYPES), "a key")
        expect(seen + len(parts) <= MAX_KEY_PARTS, "a key")


def check_result(result: Any, trusted: list[Any]) -> None:
    """Raise if something in the result is no value, or if it is nested deeper than programs can follow.

    The way down to the object that is looked at stands in ``path``: for each container an iterator over what is still
    to be seen in it, and the height of the highest thing seen so far.
    """
    heights: dict[int, int] = {}
    path: list[list[Any]] = [[None, iter([result]), 0]]
    while path:
        container, children, height = path[-1]
        child = next(children, path)
        if child is path:  # none is left
            path.pop()
            heights[id(container)] = height
            if path:
                path[-1][2] = max(path[-1][2], height + 1)
        elif id(child) in heights:
            path[-1][2] = max(path[-1][2], heights[id(child)] + 1)
        elif not any(child is one for one in trusted):
            check_value(child)
            inside = parts_of(child)
            if inside is not None:
                heights[id(child)] = 0  # if it is in itself, it is not followed again
                path.append([child, iter(inside), 0])
        if path and len(path) + path[-1][2] > MAX_DEPTH:
            raise LoadError(f"load: expected containers nested at most {MAX_DEPTH} deep, got more")


def cost_of(given: Any) -> int:
    """Return how much may be copied by a function that is given this, or a tuple of such things."""
    parts = given if isinstance(given, tuple) else (given,)
    return len(parts) + sum([len(part) for part in parts if isinstance(part, SIZED)])


def parts_of(obj: Any) -> Any:
    """Return what is in a container, or what a program has attached to a tensor; None for anything else."""
    if isinstance(obj, dict):
        return [*obj, *obj.values(), *getattr(obj, "__dict__", {}).values()]
    if isinstance(obj, list | tuple | set | frozenset | deque):
        return obj
    return [*vars(obj).values()] if isinstance(obj, Tensor) else None


def check_nesting(items: list[Any]) -> None:
    """Raise for a deque or defaultdict in another one: Python frees such chains by recursion, whatever their length."""
    if any(isinstance(item, deque | defaultdict) for item in items):
        raise LoadError("load: expected no deque or defaultdict directly in another one, got one")
