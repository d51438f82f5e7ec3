"""Where numbers were taken out of the graph: what ``explain`` remembers beside the Tensors themselves."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from tinygrad_edu.autograd.errors.cuts import Cut
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import array_of

MOST = 4
"""How many places where numbers were read are remembered."""


class CutLog:
    """The last places where numbers were read with ``item()`` or ``tolist()``, and the memory of what was detached.

    NumPy's array of a detached Tensor has the Tensor's memory, and so has the Tensor that is made of it again.
    """

    def __init__(self) -> None:
        self.reads: list[Cut] = []
        self._memory: dict[int, tuple[weakref.ref[Any], Cut]] = {}

    def add(self, cut: Cut, result: Any) -> None:
        """Remember a cut; its result is a Tensor, or None if the numbers went to Python."""
        if result is None:
            self.reads = [*self.reads, cut][-MOST:]
        elif isinstance(array_of(result), np.ndarray):
            array = array_of(result)
            self._memory[address_of(array)] = (weakref.ref(owner_of(array)), cut)

    def of_memory(self, tensor: Any) -> Cut | None:
        """Return the cut by which the memory of a Tensor left the graph, if it did."""
        array = array_of(tensor)
        if not isinstance(array, np.ndarray):
            return None
        owner, cut = self._memory.get(address_of(array), (None, None))
        return cut if owner is not None and owner() is not None else None


def address_of(array: Any) -> int:
    """Return where the memory of an array begins."""
    return int(array.__array_interface__["data"][0])


def owner_of(array: Any) -> Any:
    """Return the array whose memory it is."""
    return array.base if isinstance(array.base, np.ndarray) else array


def logs() -> list[CutLog]:
    """Return the logs of those who look on in this thread."""
    found = [getattr(observer, "log", None) for observer in this_thread.mode.observers]
    return [log for log in found if isinstance(log, CutLog)]
