"""Making tensors on memory that is there already: of an array, of a buffer of bytes.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_dtype, optional_dtype
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.creation.common import Dtype
from tinygrad_edu.creation.from_data import as_tensor


def asarray(
    obj: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """Make a tensor of anything that can be one; of a Tensor, an array or a buffer on the same memory where it can.

    Parameters
    ----------
    obj : Tensor, array, buffer of bytes, number or nested sequence
        What it is made of.
    dtype, device
        By default those of ``obj``; bytes are of the default dtype.
    copy : bool, optional
        True: never share memory; False: raise where that is not possible.
    requires_grad : bool, optional
        False also cuts a Tensor off its graph. By default that of ``obj``.

    Raises
    ------
    ValueError
        If ``copy=False`` and the memory cannot be shared.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.asarray.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.ones(2)
    >>> torch.asarray(x) is x, torch.asarray(x, copy=True) is x, torch.asarray([1, 2])
    (True, False, tensor([1, 2]))
    """
    dtype = optional_dtype("asarray", dtype)
    if isinstance(obj, bytes | bytearray | memoryview):
        obj = frombuffer(obj, dtype=dtype or dtypes.get_default_dtype())
    result = as_tensor(obj, dtype, device)
    if copy is False and not _shares(obj, result):
        raise ValueError(
            f"asarray: expected memory that can be shared, with copy=False, got {type(obj).__name__}; "
            "a sequence, another dtype or another device needs a copy"
        )
    if copy and (_shares(obj, result) or result is obj):
        result = result.clone()
    if requires_grad is None or requires_grad == result.requires_grad:
        return result
    return result.detach().requires_grad_(requires_grad)


def _shares(obj: Any, result: Tensor) -> bool:
    """Tell whether a result lies in the memory of what it was made of."""
    array = getattr(obj, "array", obj)
    return result is obj or (
        isinstance(array, np.ndarray) and np.shares_memory(array, result.numpy(force=True))
    )


def frombuffer(
    buffer: Any, *, dtype: dtypes.dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """Make a one-dimensional tensor on the memory of a buffer of bytes.

    Parameters
    ----------
    buffer : bytes, bytearray, memoryview or array
        Anything with Python's buffer protocol.
    dtype : dtype
        What the bytes are.
    count : int
        How many elements; a negative number means as many as there are.
    offset : int
        How many bytes to leave out first.
    requires_grad : bool
        Whether to record what is done with it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.frombuffer.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.frombuffer(bytearray([1, 0, 2, 0]), dtype=torch.int16)
    tensor([1, 2], dtype=torch.int16)
    """
    numpy_dtype = as_dtype("frombuffer", dtype).numpy_dtype
    try:
        view = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    itemsize, length = numpy_dtype.itemsize, view.nbytes
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )
    if count < 0:
        if (length - offset) % itemsize:
            raise ValueError(
                f"buffer length ({length} bytes) after offset ({offset} bytes) must be a multiple of element size "
                f"({itemsize})"
            )
        count = (length - offset) // itemsize
    if offset + count * itemsize > length:
        raise ValueError(
            f"requested buffer length ({count} * {itemsize} bytes) after offset ({offset} bytes) must not be greater "
            f"than actual buffer length ({length} bytes)"
        )
    if view.readonly:
        warnings.warn(
            "The given buffer is not writable: a tensor on it cannot be changed in place.", stacklevel=2
        )
    result = tensor_from_array(np.frombuffer(view, numpy_dtype, count, offset))
    return result.requires_grad_() if requires_grad else result
