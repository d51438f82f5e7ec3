"""``PackedSequence``: sequences of different lengths, without gaps.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor


class _PackedFields(NamedTuple):
    """The four fields of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_PackedFields):
    """Sequences of different lengths without padding: the elements of step 0, then those of step 1, and so on.

    Attributes
    ----------
    data : Tensor
        (sum of lengths, *); the longest sequences come first in every step.
    batch_sizes : Tensor
        (T,) of int64, on the CPU: how many sequences reach each step.
    sorted_indices, unsorted_indices : Tensor or None
        Which sequence of the batch came first, second ... when they were sorted by length; and the way back.

    Notes
    -----
    ``pack_padded_sequence`` and ``pack_sequence`` make them; recurrent layers take and return them.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])[:2]
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """Take the fields; the first two may also come as one pair."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError(
                    "PackedSequence: expected (data, batch_sizes) in a list or tuple of length 2"
                )
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                f"PackedSequence: batch_sizes should always be on CPU, got one on {batch_sizes.device}; "
                "pack_sequence and pack_padded_sequence make them so"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move ``data`` to a device or dtype, and the indices to that device; ``self`` if it is there already."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order, back = [None if x is None else x.to(data.device) for x in self[2:]]
        return type(self)(data, self.batch_sizes, order, back)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to the GPU."""
        return self.to(*args, **kwargs) if args or "device" in kwargs else self.to(device="cuda", **kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to the CPU."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def double(self) -> PackedSequence:
        """Return it with data of float64."""
        return self.to(self.data.double().dtype)

    def float(self) -> PackedSequence:
        """Return it with data of float32."""
        return self.to(self.data.float().dtype)

    def half(self) -> PackedSequence:
        """Return it with data of float16."""
        return self.to(self.data.half().dtype)

    def long(self) -> PackedSequence:
        """Return it with data of int64."""
        return self.to(self.data.long().dtype)

    def int(self) -> PackedSequence:
        """Return it with data of int32."""
        return self.to(self.data.int().dtype)

    def short(self) -> PackedSequence:
        """Return it with data of int16."""
        return self.to(self.data.short().dtype)

    def char(self) -> PackedSequence:
        """Return it with data of int8."""
        return self.to(self.data.char().dtype)

    def byte(self) -> PackedSequence:
        """Return it with data of uint8."""
        return self.to(self.data.byte().dtype)

    def pin_memory(self) -> PackedSequence:
        """Return it with pinned memory."""
        order, back = [None if x is None else x.pin_memory() for x in self[2:]]
        return type(self)(self.data.pin_memory(), self.batch_sizes, order, back)

    def is_pinned(self) -> bool:
        """Tell whether ``data`` lies in pinned memory."""
        return self.data.is_pinned()

    @property
    def is_cuda(self) -> bool:
        """Whether ``data`` is on a GPU."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes another one; None for None.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    inverse = np.argsort(permutation.numpy(force=True), kind="stable")
    return creation.tensor(inverse, dtype=permutation.dtype, device=permutation.device)
