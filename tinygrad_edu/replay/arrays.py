"""Arrays of the CPU and of a GPU, as replay needs them: told from other values, and compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.backend import array_module, device_of, on_card_of, to_numpy

CLOSE = {"e": 1e-2, "f": 1e-4, "d": 1e-8, "F": 1e-4, "D": 1e-8}
"""How far numbers of a GPU may differ: atomic additions come in an order left to chance."""


def is_array(value: Any) -> bool:
    """Tell whether a value is an array of NumPy or of CuPy."""
    return isinstance(value, np.ndarray) or hasattr(type(value), "__cuda_array_interface__")


def is_plain_array(value: Any) -> bool:
    """Tell whether it is an array, and of no class that somebody has derived from NumPy's."""
    return type(value) is np.ndarray or (not isinstance(value, np.ndarray) and is_array(value))


def is_on_gpu(value: Any) -> bool:
    """Tell whether a value is an array of a GPU."""
    return not isinstance(value, np.ndarray) and is_array(value)


def copied(array: Any) -> Any:
    """Return a copy, where the array is."""
    with on_card_of(array):
        return array.copy()


def may_share_memory(a: Any, b: Any) -> bool:
    """Tell whether two arrays may lie in the same memory."""
    if is_on_gpu(a) != is_on_gpu(b) or device_of(a) != device_of(b):
        return False
    return bool(array_module(a).may_share_memory(a, b))


def shares_memory(a: Any, b: Any) -> bool:
    """Tell whether two arrays have an element in common; of a GPU, whether they may: more, only the card knows."""
    return may_share_memory(a, b) and (is_on_gpu(a) or np.shares_memory(a, b))


def same_bits(a: Any, b: Any) -> bool:
    """Tell whether two arrays of one kind hold the same, bit by bit."""
    return np.ascontiguousarray(to_numpy(a)).tobytes() == np.ascontiguousarray(to_numpy(b)).tobytes()


def same_numbers(a: Any, b: Any) -> bool:
    """Tell whether two arrays hold the same: bit by bit, and on a GPU, which adds in any order, nearly."""
    if is_on_gpu(a) != is_on_gpu(b) or a.dtype != b.dtype or a.shape != b.shape:
        return False
    on_gpu, close = is_on_gpu(a), CLOSE.get(a.dtype.char)
    a, b = to_numpy(a), to_numpy(b)
    if same_bits(a, b):
        return True
    if not on_gpu or close is None:
        return False
    return np.allclose(a, b, close, close * float(np.abs(b).max(initial=0)), equal_nan=True)
