"""Memory formats: in what order the elements of a tensor lie in memory.

Programs ask for one where a convolution on a card is faster with it. Here a format is accepted and its number of
dimensions checked; for any, ``clone`` and ``contiguous`` lay row after row, and all else goes on as without one.

References
----------
https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch-memory-format
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import wrong_type


class memory_format:
    """One order of elements: ``contiguous_format``, ``preserve_format``, ``channels_last`` or ``channels_last_3d``.

    Attributes
    ----------
    name : str
        Its name without ``torch.``.
    order : tuple of int
        The dimensions, the first being that whose elements are neighbours in memory; empty where rows follow rows.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> images = torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last)
    >>> images.stride(), images.is_contiguous(memory_format=torch.channels_last)
    ((60, 20, 5, 1), False)
    >>> images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).is_contiguous(
    ...     memory_format=torch.channels_last
    ... )
    True
    """

    def __init__(self, name: str, order: tuple[int, ...] = ()) -> None:
        self.name = name
        self.order = order

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return memory_format_named, (self.name,)


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", (1, 3, 2, 0))
channels_last_3d = memory_format("channels_last_3d", (1, 4, 3, 2, 0))
FORMATS = {one.name: one for one in (contiguous_format, preserve_format, channels_last, channels_last_3d)}


def memory_format_named(name: str) -> memory_format:
    """Return the format of this name: "channels_last"."""
    return FORMATS[name]


def check_memory_format(name: str, value: Any, ndim: int | None = None) -> None:
    """Raise unless a value is None, or a format, one that a tensor of ``ndim`` dimensions can have.

    Examples
    --------
    >>> check_memory_format("clone", channels_last, 2)
    Traceback (most recent call last):
        ...
    RuntimeError: required rank 4 tensor to use channels_last format
    """
    if value is None:
        return
    if not isinstance(value, memory_format):
        raise wrong_type(name, "memory_format", "torch.memory_format", value)
    if value.order and ndim is not None and len(value.order) != ndim:
        raise RuntimeError(f"required rank {len(value.order)} tensor to use {value.name} format")


def lies_in(value: memory_format, shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Tell whether elements with these strides, counted in elements, follow each other in the order of a format."""
    if value.order and len(value.order) != len(shape):
        return False
    expected = 1
    for dim in value.order or reversed(range(len(shape))):
        if shape[dim] != 1:
            if strides[dim] != expected:
                return False
            expected *= shape[dim]
    return True
