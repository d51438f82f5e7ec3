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
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, DeviceLike, default_or, device_of, to_device, to_numpy
from tinygrad_edu.float_errors import quietly
from tinygrad_edu.ops.shape import sizes_of

if TYPE_CHECKING:
    # The one circle: what is made here is a Tensor, and editors shall know its methods, of which some (new_zeros and
    # its like) call functions from here. Nothing of it runs: tensor_from_array knows the class.
    from tinygrad_edu._tensor import Tensor

Dtype = dtypes.dtype | None


def finish(array: Array, dtype: Dtype, device: DeviceLike, requires_grad: bool) -> Tensor:
    """Return an array as a tensor of the wanted dtype, on the wanted device."""
    if dtype is not None:
        array = converted(array, dtype.numpy_dtype, copy=False)
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
    if hasattr(data, "dtype"):
        dtypes.from_numpy_dtype(data.dtype)
        return np.asarray(data) if isinstance(data, np.generic) else data.view()
    if isinstance(data, list | tuple) and isinstance(_first_leaf(data), TensorBase):
        data = _without_tensors(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(
            f"tensor: expected sequences of equal length at every level, got {_shorten(data)}"
        ) from None
    if array.dtype.kind not in "biufc" or array.dtype == np.uint64:
        raise _no_dtype_for(data)
    if hasattr(_first_leaf(data), "dtype"):
        return array
    if dtype is not None:
        _check_range(array, dtype)
    elif array.dtype.kind == "f":
        array = converted(array, dtypes.get_default_dtype().numpy_dtype)
    elif array.dtype.kind == "c":
        array = array.astype(dtypes.promote_types(dtypes.get_default_dtype(), dtypes.complex64).numpy_dtype)
    return array


def _first_leaf(data: Any) -> Any:
    """Return the first element of nested sequences that is not a sequence itself."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return data


def _without_tensors(data: Any) -> Any:
    if isinstance(data, TensorBase):
        return data.item() if data.ndim == 0 else data.detach().cpu().numpy()
    return [_without_tensors(x) for x in data] if isinstance(data, list | tuple) else data


def _check_range(array: Array, dtype: dtypes.dtype) -> None:
    """Raise for Python integers that the dtype cannot hold; negative ones wrap round in unsigned types."""
    if array.dtype.kind == "i" and dtype.numpy_dtype.kind in "iu" and array.size:
        info = np.iinfo(dtype.numpy_dtype)
        if array.max() > info.max or array.min() < (info.min or -info.max):
            raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")


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
    if isinstance(data, TensorBase):
        return data.to(
            device=default_or(data.device) if device is None else device, dtype=dtype or data.dtype
        )
    array = array_from_data(data, dtype)
    return finish(array, dtype, default_or(device_of(array)) if device is None else device, False)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """Make a tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy_dtype(ndarray.dtype)
    return tensor_from_array(ndarray.view())


# ---- constants -----------------------------------------------------------------------------------


def float_dtype(dtype: Dtype) -> Any:
    """Return the NumPy dtype of a dtype, of the default one for None."""
    return (dtype or dtypes.get_default_dtype()).numpy_dtype


def checked_sizes(name: str, sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """Return a shape given as ints, as one sequence, or by the keyword ``size``."""
    if size is not None:
        sizes = (size,)
    for s in sizes[0] if len(sizes) == 1 and isinstance(sizes[0], list | tuple) else sizes:
        if not hasattr(s, "__index__"):
            raise TypeError(f"{name}(): argument 'size' must be tuple of ints, but found {type(s).__name__}")
    shape = sizes_of(sizes)
    if any(s < 0 for s in shape):
        raise RuntimeError(
            f"{name}: Trying to create tensor with negative dimension {min(shape)}: {list(shape)}"
        )
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
    array = np.zeros(checked_sizes("zeros", sizes, size), float_dtype(dtype))
    return finish(array, None, device, requires_grad)


def ones(
    *sizes: Any,
    size: Any = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones of the given shape."""
    array = np.ones(checked_sizes("ones", sizes, size), float_dtype(dtype))
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


def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape with one value everywhere; its dtype is the value's."""
    if not isinstance(size, list | tuple):
        raise TypeError(
            f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}"
        )
    value = to_numpy(array_from_data(fill_value, dtype))
    array = np.full(
        checked_sizes("full", (size,)), value, value.dtype if dtype is None else dtype.numpy_dtype
    )
    return finish(array, None, device, requires_grad)


def like(input: Tensor, dtype: Dtype, device: DeviceLike) -> tuple[tuple[int, ...], dtypes.dtype, Any]:
    """Return the shape of a Tensor, and its dtype and device unless others are given."""
    if not isinstance(input, TensorBase):
        raise TypeError(f"argument 'input' must be Tensor, not {type(input).__name__}")
    return tuple(input.shape), dtype or input.dtype, input.device if device is None else device


def zeros_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the input's shape, dtype and device."""
    shape, dtype, device = like(input, dtype, device)
    return zeros(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the input's shape, dtype and device."""
    shape, dtype, device = like(input, dtype, device)
    return ones(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """An uninitialised tensor of the input's shape, dtype and device."""
    shape, dtype, device = like(input, dtype, device)
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
    shape, dtype, device = like(input, dtype, device)
    return full(shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


# ---- sequences -----------------------------------------------------------------------------------


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
    start, end, step = [x.item() if hasattr(x, "item") else x for x in (start, end, step)]
    if end is None:
        start, end = 0, start
    if dtype is None:
        whole = all(isinstance(x, int) for x in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    if not dtype.is_floating_point:
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound inconsistent with step sign: start={start}, end={end}, step={step}"
        )
    count = -((start - end) // step) if isinstance(step, int) else math.ceil((end - start) / step)
    return finish(start + step * np.arange(int(count)), dtype, device, requires_grad)


def _checked_count(name: str, argument: str, count: int) -> int:
    if count < 0:
        raise RuntimeError(f"{name}: {argument} must be greater or equal to 0, got {count}")
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
    array = np.linspace(start, end, _checked_count("linspace", "steps", steps))
    return finish(array.astype(float_dtype(dtype)), None, device, requires_grad)


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
    array = np.logspace(start, end, _checked_count("logspace", "steps", steps), base=base)
    return finish(array.astype(float_dtype(dtype)), None, device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix, or the first ``m`` columns of a larger one."""
    columns = n if m is None else _checked_count("eye", "m", m)
    array = np.eye(_checked_count("eye", "n", n), columns, dtype=float_dtype(dtype))
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
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
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
