"""Tensors with one value everywhere, or with whatever was in memory.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.arguments import optional_dtype
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import DeviceLike
from tinygrad_edu.creation.common import Dtype, checked_sizes, finish, float_dtype, like, number_dtype
from tinygrad_edu.memory_formats import check_memory_format
from tinygrad_edu.scalars import checked_scalar
from tinygrad_edu.type_names import refuse_strangers, type_name

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


def zeros(
    *sizes: Any,
    size: Any = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros of the given shape.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    shape, numpy_dtype = checked_sizes("zeros", sizes, size), float_dtype(dtype)
    array = call(np.zeros, shape, numpy_dtype)
    return finish(array, None, device, requires_grad)


def ones(
    *sizes: Any,
    size: Any = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones of the given shape."""
    shape, numpy_dtype = checked_sizes("ones", sizes, size), float_dtype(dtype)
    array = call(np.ones, shape, numpy_dtype)
    return finish(array, None, device, requires_grad)


def empty(
    *sizes: Any,
    size: Any = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the given shape whose elements are whatever was in memory."""
    shape = checked_sizes("empty", sizes, size)
    check_memory_format("empty", memory_format, len(shape))
    array = call(np.empty, shape, float_dtype(dtype))
    return finish(array, None, device, requires_grad)


def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape with one value everywhere; its dtype is the value's."""
    dtype = optional_dtype("full", dtype)
    if not isinstance(size, list | tuple):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type_name(size)}")
    refuse_strangers("full", fill_value)
    if hasattr(fill_value, "item"):
        fill_value = fill_value.item()
    wanted = number_dtype(fill_value) if dtype is None else dtype.numpy_dtype
    number = checked_scalar("full", fill_value, wanted)
    array = call(np.full, checked_sizes("full", (size,)), number, wanted)
    return finish(array, None, device, requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros of the input's shape, dtype and device."""
    if isinstance(input, TensorBase) and not input._is_strided:
        return input.without_elements().to(dtype=dtype, device=device)
    shape, dtype, device = like("zeros_like", input, dtype, device, memory_format)
    return zeros(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones of the input's shape, dtype and device."""
    shape, dtype, device = like("ones_like", input, dtype, device, memory_format)
    return ones(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """An uninitialised tensor of the input's shape, dtype and device."""
    shape, dtype, device = like("empty_like", input, dtype, device, memory_format)
    return empty(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the input's shape, dtype and device with one value everywhere."""
    shape, dtype, device = like("full_like", input, dtype, device, memory_format)
    return full(shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)
