"""Copies of arrays for the tape: within a number of bytes, and one for all who saw the same numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import device_of, to_numpy
from tinygrad_edu.dtypes import from_numpy_dtype
from tinygrad_edu.learn.identity import ByIdentity
from tinygrad_edu.learn.tape import Value
from tinygrad_edu.numpy_dtypes import BFLOAT16

SMALL = 4096
"""Bytes of an array that is copied whole in any case."""

WINDOW = {1: (1024,), 2: (48, 48), 3: (4, 32, 32), 4: (1, 8, 28, 28)}
"""How many elements along every dimension are kept of an array that is too large, by its number of dimensions."""


class Copies:
    """Makes the values of a tape.

    Parameters
    ----------
    max_bytes : int
        What all whole copies together may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held = 0
        self._known: ByIdentity[Value] = ByIdentity()  # by the array

    def value_of(self, array: Any) -> Value:
        """Return the numbers of an array or Tensor; the same object as last time if they have not changed."""
        array = dense(array)
        known, host = self._known.get(array), to_numpy(array)
        if known is not None and is_same(known.window, host):
            return known
        value = self._copied(host, str(device_of(array)))
        self._known.remember(array, value)
        return value

    def optional(self, array: Any) -> Value | None:
        """Return the value of an array; None of None."""
        return None if array is None else self.value_of(array)

    def _copied(self, host: Any, device: str) -> Value:
        host = np.asarray(host)
        dtype = str(from_numpy_dtype(host.dtype)).removeprefix("torch.")
        whole = host.nbytes <= SMALL or self.held + host.nbytes <= self.max_bytes
        window = host if whole else host[window_of(host.shape)]
        window = window.astype(np.float32) if window.dtype == BFLOAT16 else window.copy()
        self.held += window.nbytes
        lowest, highest, not_finite = extent(host)
        return Value(
            host.shape, dtype, device, window if whole else None, window, lowest, highest, not_finite
        )

    def forget_all_but(self, values: Iterable[Value]) -> None:
        """Count anew what is held, after steps have been dropped."""
        self.held = sum(value.window.nbytes for value in values)


def dense(array: Any) -> Any:
    """Return an array or a Tensor as an array; a sparse Tensor with all its zeros."""
    if not isinstance(array, TensorBase):
        return array
    return array.array if array._is_strided else array.detach().to_dense().array


def window_of(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the slices of the first corner of a large array."""
    sizes = WINDOW.get(len(shape)) or (1,) * (len(shape) - 3) + (4, 16, 16)
    return tuple([slice(size) for size in sizes]) if shape else ()


def is_same(window: Any, host: Any) -> bool:
    """Tell whether the array is still as it was when it was copied, as far as was copied."""
    here = host if window.shape == host.shape else host[tuple(map(slice, window.shape))]
    return bool(window.shape == here.shape and np.array_equal(window, here.astype(window.dtype, copy=False)))


def extent(host: Any) -> tuple[float, float, int]:
    """Return the lowest and the highest finite element, and how many are not finite."""
    if host.dtype == BFLOAT16:
        host = host.astype(np.float32)
    numbers = np.abs(host) if host.dtype.kind == "c" else host
    finite = np.isfinite(numbers)
    not_finite = int(numbers.size - np.count_nonzero(finite))
    numbers = numbers[finite] if not_finite else numbers
    if numbers.size == 0:
        return 0.0, 0.0, not_finite
    return float(numbers.min()), float(numbers.max()), not_finite
