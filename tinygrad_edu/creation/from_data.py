"""Tensors made of lists, numbers and arrays.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import optional_dtype
from tinygrad_edu.autograd.errors.cuts import COPIED, note_cut
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.telling import constant
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, DeviceLike, default_or, device_of, to_numpy
from tinygrad_edu.creation.common import Dtype, converted, finish
from tinygrad_edu.numpy_dtypes import NUMBER_KINDS, is_floating
from tinygrad_edu.scalars import checked_scalar
from tinygrad_edu.type_names import refuse_strangers, type_name

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


def array_from_data(data: Any, dtype: Dtype = None) -> Array:
    """Return nested lists, numbers, arrays and Tensors as one array, with PyTorch's choice of dtype.

    A given ``dtype`` is used for Python numbers at once (0.1 becomes a float64 without becoming a float32
    first); arrays and Tensors keep theirs.
    """
    if isinstance(data, TensorBase):
        return data.array
    refuse_strangers("tensor", _first_leaf(data))
    if hasattr(data, "dtype"):
        check_array_dtype(data.dtype)
        return np.asarray(data) if isinstance(data, np.generic) else data.view()
    if isinstance(data, list | tuple) and isinstance(_first_leaf(data), TensorBase):
        data = _without_tensors(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(
            f"tensor: expected sequences of equal length at every level, got {_shorten(data)}"
        ) from None
    if (
        array.dtype.kind not in "bi"
        and isinstance(_first_leaf(data), int)
        and _leaf_types(data) <= {int, bool}
    ):
        if dtype is None or dtype.numpy_dtype.kind in "iu":
            raise _no_dtype_for(
                data
            )  # int64 does not hold them; NumPy makes objects of some and floats of others
        array = np.asarray(array, np.float64)
    if array.dtype.kind not in NUMBER_KINDS:
        raise _no_dtype_for(data)
    if hasattr(_first_leaf(data), "dtype"):
        return array
    if dtype is not None:
        _check_range(array, dtype)
    elif is_floating(array.dtype):
        array = converted(array, dtypes.get_default_dtype().numpy_dtype)
    elif array.dtype.kind == "c":
        array = array.astype(dtypes.promote_types(dtypes.get_default_dtype(), dtypes.complex64).numpy_dtype)
    return array


def check_array_dtype(numpy_dtype: Any) -> None:
    """Raise unless the program's arrays of a dtype can be Tensors; those of bfloat16 cannot, as in PyTorch."""
    if dtypes.from_numpy_dtype(numpy_dtype) is dtypes.bfloat16:
        raise TypeError(
            "can't convert np.ndarray of type ml_dtypes.bfloat16. Hint: convert it to float32 first, and the Tensor to "
            "torch.bfloat16"
        )


def _first_leaf(data: Any) -> Any:
    """Return the first element of nested sequences that is not a sequence itself."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return data


def _without_tensors(data: Any) -> Any:
    if isinstance(data, TensorBase):
        return data.item() if data.ndim == 0 else to_numpy(data.array)
    return [_without_tensors(x) for x in data] if isinstance(data, list | tuple) else data


def _check_range(array: Array, dtype: dtypes.dtype) -> None:
    """Raise for Python numbers that a dtype of integers cannot hold; floats may become infinite."""
    if array.dtype.kind == "c" and not dtype.is_complex and dtype is not dtypes.bool_:
        raise TypeError(f"tensor: expected real numbers for {dtype}, got complex ones")
    if dtype.numpy_dtype.kind in "iu" and array.size:
        for extreme in (array.min(), array.max()):
            checked_scalar("tensor", extreme, dtype.numpy_dtype)


def _no_dtype_for(data: Any) -> Exception:
    """Return the error for data that are not numbers, or too large."""
    leaf_types = _leaf_types(data)
    if leaf_types <= {int, bool}:
        return ValueError(
            f"Overflow when unpacking long long: expected integers below 2**63, got {_shorten(data)}"
        )
    message = f"Could not infer dtype of {', '.join(sorted(t.__name__ for t in leaf_types))}"
    return (TypeError if str in leaf_types else RuntimeError)(
        f"{message}: expected numbers, got {_shorten(data)}"
    )


def _leaf_types(data: Any) -> set[type]:
    """Return the types of what nested sequences hold."""
    if isinstance(data, list | tuple):
        return set().union(*[_leaf_types(x) for x in data])
    return {type(data)}


def _shorten(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 80 else text[:77] + "..."


def told(array: Array, data: Any) -> Array:
    """Return an array; if it was made of Python's numbers, observers see that."""
    if this_thread.mode.observers and _leaf_types(data) <= {bool, int, float, complex}:
        constant(array)
    return array


def tensor(
    data: Any, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Make a tensor with a copy of ``data``.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        Python floats become the default dtype (float32), ints int64, booleans bool; arrays keep theirs.
    dtype : dtype, optional
        Convert to this.
    device : device, optional
        Where to put it.
    requires_grad : bool
        Whether to record what is done with it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.tensor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    dtype = optional_dtype("tensor", dtype)
    if isinstance(data, TensorBase):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than tensor(sourceTensor).",
            stacklevel=2,
        )
    array = array_from_data(data, dtype)
    if device is None:
        device = default_or(device_of(array))
    array = converted(array, array.dtype if dtype is None else dtype.numpy_dtype, order="C")
    made = finish(told(array, data), None, device, requires_grad)
    if isinstance(data, TensorBase):
        note_cut(data, made, COPIED)
    return made


def as_tensor(data: Any, dtype: Dtype = None, device: DeviceLike = None) -> Tensor:
    """Make a tensor, sharing the memory of ``data`` if it is an array (or Tensor) of the right dtype and device."""
    dtype = optional_dtype("as_tensor", dtype)
    if isinstance(data, TensorBase):
        return data.to(
            device=default_or(data.device) if device is None else device, dtype=dtype or data.dtype
        )
    array = told(array_from_data(data, dtype), data)
    return finish(array, dtype, default_or(device_of(array)) if device is None else device, False)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """Make a tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type_name(ndarray)})")
    check_array_dtype(ndarray.dtype)
    return tensor_from_array(ndarray.view())
