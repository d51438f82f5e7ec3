"""``torch.Size``: the shape of a tensor."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from tinygrad_edu.type_names import type_name


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple that knows how many elements it stands for.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.zeros(2, 3).shape
    torch.Size([2, 3])
    >>> torch.zeros(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def __new__(cls, sizes: Any = ()) -> Size:
        """Make one of an iterable of ints."""
        if not isinstance(sizes, Iterable):
            raise TypeError(f"Size(): argument 'sizes' must be an iterable of ints, not {type_name(sizes)}")
        found = []
        for i, size in enumerate(sizes):
            try:
                found.append(operator.index(size))
            except (TypeError, RuntimeError):  # a Tensor of another kind raises the latter
                raise TypeError(
                    f"Size(): argument 'sizes' must be ints, but item {i} is {type_name(size)}"
                ) from None
        return super().__new__(cls, found)

    def numel(self) -> int:
        """Return the product of the sizes."""
        count = 1
        for size in self:
            count *= size
        return count

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"
