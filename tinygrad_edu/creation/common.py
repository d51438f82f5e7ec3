"""What the functions that make Tensors share: shapes, dtypes, devices.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int, as_numpy_dtype, optional_dtype, require_bools
from tinygrad_edu.autograd.telling import call, tell_called
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import Array, DeviceLike, check_numel, device_of, to_device
from tinygrad_edu.float_errors import quietly
from tinygrad_edu.memory_formats import check_memory_format
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.ops.shape.sizes import sizes_of

if TYPE_CHECKING:
    # The one circle: what is made here is a Tensor, and editors shall know its methods, of which some (new_zeros and
    # its like) call functions from here. Nothing of it runs: tensor_from_array knows the class.
    from tinygrad_edu._tensor import Tensor

Dtype = dtypes.dtype | None


def finish(array: Array, dtype: Dtype, device: DeviceLike, requires_grad: bool) -> Tensor:
    """Return an array as a tensor of the wanted dtype, on the wanted device."""
    if dtype is not None:
        array = in_dtype(array, as_numpy_dtype("", dtype))
    require_bools("", requires_grad=requires_grad)
    moved = to_device(array, device)
    if moved is not array:
        tell_called(to_device, (array, str(device_of(moved))), moved)
    result = tensor_from_array(moved)
    if requires_grad:
        result.requires_grad = True
    return result


def in_dtype(array: Array, numpy_dtype: Any) -> Array:
    """Return an array in a dtype; the array itself if it has it already."""
    return array if array.dtype == numpy_dtype else call(converted, array, numpy_dtype)


def converted(array: Array, numpy_dtype: Any, **options: Any) -> Array:
    """Return an array of another dtype; what is too large becomes infinity without a warning."""
    return quietly(array.astype, numpy_dtype, **options)


def float_dtype(dtype: Dtype) -> Any:
    """Return the NumPy dtype of a dtype, of the default one for None."""
    return (dtypes.get_default_dtype().numpy_dtype) if dtype is None else as_numpy_dtype("", dtype)


def checked_sizes(name: str, sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """Return a shape given as ints, as one sequence, or by the keyword ``size``."""
    if size is not None:
        sizes = (size,)
    shape = sizes_of(name, sizes)
    if any(s < 0 for s in shape):
        raise RuntimeError(
            f"{name}: Trying to create tensor with negative dimension {min(shape)}: {list(shape)}"
        )
    check_numel(name, shape)
    return shape


def number_dtype(number: Any) -> Any:
    """Return the NumPy dtype of a tensor made of a Python number."""
    return dtypes.result_numpy_dtype(number, number)


def like(
    name: str, input: Tensor, dtype: Dtype, device: DeviceLike, memory_format: Any
) -> tuple[tuple[int, ...], dtypes.dtype, Any]:
    """Return the shape of a Tensor, and its dtype and device unless others are given."""
    require_tensor(name, input)
    check_memory_format(name, memory_format, input.ndim)
    return (
        tuple(input.shape),
        optional_dtype(name, dtype) or input.dtype,
        input.device if device is None else device,
    )


def checked_count(name: str, argument: str, count: int) -> int:
    """Return a count as an int; it must not be negative."""
    count = as_int(name, argument, count)
    if count < 0:
        raise RuntimeError(f"{name}: {argument} must be greater or equal to 0, got {count}")
    check_numel(name, (count,))
    return count
