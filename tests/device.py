"""Where the suite computes: on the CPU, or with ``--device`` on a card or on the stand-in for one.

``tests/conftest.py`` makes it the default device, so a test that makes its tensors with ``torch.tensor`` or
``torch.zeros`` need not know. The two functions here are for tests that work with the arrays below the tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import _tensor, backend


def tensor_from_array(array: Any, requires_grad: bool = False) -> _tensor.Tensor:
    """Return a NumPy array as a tensor on the device of the suite; on the CPU it shares the memory."""
    return _tensor.tensor_from_array(backend.to_device(np.asarray(array), None), requires_grad)


def to_numpy(value: Any) -> np.ndarray[Any, Any]:
    """Return a tensor, an array of either module or a number as a NumPy array."""
    array = getattr(value, "array", value)
    return backend.to_numpy(array) if hasattr(array, "dtype") else np.asarray(array)


def shares_memory(a: _tensor.Tensor, b: _tensor.Tensor) -> bool:
    """Tell whether two tensors have a piece of memory in common."""
    return bool(backend.array_module(a.array).shares_memory(a.array, b.array))
