"""Trees of lists, tuples and dicts, with anything else as their leaves: what functions take and return.

PyTorch calls them pytrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def children_of(tree: Any) -> list[Any] | None:
    """Return what a node holds; None for a leaf."""
    if isinstance(tree, dict):
        return list(tree.values())
    return list(tree) if isinstance(tree, list) or type(tree) is tuple or hasattr(tree, "_fields") else None


def with_children(tree: Any, children: list[Any]) -> Any:
    """Return a node of the same kind that holds something else."""
    if isinstance(tree, dict):
        return type(tree)(zip(tree, children, strict=True))
    if hasattr(tree, "_fields"):  # a namedtuple
        return type(tree)(*children)
    return type(tree)(children)


def leaves_of(tree: Any) -> Iterator[Any]:
    """Yield the leaves, from the left.

    Examples
    --------
    >>> list(leaves_of({"a": (1, [2]), "b": 3}))
    [1, 2, 3]
    """
    children = children_of(tree)
    if children is None:
        yield tree
        return
    for child in children:
        yield from leaves_of(child)


def with_leaves(tree: Any, leaves: Iterator[Any]) -> Any:
    """Return a tree of the same shape, whose leaves are the next of these.

    Examples
    --------
    >>> with_leaves({"a": (1, [2]), "b": 3}, iter("xyz"))
    {'a': ('x', ['y']), 'b': 'z'}
    """
    children = children_of(tree)
    if children is None:
        return next(leaves)
    return with_children(tree, [with_leaves(child, leaves) for child in children])


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same shape, with a function applied to each leaf."""
    return with_leaves(tree, iter([function(leaf) for leaf in leaves_of(tree)]))


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """Return for each leaf of a tree what a smaller tree says of it or of a node above; None if they do not fit.

    Examples
    --------
    >>> spread((0, None), ([1, 2], 3)), spread((0, 1), (1, 2, 3))
    ([0, 0, None], None)
    """
    parts, children = children_of(prefix), children_of(tree)
    if parts is None:
        return [prefix] * sum(1 for _ in leaves_of(tree))
    if children is None or type(prefix) is not type(tree) or len(parts) != len(children):
        return None
    if isinstance(prefix, dict) and list(prefix) != list(tree):
        return None
    found = [spread(part, child) for part, child in zip(parts, children, strict=True)]
    return None if None in found else [x for each in found for x in each or ()]
