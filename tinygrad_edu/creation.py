"""Making tensors from data, filled with constants, and in sequences; ``sampling`` makes random ones.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import (
    as_int,
    as_number,
    as_numpy_dtype,
    is_number,
    optional_dtype,
    require_bools,
    wrong_type,
)
from tinygrad_edu.autograd.telling import tell_called
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, DeviceLike, check_numel, default_or, device_of, to_device, to_numpy
from tinygrad_edu.float_errors import quietly
from tinygrad_edu.numpy_dtypes import NUMBER_KINDS, is_floating
from tinygrad_edu.ops.common import require_dtype_of, require_tensor
from tinygrad_edu.ops.shape.layout import sizes_of
from tinygrad_edu.scalars import check_integer, checked_scalar
from tinygrad_edu.type_names import refuse_strangers, type_name

if TYPE_CHECKING:
    # The one circle: what is made here is a Tensor, and editors shall know its methods, of which some (new_zeros and
    # its like) call functions from here. Nothing of it runs: tensor_from_array knows the class.
    from tinygrad_edu._tensor import Tensor

Dtype = dtypes.dtype | None


def finish(array: Array, dtype: Dtype, device: DeviceLike, requires_grad: bool) -> Tensor:
    """Return an array as a tensor of the wanted dtype, on the wanted device."""
    if dtype is not None:
        array = converted(array, as_numpy_dtype("", dtype), copy=False)
    require_bools("", requires_grad=requires_grad)
    result = tensor_from_array(to_device(array, device))
    if requires_grad:
        result.requires_grad = True
    return result


def converted(array: Array, numpy_dtype: Any, **options: Any) -> Array:
    """Return an array of another dtype; what is too large becomes infinity without a warning."""
    return quietly(array.astype, numpy_dtype, **options)


# ---- from data -----------------------------------------------------------------------------------


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
    return finish(array, None, device, requires_grad)


def as_tensor(data: Any, dtype: Dtype = None, device: DeviceLike = None) -> Tensor:
    """Make a tensor, sharing the memory of ``data`` if it is an array (or Tensor) of the right dtype and device."""
    dtype = optional_dtype("as_tensor", dtype)
    if isinstance(data, TensorBase):
        return data.to(
            device=default_or(data.device) if device is None else device, dtype=dtype or data.dtype
        )
    array = array_from_data(data, dtype)
    return finish(array, dtype, default_or(device_of(array)) if device is None else device, False)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """Make a tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type_name(ndarray)})")
    check_array_dtype(ndarray.dtype)
    return tensor_from_array(ndarray.view())


# ---- constants -----------------------------------------------------------------------------------


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
    array = tell_called(np.zeros, (shape, numpy_dtype), np.zeros(shape, numpy_dtype))
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
    array = tell_called(np.ones, (shape, numpy_dtype), np.ones(shape, numpy_dtype))
    return finish(array, None, device, requires_grad)


def empty(
    *sizes: Any,
    size: Any = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape whose elements are whatever was in memory."""
    array = np.empty(checked_sizes("empty", sizes, size), float_dtype(dtype))
    return finish(array, None, device, requires_grad)


def number_dtype(number: Any) -> Any:
    """Return the NumPy dtype of a tensor made of a Python number."""
    return dtypes.result_numpy_dtype(number, number)


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
    array = np.full(checked_sizes("full", (size,)), checked_scalar("full", fill_value, wanted), wanted)
    return finish(array, None, device, requires_grad)


def like(
    name: str, input: Tensor, dtype: Dtype, device: DeviceLike
) -> tuple[tuple[int, ...], dtypes.dtype, Any]:
    """Return the shape of a Tensor, and its dtype and device unless others are given."""
    require_tensor(name, input)
    return (
        tuple(input.shape),
        optional_dtype(name, dtype) or input.dtype,
        input.device if device is None else device,
    )


def zeros_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the input's shape, dtype and device."""
    if isinstance(input, TensorBase) and not input._is_strided:
        return input.without_elements().to(dtype=dtype, device=device)
    shape, dtype, device = like("zeros_like", input, dtype, device)
    return zeros(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the input's shape, dtype and device."""
    shape, dtype, device = like("ones_like", input, dtype, device)
    return ones(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """An uninitialised tensor of the input's shape, dtype and device."""
    shape, dtype, device = like("empty_like", input, dtype, device)
    return empty(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the input's shape, dtype and device with one value everywhere."""
    shape, dtype, device = like("full_like", input, dtype, device)
    return full(shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


# ---- sequences -----------------------------------------------------------------------------------


def _real(name: str, number: Any) -> Any:
    """Return a number, perhaps in a Tensor, as an int or a float."""
    if hasattr(number, "item"):
        number = number.item()
    if not is_number(number, complex_too=True):
        raise TypeError(
            f"{name}(): argument 'start', 'end' or 'step' must be a number, not {type_name(number)}"
        )
    check_integer(name, number)
    return (
        checked_scalar(name, number, np.dtype(np.float64)).item() if isinstance(number, complex) else number
    )


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` (0 if only one argument is given) up to, not including, ``end``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.arange(1, 6, 2)
    tensor([1, 3, 5])
    """
    dtype = optional_dtype("arange", dtype)
    if end is None:
        start, end = 0, start
    start, end, step = [_real("arange", x) for x in (start, end, step)]
    if dtype is None:
        whole = all(isinstance(x, int) for x in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    if dtype == dtypes.bool_ or dtype.is_complex:
        raise NotImplementedError(f"arange: expected a dtype of real numbers, got {dtype}")
    computed_in = (
        dtypes.float32 if dtype in (dtypes.float16, dtypes.bfloat16) else dtypes.float64
    ).numpy_dtype
    if not dtype.is_floating_point:
        computed_in = dtypes.int64.numpy_dtype
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    first, last, stride = [checked_scalar("arange", x, computed_in).item() for x in (start, end, step)]
    if stride == 0:
        error = ValueError if step else RuntimeError  # 0.5 is 0 as an integer
        raise error(f"arange: expected step to be nonzero, got {step} for {dtype}")
    if dtype == dtypes.int64:
        start, end, step = first, last, stride
    elif dtype.is_floating_point:
        start, end, step = float(start), float(end), float(step)
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound inconsistent with step sign: start={start}, end={end}, step={step}"
        )
    count = -((start - end) // step) if dtype == dtypes.int64 else math.ceil((end - start) / step)
    check_numel("arange", (max(int(count), 0),))
    (count,) = checked_sizes("arange", (max(int(count), 0),))
    return finish(evenly(first, stride, count, dtype.numpy_dtype), None, device, requires_grad)


def evenly(first: float, stride: float, count: int, numpy_dtype: Any) -> Array:
    """Return ``count`` numbers, each ``stride`` more than the one before."""
    numbers = converted(first + stride * np.arange(count), numpy_dtype, copy=False)
    return tell_called(evenly, (first, stride, count, numpy_dtype), numbers)


def _checked_count(name: str, argument: str, count: int) -> int:
    count = as_int(name, argument, count)
    if count < 0:
        raise RuntimeError(f"{name}: {argument} must be greater or equal to 0, got {count}")
    check_numel(name, (count,))
    return count


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    numbers, wanted = _evenly_spaced("linspace", start, end, steps, dtype)
    return finish(converted(numbers, wanted), None, device, requires_grad)


def _evenly_spaced(name: str, start: Any, end: Any, steps: int, dtype: Dtype) -> tuple[Array, Any]:
    """Return evenly spaced numbers, not yet of the NumPy dtype that is returned with them."""
    dtype = optional_dtype(name, dtype)
    for x in (start, end):
        if isinstance(x, TensorBase) and x.ndim:
            raise RuntimeError(f"{name}: expected numbers or 0-dimensional tensors, got {list(x.shape)}")
    ends = [x.item() if isinstance(x, TensorBase) else x for x in (start, end)]
    has_complex = any(isinstance(x, complex) for x in ends)
    if dtype is None and has_complex:
        dtype = dtypes.promote_types(dtypes.get_default_dtype(), dtypes.complex64)
    wanted = float_dtype(dtype)
    if wanted.kind != "c" and has_complex:
        raise RuntimeError(f"{name}: expected real numbers for {dtype}, got {start} and {end}")
    if wanted.kind == "b":
        raise NotImplementedError(f"{name}: expected a dtype of numbers, got {dtype}")
    first, last = [checked_scalar(name, x, wanted).item() for x in ends]
    return quietly(_spaced, first, last, _checked_count(name, "steps", steps)), wanted


def _spaced(start: float, end: float, steps: int) -> Array:
    """Return evenly spaced numbers, each counted from the end that is nearer."""
    index = np.arange(steps)
    step = (end - start) / max(steps - 1, 1)
    return np.where(index < max(steps // 2, 1), start + step * index, end - step * (steps - 1 - index))


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from base^start to base^end, evenly spaced on a logarithmic scale."""
    base = as_number("logspace", "base", base)
    exponents, wanted = _evenly_spaced("logspace", start, end, steps, dtype)
    return finish(converted(quietly(np.power, base, exponents), wanted), None, device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix, or the first ``m`` columns of a larger one."""
    rows = _checked_count("eye", "n", n)
    columns = rows if m is None else _checked_count("eye", "m", m)
    check_numel("eye", (rows, columns))
    array = np.eye(rows, columns, dtype=float_dtype(dtype))
    return finish(array, None, device, requires_grad)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return coordinate grids of vectors.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    >>> rows
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    for vector in vectors:
        if not isinstance(vector, TensorBase):
            raise wrong_type("meshgrid", "tensors", "Tensors", vector)
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for i, vector in enumerate(vectors):
        require_dtype_of("meshgrid", vectors[0], **{f"tensors[{i}]": vector})
        if vector.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got shape {list(vector.shape)}"
            )
    places = list(range(len(vectors)))  # which dimension of the grids each vector varies along
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = 1, 0
    shape = [1] * len(vectors)
    for place, vector in zip(places, vectors, strict=True):
        shape[place] = vector.numel()
    return tuple(
        [
            vector.reshape([-1 if d == place else 1 for d in range(len(shape))]).expand(shape).clone()
            for place, vector in zip(places, vectors, strict=True)
        ]
    )
